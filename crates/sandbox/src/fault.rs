//! What goes wrong on demand, and at which request.
//!
//! Chance repeats itself: under the same seed, the same requests in the same order meet the same faults.

mod control;
mod counter;
mod rule;
mod text;

pub(crate) use counter::{Faults, TriggeredFault};
pub use rule::{Fault, FaultKind, FaultRule, FaultTrigger, RequestMatcher};
pub use text::FaultRuleError;
