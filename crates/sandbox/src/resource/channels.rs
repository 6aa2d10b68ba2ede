//! Channels: every project has at least one, and one of them is its default.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    kind::{CHANNELS, RELEASES},
    request::HttpVerb,
    store::{self, StoredDocument},
};

/// `…/projects/{id}/channels` and what only channels have below.
pub(crate) fn route_project_channels(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            let path = format!("projects/{}/channels", project.id);
            call.page_where(&CHANNELS, "owner =", &project.id, &path)
        }
        (_, [id, ..]) => match call.find_document(&CHANNELS, id) {
            Ok(channel) if channel.owner.eq_ignore_ascii_case(&project.id) => {
                return route_channels(call, path);
            }
            Ok(_) => Err(ErrorResponse::not_found()),
            Err(refusal) => Err(refusal),
        },
        _ => return None,
    })
}

/// Routes that only channels have.
pub(crate) fn route_channels(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    let (HttpVerb::Get, [id, "releases"]) = (call.verb(), path) else { return None };
    Some(call.find_document(&CHANNELS, id).and_then(|channel| list_releases(call, &channel)))
}

fn list_releases(call: &RequestContext<'_>, channel: &StoredDocument) -> HandlerResult {
    call.person.require_permission(RELEASES.view)?;
    let mut filter = call.list_filter(&RELEASES);
    filter.add_condition("json_extract(body, '$.ChannelId') =", &channel.id);
    if let Some(version) = call.request.parameter("searchbyversion") {
        filter.add_condition("instr(json_extract(body, '$.Version'), ?) > 0", version);
    }
    filter.page_answer(call.db, &call.space_path(&format!("channels/{}/releases", channel.id)))
}

/// The channel of a release: the one that is named by id or name, or the project's default.
pub(super) fn resolve_channel(
    call: &RequestContext<'_>,
    project: &str,
    asked: &str,
) -> HandlerResult<String> {
    let channels = project_channels(call, project)?;
    if asked.is_empty() {
        let is_default = |document: &&StoredDocument| {
            document.parse_body().is_ok_and(|channel| channel["IsDefault"] == true)
        };
        let chosen = channels.iter().find(is_default).or_else(|| channels.first());
        let none = || ErrorResponse::bad_request("This project has no channel.");
        return Ok(chosen.ok_or_else(none)?.id.clone());
    }
    let is_requested = |document: &&StoredDocument| {
        document.id.eq_ignore_ascii_case(asked) || document.name.eq_ignore_ascii_case(asked)
    };
    let unknown_channel = || ErrorResponse::unknown_reference(CHANNELS.noun, asked);
    Ok(channels.iter().find(is_requested).ok_or_else(unknown_channel)?.id.clone())
}

/// The channels of a project.
pub(super) fn project_channels(
    call: &RequestContext<'_>,
    project: &str,
) -> HandlerResult<Vec<StoredDocument>> {
    let values = [CHANNELS.prefix, &call.space, project];
    let condition = "space = ?2 and owner = ?3";
    Ok(store::select_documents(call.db, &CHANNELS, condition, values)?)
}
