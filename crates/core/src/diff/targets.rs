//! `--target`: narrows a plan to some addresses and to what they depend on. It never adds a change.

use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    model::{Address, Name, ParseAddressError, VariableSetOwner},
    plan::Change,
    text::{fold_case, nearest_name, pattern::Pattern},
};

/// The addresses that a plan is narrowed to; an empty filter covers every address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetFilter(Vec<(String, Pattern)>);

impl TargetFilter {
    /// Parses addresses, with `*` and `?` as wildcards.
    ///
    /// # Errors
    ///
    /// Returns a [`ParseAddressError`] for text without wildcards that is not an address.
    pub fn new<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<Self, ParseAddressError> {
        let target = |text: &str| {
            let pattern = Pattern::new(text);
            if let Some(exact) = pattern.exact_name() {
                // Different spellings of an address are the same address.
                let address: Address = exact.parse()?;
                return Ok((text.to_owned(), Pattern::new(&address.to_string())));
            }
            Ok((text.to_owned(), pattern))
        };
        written.into_iter().map(target).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the filter covers this address.
    pub(super) fn covers_address(&self, address: &Address) -> bool {
        let folded = fold_case(&address.to_string());
        self.0.is_empty() || self.0.iter().any(|(_, pattern)| pattern.matches(&folded))
    }

    /// Whether the filter may cover a step or a value of this project.
    pub(super) fn may_cover_project(&self, project: &Name) -> bool {
        let owner = VariableSetOwner::Project { name: project.to_string(), branch: None };
        let prefix = fold_case(&owner.to_string());
        self.0.is_empty() || self.0.iter().any(|(_, pattern)| pattern.may_match_prefix(&prefix))
    }

    /// Keeps the changes at these addresses and those that they wait for. Returns warnings about targets without
    /// a change.
    pub(super) fn narrow_changes(&self, changes: &mut Vec<Change>) -> Vec<Finding> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let addresses: Vec<(Address, String)> = changes
            .iter()
            .map(|change| (change.address.clone(), change.address.to_string()))
            .collect();
        let is_idle = |pattern: &Pattern| {
            !addresses.iter().any(|(_, shown)| pattern.matches(&fold_case(shown)))
        };
        let idle = self.0.iter().filter(|(_, pattern)| is_idle(pattern));
        let known = || addresses.iter().map(|(_, shown)| shown.as_str());
        let warnings = idle.map(|(written, _)| idle_target_warning(written, known())).collect();
        let is_targeted = |shown: &str| {
            let folded = fold_case(shown);
            self.0.iter().any(|(_, pattern)| pattern.matches(&folded))
        };
        let mut kept: Vec<bool> = addresses.iter().map(|(_, shown)| is_targeted(shown)).collect();
        // A change only waits for earlier ones, so one walk from the end finds all of them.
        for at in (0..changes.len()).rev() {
            let Some(change) = changes.get(at).filter(|_| kept.get(at) == Some(&true)) else {
                continue;
            };
            let earlier = addresses.iter().take(at).zip(&mut kept);
            let needed = earlier.filter(|((address, _), _)| change.after.contains(address));
            needed.for_each(|(_, kept)| *kept = true);
        }
        let mut kept = kept.into_iter();
        changes.retain(|_| kept.next().unwrap_or_default());
        warnings
    }
}

fn idle_target_warning<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Finding {
    let message = format!("no change matches the target `{written}`");
    let finding = Finding::new(Code::IdleTarget, Level::Warn, FindingLocation::Nowhere, message);
    match nearest_name(written, known) {
        Some(near) => finding.with_help(format!("there is a change at `{near}`")),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn narrowed(targets: &[&str]) -> String {
        let mut changes = sample::everything().changes;
        let filter = TargetFilter::new(targets.iter().copied()).unwrap();
        let findings = filter.narrow_changes(&mut changes);
        let changes = changes.iter().map(|it| it.address.to_string());
        let findings =
            findings.iter().map(|finding| format!("{}; {:?}", finding.message, finding.help));
        changes.chain(findings).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_target_keeps_what_it_depends_on() {
        insta::assert_snapshot!(narrowed(&["projects[\"Web Store\"]*"]), @r#"
        pools.database
        pools.database
        projects["Web Store"].variables["Worker.Pool"]["environment Production; channel Hotfix; tenant tag Region/Europe"]
        projects["Web Store"].variables["Worker.Pool"]
        projects["Web Store"].deployment.steps["Migrate database"]
        projects["Web Store"].runbooks["Restart"].steps["Drain"]
        "#);
        insta::assert_snapshot!(narrowed(&["pools[\"azure\"]", "workers.nobody"]), @r#"
        pools.azure
        no change matches the target `workers.nobody`; Some("there is a change at `workers.p`")
        "#);
        assert_eq!(narrowed(&[]), narrowed(&["*"]));
    }

    #[test]
    fn an_invalid_address_is_refused() {
        let error = TargetFilter::new(["pool.azure"]).unwrap_err();
        assert!(error.to_string().starts_with("`pool.azure` is not a valid address"), "{error}");
    }
}
