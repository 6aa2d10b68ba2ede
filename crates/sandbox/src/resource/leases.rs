//! The list of leases.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    kind::LEASES,
    page::ListFilter,
};

/// `GET …/workertaskleases`.
pub(crate) fn list(call: &RequestContext<'_>) -> HandlerResult {
    let mut filter = ListFilter::new(&LEASES, &call.space, call.request);
    if !call.person.has_permission(LEASES.view) {
        filter.add_condition("id =", "");
    }
    let page = filter.page_text(call.db, &call.space_path(LEASES.path), LEASES.take)?;
    Ok(SandboxResponse::from_json(format!(r#"{{"WorkerTaskLeases":{page}}}"#)))
}
