//! What an apply begins with: a connection, and a plan that was saved or is made now.

use super::{Args, age};
use crate::{
    cli::{
        exit,
        output_file::InputFile,
        plan::PlanInput,
        screen::Screen,
        session::{DeclaredServer, Session},
        show,
        stamp::stamp_commit,
    },
    ops::error_with_help,
};
use poolwright_core::{finding::Sources, plan::Plan};
use poolwright_refresh::find_space;

/// What an apply begins with.
pub(super) enum Preparation {
    /// A connection, a plan, and the files that its locations point into.
    Ready { session: Box<Session>, plan: Box<Plan>, sources: Sources },
    /// Nothing, for a reason that has been printed; the exit code.
    Stopped(u8),
}

/// Opens a connection and reads or makes the plan.
pub(super) async fn prepare_plan(args: &Args, screen: &Screen) -> anyhow::Result<Preparation> {
    if let Some(path) = &args.plan {
        let plan = show::read_plan(path)?;
        if let Some(limit) = args.max_age
            && let Err(why) = age::check_age(&plan, limit)
        {
            age::print_refusal(&why, &plan, path);
            return Ok(Preparation::Stopped(exit::REFUSED));
        }
        args.check_files(&[InputFile { path, what: "the saved plan" }])?;
        let plan = args.flags.levels.request().settle_plan(plan, &[], false);
        let session = Box::new(open_for_saved_plan(args, &plan).await?);
        let (plan, sources) = (Box::new(plan), Sources::default());
        return Ok(Preparation::Ready { session, plan, sources });
    }
    let Some(files) = args.files.load_files(screen)? else {
        return Ok(Preparation::Stopped(exit::ERROR));
    };
    args.check_files(&InputFile::configuration(&files.names()))?;
    let session_args = &args.flags.session;
    let session = session_args.open_session(files.url().map(DeclaredServer::in_file)).await?;
    let guards = args.flags.levels.guards(&args.flags.own);
    let input = PlanInput { files: &files, base: None, guards: &guards };
    let plan = args.narrowed.make_plan(input, session_args, &session, screen);
    let Ok(mut plan) = plan.await? else { return Ok(Preparation::Stopped(exit::ERROR)) };
    stamp_commit(&mut plan);
    let (session, plan) = (Box::new(session), Box::new(plan));
    Ok(Preparation::Ready { session, plan, sources: files.sources })
}

/// Connects to the server and the space that a saved plan is for; another one is an error.
async fn open_for_saved_plan(args: &Args, plan: &Plan) -> anyhow::Result<Session> {
    let header = &plan.header;
    if let Some(url) = args.flags.session.url()
        && url.trim_end_matches('/') != header.url.trim_end_matches('/')
    {
        let message = format!("the plan is for `{}`, not `{url}`", header.url);
        return Err(error_with_help(
            message,
            "make a plan for this server, or remove `--url` and OCTOPUS_URL",
        ));
    }
    let session =
        args.flags.session.open_session(Some(DeclaredServer::in_plan(&header.url))).await?;
    if let Some(wanted) = args.flags.session.space_name(None) {
        let space = find_space(&session.connection.reader(), Some(wanted)).await?;
        if space.id != header.space.id {
            let message = format!("the plan is for space `{}`, not `{wanted}`", header.space.name);
            return Err(error_with_help(
                message,
                "make a plan for this space, or remove `--space` and OCTOPUS_SPACE",
            ));
        }
    }
    Ok(session)
}
