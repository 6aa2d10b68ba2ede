//! The list of leases.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    kind::LEASES,
};

/// `GET …/workertaskleases`.
pub(crate) fn list_leases(call: &RequestContext<'_>) -> HandlerResult {
    let page =
        call.list_filter(&LEASES).page_text(call.db, &call.space_path(LEASES.path), LEASES.take)?;
    Ok(SandboxResponse::from_json(format!(r#"{{"WorkerTaskLeases":{page}}}"#)))
}
