//! Reads a server again while an apply is under way.

use super::{lower, refresh_live};
use futures_util::future::{BoxFuture, FutureExt as _};
use poolwright_client::{
    apply::LateReader,
    octopus::{Reader, wire},
};
use poolwright_core::{
    live::{Live, LiveStep},
    plan::PlanHeader,
};

/// Reads what a plan was made from.
#[derive(Clone, Debug)]
pub struct PlanSource<'a> {
    /// The server.
    pub reader: Reader,
    /// What the plan says of the space, and of what is read.
    pub header: &'a PlanHeader,
    /// The server's URL, as the user gave it.
    pub url: &'a str,
}

impl LateReader for PlanSource<'_> {
    fn live_steps(&self, process: wire::ProcessResource) -> Vec<LiveStep> {
        let steps = process.steps.into_iter().enumerate();
        steps.flat_map(|(position, step)| lower::live_steps(step, position)).collect()
    }

    fn read_live(&self) -> BoxFuture<'_, Result<Live, String>> {
        let Self { reader, header, url } = self;
        let live = async {
            let live = refresh_live(reader, &header.space, &header.scope, url).await;
            live.map_err(|error| match error.help() {
                Some(help) => format!("{error}; {help}"),
                None => error.to_string(),
            })
        };
        live.boxed()
    }
}
