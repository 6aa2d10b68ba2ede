//! The digest of what a plan does, by which people tell whether two plans are the same.

use super::{ChangeKind, GateSettings, OwnPlace, Plan, PlanOrigin};
use crate::text::sha256_text;

use serde::Serialize;
use std::{collections::BTreeSet, fmt};

/// The length of the short form, in characters.
const SHORT: usize = 12;

/// The digest of a plan: of its changes, the server and the space that they are for, and the gates that they passed.
///
/// It does not depend on when, by whom, on which worker or from which commit the plan was made, nor on the order of its
/// changes, so a plan that is made again has the same digest if it does the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDigest(String);

impl PlanDigest {
    /// Returns the first characters, as people compare them.
    pub fn short(&self) -> &str {
        let digits = self.0.trim_start_matches("sha256:");
        digits.get(..SHORT).unwrap_or(digits)
    }
}

/// Shows `sha256:` and the whole digest.
impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is digested, as JSON. Whoever changes it changes every digest.
#[derive(Serialize)]
struct DigestedPlan<'a> {
    server: &'a str,
    space: &'a str,
    origin: PlanOrigin,
    gates: &'a GateSettings,
    changes: Vec<String>,
}

#[derive(Serialize)]
struct DigestedChange<'a> {
    address: String,
    write: &'a ChangeKind,
}

impl Plan {
    /// Returns the digest of what the plan does.
    pub fn digest(&self) -> PlanDigest {
        // Strings, numbers, lists and maps with string keys always have a JSON form.
        let changes = self.changes.iter().map(|change| {
            let address = change.address.to_string();
            serde_json::to_string(&DigestedChange { address, write: &change.kind })
                .unwrap_or_default()
        });
        let mut changes: Vec<String> = changes.collect();
        changes.sort();
        // The worker that runs a command and the warnings that it denies do not change what the plan does.
        let (own, denied) = (OwnPlace::default(), BTreeSet::new());
        let gates = GateSettings { own, denied, ..self.gates.clone() };
        let digested = DigestedPlan {
            server: self.header.url.trim_end_matches('/'),
            space: self.header.space.id.as_str(),
            origin: self.header.origin,
            gates: &gates,
            changes,
        };
        let text = serde_json::to_string(&digested).unwrap_or_default();
        PlanDigest(sha256_text([text.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::Sources,
        plan::{PlanHeader, PlanStamp, SourceCommit, file, sample::everything},
    };

    #[test]
    fn a_digest_depends_only_on_what_a_plan_does() {
        let plan = everything();
        let digest = plan.digest();
        let mut same = plan.clone();
        same.changes.reverse();
        same.findings.clear();
        same.header.url.push('/');
        same.header.server_version = "2027.1".into();
        let commit = SourceCommit { id: Some("abc".into()), dirty: Some(true) };
        let at = Some("2026-11-28T15:40:00Z".into());
        same.header.stamp = PlanStamp { at, commit, ..PlanStamp::default() };
        assert_eq!(same.digest(), digest);
        let saved = file::read(&file::write(&plan, &Sources::default())).unwrap();
        assert_eq!(saved.digest(), digest);

        let other_server = Plan {
            header: PlanHeader { url: "https://b".into(), ..plan.header.clone() },
            ..plan.clone()
        };
        let mut other_gates = plan.clone();
        other_gates.gates.prunes = !other_gates.gates.prunes;
        let mut fewer = plan.clone();
        fewer.changes.pop();
        for other in [other_server, other_gates, fewer] {
            assert_ne!(other.digest(), digest);
        }
    }

    #[test]
    fn the_short_form_has_twelve_digits() {
        let digest = everything().digest();
        assert_eq!(digest.short().len(), SHORT);
        assert!(digest.to_string().starts_with(&format!("sha256:{}", digest.short())));
    }
}
