//! What an error says about a write: whether it may have been done.

use super::{ClientError, error::is_gateway_status};

/// What a write came to, as far as its error tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteEffect {
    /// Nothing: it was not sent, or the server itself refused it.
    NotDone,
    /// Something answered, but not in a way that tells. The object tells.
    Unclear,
    /// No answer came, so it may still be under way. The object tells whether it is done.
    Unanswered,
}

impl ClientError {
    /// Returns what became of a write that failed with this error.
    pub(crate) fn write_effect(&self) -> WriteEffect {
        match self {
            Self::Lost { .. } | Self::Timeout { .. } => WriteEffect::Unanswered,
            Self::Malformed { .. } | Self::TooLarge { .. } | Self::Redirected { .. } => {
                WriteEffect::Unclear
            }
            Self::Status { status, .. } | Self::NotJson { status, .. } => match status {
                429 => WriteEffect::NotDone,
                status if is_gateway_status(*status) => WriteEffect::Unanswered,
                400..=499 if self.is_from_api() => WriteEffect::NotDone,
                _ => WriteEffect::Unclear,
            },
            _ => WriteEffect::NotDone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::octopus::error::tests::status;

    #[test]
    fn the_write_effect_depends_on_the_status_and_on_who_answered() {
        use WriteEffect::{NotDone, Unanswered, Unclear};
        let page = |status| ClientError::NotJson {
            request: String::new(),
            status,
            beginning: String::new(),
            retry_after: None,
        };
        for (code, by_server, by_nobody, by_page) in [
            (200, Unclear, Unclear, Unclear),
            (400, NotDone, Unclear, Unclear),
            (404, NotDone, Unclear, Unclear),
            (408, Unanswered, Unanswered, Unanswered),
            (409, NotDone, Unclear, Unclear),
            (429, NotDone, NotDone, NotDone),
            (500, Unclear, Unclear, Unclear),
            (501, Unclear, Unclear, Unclear),
            (502, Unanswered, Unanswered, Unanswered),
            (503, Unanswered, Unanswered, Unanswered),
            (520, Unanswered, Unanswered, Unanswered),
            (524, Unanswered, Unanswered, Unanswered),
        ] {
            let effects = [status(code, "x"), status(code, ""), page(code)];
            let effects = effects.map(|error| error.write_effect());
            assert_eq!(effects, [by_server, by_nobody, by_page], "{code}");
        }
        let refused = ClientError::Connect { url: String::new(), why: String::new() };
        assert_eq!(refused.write_effect(), NotDone);
        assert_eq!(ClientError::TimeIsUp.write_effect(), NotDone);
    }
}
