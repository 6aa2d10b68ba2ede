//! `--target`: narrows a plan to some addresses and to what they depend on. It never adds a change.

use super::matched::Matched;
use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{LiveProcess, UnreadSubject},
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
    /// Returns a [`ParseAddressError`] for text without wildcards that is not an address, and for wildcards that match
    /// none, whatever there is.
    pub fn new<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<Self, ParseAddressError> {
        let target = |text: &str| {
            // Names in addresses are escaped in their own way.
            let pattern = Pattern::from_escaped(text);
            if let Some(exact) = pattern.exact_name() {
                // Different spellings of an address are the same address.
                let address: Address = exact.parse()?;
                return Ok((text.to_owned(), Pattern::from_name(&address.to_string())));
            }
            if !Address::ROOTS.iter().any(|root| pattern.may_match_prefix(root)) {
                return Err(ParseAddressError::unknown_root(text));
            }
            Ok((text.to_owned(), pattern))
        };
        written.into_iter().map(target).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the filter covers every address.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    /// Keeps the changes at these addresses and those that they wait for. Returns findings about targets without a
    /// change.
    pub(super) fn narrow_changes(
        &self,
        matched: &Matched,
        changes: &mut Vec<Change>,
    ) -> Vec<Finding> {
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
        let idle: Vec<_> = self.0.iter().filter(|(_, pattern)| is_idle(pattern)).collect();
        let mut findings = Vec::new();
        if !idle.is_empty() {
            let mut known = known_addresses(matched);
            known.extend(addresses.iter().map(|(address, _)| address.clone()));
            let known: Vec<String> = known.iter().map(Address::to_string).collect();
            findings.extend(
                idle.into_iter()
                    .map(|(text, pattern)| idle_finding(matched, text, pattern, &known)),
            );
        }
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
        findings
    }
}

/// Returns the addresses of everything that the file or the server has, as far as it was read.
fn known_addresses(matched: &Matched) -> Vec<Address> {
    let Matched { desired, live, .. } = matched;
    let keys = desired.pools.keys().cloned().map(Address::Pool);
    let pools = live.pools.iter().map(|pool| matched.pool_address(pool));
    let workers = live.workers.iter().map(|worker| worker.name.to_string());
    let workers = desired.workers.keys().cloned().chain(workers).map(Address::Worker);
    let targets = live.indirect.targets.iter().map(|it| Address::Target(it.name.to_string()));
    let values = live.indirect.variables.iter().filter_map(|value| {
        let set = live.indirect.sets.iter().find(|set| set.id == value.set)?;
        let (owner, name) = (set.address_owner(), value.name.to_string());
        Some(Address::Variable { owner, name, scope: value.scope.describe() })
    });
    let steps = live
        .processes
        .iter()
        .flat_map(|process| process.steps.iter().map(move |step| process.step_address(step)));
    let fixed = [Address::BuiltInWorker, Address::PoolOrder].into_iter();
    fixed
        .chain(keys)
        .chain(pools)
        .chain(workers)
        .chain(targets)
        .chain(values)
        .chain(steps)
        .collect()
}

/// Whether an address would be known if something had it.
fn would_be_known(matched: &Matched, address: &Address) -> bool {
    let live = matched.live;
    match address {
        Address::BuiltInWorker | Address::PoolOrder | Address::Pool(_) => true,
        Address::Worker(_) => !live.workers.is_empty(),
        Address::Target(_) => {
            !live.indirect.targets.is_empty() && !live.is_unread(UnreadSubject::Targets)
        }
        Address::Variable { owner: VariableSetOwner::Library(_), .. } => {
            !live.indirect.sets.is_empty() && !live.is_unread(UnreadSubject::EveryVariable)
        }
        Address::Variable { owner: VariableSetOwner::Project { name, .. }, .. } => {
            !live.indirect.sets.is_empty()
                && !live.is_unread(UnreadSubject::Variables(&Name::new(name)))
        }
        Address::Step { project, process, .. } => {
            let project = Name::new(project);
            let has_project = live.projects.iter().any(|it| it.name == project);
            let is_process = |it: &LiveProcess| {
                it.owner.project == project && it.owner.process_name() == *process
            };
            let is_read = !live.is_unread(UnreadSubject::RuleSteps);
            let lacks_project = !live.projects.is_empty() && !has_project;
            is_read && (lacks_project || live.processes.iter().any(is_process))
        }
    }
}

/// Returns the finding about a target without a change: an error if it names nothing at all.
fn idle_finding(matched: &Matched, written: &str, pattern: &Pattern, known: &[String]) -> Finding {
    let exists = known.iter().any(|shown| pattern.matches(&fold_case(shown)));
    let address = written.parse::<Address>().ok().filter(|_| pattern.exact_name().is_some());
    let is_certain = address.as_ref().is_some_and(|it| would_be_known(matched, it));
    // Nothing of its kind was read, because the files ask for nothing there.
    let is_untouched = address.is_some() && matched.live.unread.is_empty();
    let (code, level, message) = match (exists, is_certain) {
        (true, _) => (Code::IdleTarget, Level::Warn, format!("nothing changes at `{written}`")),
        (false, true) => (
            Code::UnknownTarget,
            Level::Error,
            format!("there is nothing at the address `{written}`"),
        ),
        (false, false) if is_untouched => (
            Code::UnknownTarget,
            Level::Error,
            format!("the files say nothing about the address `{written}`"),
        ),
        (false, false) => {
            (Code::IdleTarget, Level::Warn, format!("no change matches the target `{written}`"))
        }
    };
    let finding = Finding::new(code, level, FindingLocation::Nowhere, message);
    match nearest_name(written, known.iter().map(String::as_str)).filter(|_| !exists) {
        Some(near) => finding.with_help(format!("a similar address exists: `{near}`")),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desired::Desired, plan::sample};

    fn narrowed(targets: &[&str]) -> String {
        let mut changes = sample::everything().changes;
        let filter = TargetFilter::new(targets.iter().copied()).unwrap();
        let (desired, live) = (Desired::default(), crate::diff::tests::live());
        let matched = Matched::new(&desired, &live, &mut Vec::new());
        let findings = filter.narrow_changes(&matched, &mut changes);
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
        there is nothing at the address `workers.nobody`; Some("a similar address exists: `workers.b`")
        "#);
        assert_eq!(narrowed(&[]), narrowed(&["*"]));
    }

    #[test]
    fn an_invalid_address_is_refused() {
        let error = TargetFilter::new(["pool.azure"]).unwrap_err();
        assert!(error.to_string().starts_with("`pool.azure` is not a valid address"), "{error}");
    }
}
