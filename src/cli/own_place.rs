//! What the program itself runs on, according to the command line.

use poolwright_core::plan::OwnPlace;

/// The worker and the pool that the program runs on.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The worker that this command runs on. A plan that disables, replaces or deletes it is refused. May be
    /// repeated.
    #[arg(long, value_name = "WORKER")]
    own_worker: Vec<String>,
    /// The worker pool that this runs in: a plan that deletes or empties it is refused. May be repeated.
    #[arg(long, value_name = "POOL")]
    own_pool: Vec<String>,
}

impl Args {
    /// Returns what the program runs on. An empty name, as of a variable that is not set, is none.
    pub(super) fn own_place(&self) -> OwnPlace {
        let names = |names: &[String]| {
            let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        OwnPlace { workers: names(&self.own_worker), pools: names(&self.own_pool) }
    }
}
