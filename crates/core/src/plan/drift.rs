//! Who made the server differ from the files, as far as the audit log and our own receipts tell.
//!
//! For people. No decision depends on it, except which drift is shown.

use serde::{Deserialize, Serialize};

/// The plan of files that were applied: every change in it is drift.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftReport {
    /// How far back drift is shown, as the user gave it; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// How many older changes are left out.
    #[serde(default)]
    pub left_out: usize,
}

/// An event of the server's audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// `Events-1`.
    pub id: String,
    /// When, as the server writes it.
    pub occurred: String,
    /// `Created`, `Modified` or `Deleted`.
    pub category: String,
    /// The user's name.
    pub user: String,
    /// Whether the user is a service account.
    pub is_service: bool,
    /// How the user identified: `Session cookie`, `API key`.
    pub identified_with: String,
    /// The program that sent the request.
    pub agent: String,
    /// What happened, in the server's words.
    pub message: String,
    /// The receipt of our own apply that made the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

impl AuditEvent {
    /// Describes the event: `last changed by "jane" in the portal, 2026-11-28 10:04 UTC`.
    pub fn describe(&self) -> String {
        let verb = match self.category.as_str() {
            "Created" => "created",
            "Deleted" => "deleted",
            _ => "last changed",
        };
        let user =
            if self.user.is_empty() { "an unknown user" } else { &format!("{:?}", self.user) };
        let who = if self.is_service { format!("service account {user}") } else { user.to_owned() };
        let receipt =
            self.receipt.as_ref().map(|path| format!(", through poolwright (receipt {path:?})"));
        let (means, time) = (self.describe_means(), self.describe_time());
        format!("{verb} by {who}{means}, {time}{}", receipt.unwrap_or_default())
    }

    fn describe_means(&self) -> String {
        let identified = self.identified_with.to_lowercase();
        if self.agent == "Server" {
            return " in a task of the server".to_owned();
        }
        if identified.contains("cookie") || self.agent.starts_with("OctopusClient-js") {
            return " in the portal".to_owned();
        }
        let means = match identified.as_str() {
            "" => String::new(),
            "api key" => " with an API key".to_owned(),
            _ => format!(" with {:?}", self.identified_with),
        };
        let agent =
            if self.agent.is_empty() { String::new() } else { format!(" ({:?})", self.agent) };
        format!("{means}{agent}")
    }

    /// The time to the minute, if it is in UTC, so that steps that were changed together are shown together.
    fn describe_time(&self) -> String {
        let is_utc = self.occurred.ends_with("+00:00") || self.occurred.ends_with('Z');
        match (self.occurred.get(..10), self.occurred.get(11..16)) {
            (Some(day), Some(minute)) if is_utc => format!("{day} {minute} UTC"),
            _ => self.occurred.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_describes_who_made_it_how_and_when() {
        let event = |identified: &str, agent: &str, is_service| AuditEvent {
            occurred: "2026-11-28T10:04:34.3616214+00:00".into(),
            category: "Modified".into(),
            user: "jane".into(),
            is_service,
            identified_with: identified.into(),
            agent: agent.into(),
            ..AuditEvent::default()
        };
        insta::assert_snapshot!(event("Session cookie", "OctopusClient-js/2020.2.2", false).describe(), @r#"last changed by "jane" in the portal, 2026-11-28 10:04 UTC"#);
        insta::assert_snapshot!(event("API key", "curl/8", true).describe(), @r#"last changed by service account "jane" with an API key ("curl/8"), 2026-11-28 10:04 UTC"#);
        insta::assert_snapshot!(event("", "Server", false).describe(), @r#"last changed by "jane" in a task of the server, 2026-11-28 10:04 UTC"#);
        let own = AuditEvent {
            receipt: Some("r.json".into()),
            category: "Deleted".into(),
            occurred: "x".into(),
            ..event("OpenID", "", true)
        };
        insta::assert_snapshot!(own.describe(), @r#"deleted by service account "jane" with "OpenID", x, through poolwright (receipt "r.json")"#);
    }
}
