//! `[[target_pools]]`: the pool whose workers act for a deployment target in a cloud.
//!
//! The first rule that matches a target decides. A target that is a machine does its own work, so that none is
//! ever touched.

use super::{
    matched::Matched,
    reference::{self, ReferentKind},
};
use crate::{
    desired::{Declared, TargetPoolRule, TargetPoolVerdict},
    finding::{Code, Finding, FindingLocation},
    live::{LiveTarget, TargetReach},
    model::{Address, Name, PoolHandle},
    plan::{Cause, Change, ChangeKind, Delta},
    text::pluralize,
};

/// The targets that get another pool, in the order of the server.
pub(super) fn plan_target_pools(matched: &Matched, findings: &mut Vec<Finding>) -> Vec<Change> {
    let rules: Vec<ResolvedTargetRule> = matched
        .desired
        .target_rules
        .iter()
        .map(|it| ResolvedTargetRule::new(matched, it, findings))
        .collect();
    let mut decided = vec![0_usize; rules.len()];
    let mut matching = vec![0_usize; rules.len()];
    let mut changes = Vec::new();
    let in_cloud = matched.live.indirect.targets.iter().filter(|it| is_in_cloud(it));
    for target in in_cloud {
        let about: Vec<usize> = (0..rules.len())
            .filter(|at| rules.get(*at).is_some_and(|it| it.matches_target(target)))
            .collect();
        for at in &about {
            matching.get_mut(*at).into_iter().for_each(|index| *index += 1);
        }
        let Some((at, rule)) = about.first().and_then(|at| rules.get(*at).map(|rule| (*at, rule)))
        else {
            continue;
        };
        decided.get_mut(at).into_iter().for_each(|index| *index += 1);
        changes.extend(rule.target_change(matched, target));
    }
    for ((rule, decided), matching) in rules.iter().zip(decided).zip(matching) {
        let findings_before = findings.len();
        findings.extend(rule.unusable_targets(matched));
        if decided == 0 && findings.len() == findings_before {
            findings.extend(rule.idle_target_rule(matching));
        }
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

/// What a rule wants.
enum TargetPoolGoal {
    Pool(PoolHandle),
    DefaultPool,
    /// The target stays as it is; also where the rule's pool is not there, which has been told.
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
        Some(Change {
            address: Address::Target(target.name.to_string()),
            kind: ChangeKind::SetTargetPool { id: target.id.clone(), pool, exact_field: None },
            cause: Cause {
                location: FindingLocation::Source(self.rule.span.clone()),
                rule: self.rule.label.clone(),
                why: None,
            },
            after: Vec::new(),
        })
    }

    /// Targets that are written out, and are not there or do their own work.
    fn unusable_targets(&self, matched: &Matched) -> Vec<Finding> {
        let Some(names) = &self.rule.target else { return Vec::new() };
        let targets = &matched.live.indirect.targets;
        let finding = |name: &str| {
            let wanted = Name::new(name);
            let same_name = || targets.iter().filter(|target| target.name == wanted);
            match (same_name().next(), same_name().any(is_in_cloud)) {
                (_, true) => None,
                (None, _) => {
                    let known = targets.iter().map(|it| it.name.as_str());
                    Some(reference::unknown_name_error(
                        ReferentKind::DeploymentTarget,
                        name,
                        known,
                        names.span.clone(),
                    ))
                }
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
        names.exact_names().filter_map(finding).collect()
    }

    /// A rule that decides about no target.
    fn idle_target_rule(&self, matching: usize) -> Option<Finding> {
        let at = self.rule.span.clone();
        let finding = match matching {
            0 => Finding::warning(
                Code::IdleRule,
                at,
                "no deployment target in a cloud fits the rule",
            )
            .with_help("look at its `target` and `target_tag`"),
            n => {
                let message =
                    format!("earlier rules decide about all of its {}", pluralize(n, "target"));
                Finding::warning(Code::ShadowedRule, at, message)
                    .with_help("put this rule before them, or remove it")
            }
        };
        Some(finding)
    }
}
