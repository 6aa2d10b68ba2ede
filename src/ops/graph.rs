//! Draws pools, workers and what runs where: of a server as it is, of a server before and after the changes that files
//! ask for, or of a plan.

use super::{
    LoadedFiles, Target, error_with_help,
    explain::{find_live_pool, list_project_error},
    unsaved_header,
};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff::{plan_changes, simulate_changes},
    finding::{Finding, Level},
    graph::{Diagram, GraphFilter},
    plan::Plan,
    scope::ReadScope,
};
use poolwright_refresh::{find_space, refresh_live};

/// What to draw of a server.
#[derive(Debug)]
pub(crate) struct GraphRequest<'a> {
    /// The server and the space.
    pub(crate) target: Target<'a>,
    /// The pool to narrow the picture to, by name, slug or id.
    pub(crate) pool: Option<&'a str>,
    /// The project to narrow the picture to, by name, slug or id.
    pub(crate) project: Option<&'a str>,
    /// The files whose changes are shown too.
    pub(crate) after: Option<&'a LoadedFiles>,
}

/// Reads a server and draws it. With files, returns the findings of level `Error` in place of a picture if they do not
/// fit the server.
///
/// # Errors
///
/// Fails if the server cannot be read, or has nothing with a name that the picture is narrowed to.
pub(crate) async fn draw_server(
    reader: &Reader,
    request: &GraphRequest<'_>,
) -> anyhow::Result<Result<Diagram, Vec<Finding>>> {
    let Target { url, space } = request.target;
    let space = find_space(reader, space).await?;
    let desired = request.after.map(|files| &files.desired);
    let scope = ReadScope::for_graph(request.project, desired);
    let live = refresh_live(reader, &space, &scope, url).await?;
    if let Some(project) = request.project
        && live.projects.is_empty()
    {
        return Err(list_project_error(reader, &space.id, project).await);
    }
    let pool = request.pool.map(|pool| find_live_pool(&live, pool)).transpose()?;
    let project = live.projects.first().filter(|_| request.project.is_some());
    let filter = GraphFilter {
        pool: pool.map(|pool| pool.id.clone()),
        project: project.map(|project| project.name.to_string()),
    };
    let Some(desired) = desired else { return Ok(Ok(Diagram::from_live(&live, &filter))) };
    let plan = plan_changes(desired, &live, unsaved_header(space));
    if plan.highest_level() == Some(Level::Error) {
        return Ok(Err(plan.findings));
    }
    let after = simulate_changes(&live, &plan.changes);
    Ok(Ok(Diagram::from_states(&live, &after, &filter)))
}

/// Draws a plan.
///
/// # Errors
///
/// Fails if the plan does not say where steps run.
pub(crate) fn draw_plan(plan: &Plan) -> anyhow::Result<Diagram> {
    Diagram::from_plan(plan).ok_or_else(|| {
        error_with_help(
            "the plan does not contain where steps run: it changes nothing, or was saved by an older version",
            "leave the plan out to draw the server itself",
        )
    })
}
