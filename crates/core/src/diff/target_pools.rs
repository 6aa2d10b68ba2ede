//! `[[target_pools]]`: the pool whose workers act for a deployment target in a cloud.
//!
//! The first rule that matches a target decides. A target that is a machine does its own work and is never
//! touched.

use super::{matched::Matched, names::NameCatalog, reference::ReferentKind};
use crate::{
    desired::{
        Declared, FirstMatch, RuleResult, TargetPoolRule, TargetPoolVerdict, shadowed_rule_warning,
        with_earlier_rule,
    },
    finding::{Code, Finding},
    live::{LiveTarget, TargetReach, UnreadSubject},
    model::{Address, Name, PoolHandle},
    plan::{Change, ChangeKind, Delta},
    text::pluralize,
};

/// Plans the targets that get another pool, in the order of the server.
pub(super) fn plan_target_pools(matched: &Matched, findings: &mut Vec<Finding>) -> Vec<Change> {
    let rules: Vec<ResolvedTargetRule> = matched
        .desired
        .target_rules
        .iter()
        .map(|it| ResolvedTargetRule::new(matched, it, findings))
        .collect();
    let mut first_match = FirstMatch::new(rules.len());
    let mut changes = Vec::new();
    for target in matched.live.indirect.targets.iter().filter(|it| is_in_cloud(it)) {
        let fitting = rules.iter().enumerate().filter(|(_, rule)| rule.matches_target(target));
        let decider = first_match.decide(fitting, |_| true, |_| true);
        changes.extend(decider.and_then(|(_, rule)| rule.target_change(matched, target)));
    }
    for (at, rule) in rules.iter().enumerate() {
        let unusable = rule.unusable_targets(matched);
        // What could not be read is reported once for all rules.
        let silent = unusable.is_empty() && !matched.live.is_unread(UnreadSubject::Targets);
        findings.extend(unusable);
        let warning = rule.result_warning(first_match.result(at), &matched.desired.target_rules);
        findings.extend(warning.filter(|_| silent));
    }
    changes
}

fn is_in_cloud(target: &LiveTarget) -> bool {
    target.reach == TargetReach::Worker
}

/// A rule with its pool resolved.
struct ResolvedTargetRule<'a> {
    rule: &'a Declared<TargetPoolRule>,
    goal: TargetPoolGoal,
}

/// The resolved verdict of a rule.
enum TargetPoolGoal {
    Pool(PoolHandle),
    DefaultPool,
    /// The target is left unchanged, also if the rule's pool does not exist, which is reported.
    Leave,
}

impl<'a> ResolvedTargetRule<'a> {
    fn new(
        matched: &Matched,
        rule: &'a Declared<TargetPoolRule>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let goal = match &rule.verdict {
            TargetPoolVerdict::DefaultPool => TargetPoolGoal::DefaultPool,
            TargetPoolVerdict::Leave => TargetPoolGoal::Leave,
            TargetPoolVerdict::Pool(pool) => match matched.resolve_pool(pool) {
                Ok(pool) => TargetPoolGoal::Pool(pool),
                Err(finding) => {
                    findings.push(finding);
                    TargetPoolGoal::Leave
                }
            },
        };
        Self { rule, goal }
    }

    fn matches_target(&self, target: &LiveTarget) -> bool {
        let named = self.rule.target.as_ref();
        let tagged = self.rule.target_tag.as_ref();
        named.is_none_or(|it| it.matches_folded(target.name.as_folded()))
            && tagged
                .is_none_or(|tagged| tagged.matches_any(target.roles.iter().map(String::as_str)))
    }

    fn target_change(&self, matched: &Matched, target: &LiveTarget) -> Option<Change> {
        let after = match &self.goal {
            TargetPoolGoal::Pool(pool) => Some(pool.clone()),
            TargetPoolGoal::DefaultPool => None,
            TargetPoolGoal::Leave => return None,
        };
        let before = target.pool.as_ref().map(|it| matched.pool_handle_by_id(it));
        let pool = Delta::if_different(before, after)?;
        let address = Address::Target(target.name.to_string());
        let kind = ChangeKind::SetTargetPool { id: target.id.clone(), pool, restored: None };
        let mut change = Change::declared(address, kind, &self.rule.span);
        change.cause.rule.clone_from(&self.rule.label);
        Some(change)
    }

    /// Returns errors for exact names of targets that do not exist or do their own work.
    fn unusable_targets(&self, matched: &Matched) -> Vec<Finding> {
        let targets = &matched.live.indirect.targets;
        let mut findings = self.idle_words(matched);
        let Some(names) = &self.rule.target else { return findings };
        let finding = |name: &str| {
            let wanted = Name::new(name);
            let same_name = || targets.iter().filter(|target| target.name == wanted);
            match (same_name().next(), same_name().any(is_in_cloud)) {
                (_, true) => None,
                (None, _) => None,
                (Some(_), false) => {
                    let message = format!("deployment target `{name}` does its own work");
                    let help = "only a target in a cloud has a pool whose workers act for it";
                    Some(
                        Finding::error(Code::UnreachableTarget, names.span.clone(), message)
                            .with_help(help),
                    )
                }
            }
        };
        findings.extend(names.exact_names().filter_map(finding));
        findings
    }

    /// Returns findings about names and tags that no target has.
    fn idle_words(&self, matched: &Matched) -> Vec<Finding> {
        let targets = &matched.live.indirect.targets;
        let names = targets.iter().map(|it| it.name.as_str());
        let tags = targets.iter().flat_map(|it| &it.roles).map(String::as_str);
        let subject = UnreadSubject::Targets;
        let names = NameCatalog::new(matched, ReferentKind::DeploymentTarget, names, subject);
        let tags = NameCatalog::new(matched, ReferentKind::TargetTag, tags, subject);
        let named = self.rule.target.iter().flat_map(|it| names.check_words(it));
        named.chain(self.rule.target_tag.iter().flat_map(|it| tags.check_words(it))).collect()
    }

    /// Returns the warning about a rule that matches no target or never wins.
    fn result_warning(
        &self,
        result: RuleResult,
        rules: &[Declared<TargetPoolRule>],
    ) -> Option<Finding> {
        let span = &self.rule.span;
        match result {
            RuleResult::Effective => None,
            RuleResult::Idle => {
                let message = "no deployment target in a cloud fits the rule";
                let finding = Finding::warning(Code::IdleRule, span.clone(), message);
                Some(finding.with_help("check its `target` and `target_tag`"))
            }
            RuleResult::Shadowed { by, subjects } => {
                let taker = rules.get(by);
                let label = taker.and_then(|it| it.label.as_deref());
                let targets = pluralize(subjects, "target");
                let warning = shadowed_rule_warning(span, label, &targets);
                Some(with_earlier_rule(warning, taker.map(|rule| &rule.span)))
            }
        }
    }
}
