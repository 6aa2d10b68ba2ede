//! What goes wrong on demand, and at which request.
//!
//! Never: chance. The same requests meet the same misfortunes.

pub(super) mod wire;

use std::time::Duration;

/// A misfortune, and the request that meets it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which of the requests that match, counted from 1.
    pub nth: usize,
    /// How a request must begin to match, such as `PUT /api/Spaces-1/workerpools`; `None` is any.
    /// Case does not count.
    pub on: Option<String>,
    /// What happens to it.
    pub what: Misfortune,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Misfortune {
    /// It is not handled; the answer is an error body under this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// It is not handled; the answer is a page of HTML under this status, as a proxy sends it.
    Html(u16),
    /// It is not handled, and the connection closes without an answer.
    DropBefore,
    /// It is handled, and the connection closes without an answer.
    DropAfter,
    /// It is handled, and the answer's body breaks off half way.
    Truncate,
    /// It is handled after this time.
    Delay(Duration),
    /// Somebody else saves the process that it addresses, just before it is handled.
    Edit,
    /// It is not handled; the answer points elsewhere.
    Redirect(String),
}

/// The faults of a sandbox, each with the count of requests that matched so far.
#[derive(Debug)]
pub(super) struct Faults(Vec<(Fault, usize)>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Counts a request, given as `METHOD /path?query`, and tells the first misfortune that it meets.
    pub(super) fn meet(&mut self, request: &str) -> Option<Misfortune> {
        let mut met = None;
        for (fault, seen) in &mut self.0 {
            if !fault.on.as_deref().is_none_or(|prefix| begins(request, prefix)) {
                continue;
            }
            *seen += 1;
            if *seen == fault.nth && met.is_none() {
                met = Some(fault.what.clone());
            }
        }
        met
    }
}

fn begins(request: &str, prefix: &str) -> bool {
    request.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
