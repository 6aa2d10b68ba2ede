//! `[[accept]]`: which objects of which findings are accepted.

use super::{DeclaredPool, GateSettings};
use crate::{
    desired::{AcceptDate, AcceptRule},
    finding::{Code, Finding, FindingLocation, Level, Note, OtherPlace, Span, Subject},
    model::{Address, Linked, Space, VariableSetOwner},
    text::pattern::Patterns,
};

/// What the findings of a run are settled with, besides the settings.
#[derive(Clone, Copy, Debug)]
pub struct SettleContext<'a> {
    /// The day on which it is done, in UTC.
    pub today: AcceptDate,
    /// The space, if it is known.
    pub space: Option<&'a Linked<Space>>,
    /// Where each `[[accept]]` is, in their order; empty if no file is at hand.
    pub places: &'a [FindingLocation],
    /// Whether the findings are all that the files lead to, so that an `[[accept]]` without one is reported.
    pub is_whole: bool,
}

/// A finding that the files accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedFinding {
    /// The finding, about the accepted objects alone.
    pub finding: Finding,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Option<AcceptDate>,
    /// Where the files accept it.
    pub location: FindingLocation,
}

/// Splits findings into what the files accept and what they do not.
pub(super) struct Acceptor<'a> {
    settings: &'a GateSettings,
    context: &'a SettleContext<'a>,
    /// What became of each rule.
    uses: Vec<RuleUse>,
}

/// What became of a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RuleUse {
    /// It matches nothing.
    Unused,
    /// It accepts something.
    Used,
    /// It has ended, and would accept something.
    Expired,
}

/// The names by which selectors find an object.
#[derive(Default)]
struct SubjectNames<'a> {
    project: Option<&'a str>,
    step: Option<&'a str>,
    /// The key and the name of a pool.
    pool: Vec<&'a str>,
    workers: Vec<&'a str>,
    /// The name and the id of a space.
    space: Vec<&'a str>,
    branch: Option<&'a str>,
}

impl<'a> Acceptor<'a> {
    pub(super) fn new(settings: &'a GateSettings, context: &'a SettleContext<'a>) -> Self {
        Self { settings, context, uses: vec![RuleUse::Unused; settings.accepts.len()] }
    }

    /// Moves what is accepted of a finding to `accepted`, and returns the rest.
    ///
    /// A finding without objects of its own is accepted as a whole or not at all, and so is one whose message cannot
    /// be written for fewer objects.
    pub(super) fn accept_objects(
        &mut self,
        finding: Finding,
        accepted: &mut Vec<AcceptedFinding>,
    ) -> Option<Finding> {
        let rules = self.settings.accepts.iter().map(|rule| rule.gate);
        if !rules.into_iter().any(|gate| gate == finding.code) {
            return Some(finding);
        }
        let objects: Vec<Subject> = match &*finding.notes {
            notes if notes.iter().any(|note| note.subject.is_some()) => {
                notes.iter().filter_map(|note| note.subject.as_deref().cloned()).collect()
            }
            _ => vec![Subject::default()],
        };
        let decided: Vec<RuleMatch> =
            objects.iter().map(|object| self.find_rule(&finding, object)).collect();
        let accepts = |rule: &RuleMatch| matches!(rule, RuleMatch::Accepts(_));
        let left = decided.iter().filter(|rule| !accepts(rule)).count();
        let tolerated = finding.count.as_ref().map(|count| count.tolerated);
        if left > 0 && finding.count.is_none() {
            return Some(self.refuse_expired(finding, &decided));
        }
        let mut rules: Vec<usize> = decided.iter().filter_map(RuleMatch::accepting_rule).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            let part = select_notes(&finding, &decided, |it| it.accepting_rule() == Some(rule));
            self.mark(rule, RuleUse::Used);
            accepted.extend(self.accepted_finding(rule, part));
        }
        if left == 0 || tolerated.is_some_and(|limit| left <= limit) {
            return None;
        }
        let rest = select_notes(&finding, &decided, |it| !accepts(it));
        Some(self.refuse_expired(rest, &decided))
    }

    /// Returns warnings about rules that accept nothing.
    pub(super) fn idle_warnings(&self) -> Vec<Finding> {
        let rules = self.settings.accepts.iter().zip(&self.uses).enumerate();
        let warnings = rules.filter_map(|(at, (rule, used))| {
            let gate = rule.gate;
            let location = self.location(at);
            match used {
                RuleUse::Used => None,
                RuleUse::Expired => {
                    let message = format!(
                        "`{gate}` is no longer accepted here: the last day was {}",
                        describe_until(rule)
                    );
                    let finding = Finding::new(Code::ExpiredAccept, Level::Warn, location, message);
                    Some(finding.with_help("remove the cause, or set a later `until`"))
                }
                RuleUse::Unused if self.context.is_whole => {
                    let message = format!("this matches no `{gate}` finding");
                    let finding = Finding::new(Code::UnusedAccept, Level::Warn, location, message);
                    Some(
                        finding
                            .with_help("remove it if its cause is gone, or correct its selectors"),
                    )
                }
                RuleUse::Unused => None,
            }
        });
        warnings.collect()
    }

    fn mark(&mut self, rule: usize, becomes: RuleUse) {
        if let Some(used) = self.uses.get_mut(rule).filter(|used| **used != RuleUse::Used) {
            *used = becomes;
        }
    }

    fn location(&self, rule: usize) -> FindingLocation {
        self.context.places.get(rule).cloned().unwrap_or(FindingLocation::Nowhere)
    }

    /// Returns the first rule that decides about an object of a finding.
    fn find_rule(&self, finding: &Finding, object: &Subject) -> RuleMatch {
        let names = SubjectNames::collect(finding, object, self.settings, self.context);
        let rules = self.settings.accepts.iter().enumerate();
        let mut matching =
            rules.filter(|(_, rule)| rule.gate == finding.code && names.match_rule(rule));
        let mut expired = None;
        let valid = matching.find(|(at, rule)| {
            let has_ended = rule.until.is_some_and(|until| until < self.context.today);
            if has_ended {
                expired.get_or_insert(*at);
            }
            !has_ended
        });
        match (valid, expired) {
            (Some((at, _)), _) => RuleMatch::Accepts(at),
            (None, Some(at)) => RuleMatch::Ended(at),
            (None, None) => RuleMatch::None,
        }
    }

    /// Notes the rules that have ended, and shows the first of them next to the finding that they accepted.
    fn refuse_expired(&mut self, finding: Finding, decided: &[RuleMatch]) -> Finding {
        let ended = decided.iter().filter_map(|rule| match rule {
            RuleMatch::Ended(at) => Some(*at),
            _ => None,
        });
        let ended: Vec<usize> = ended.collect();
        ended.iter().for_each(|at| self.mark(*at, RuleUse::Expired));
        let first = ended
            .first()
            .and_then(|at| Some((self.location(*at), self.settings.accepts.get(*at)?)));
        match first {
            Some((FindingLocation::Source(span), rule)) => {
                let label = format!("accepted until {}, which has passed", describe_until(rule));
                with_second_place(finding, span, label)
            }
            _ => finding,
        }
    }

    fn accepted_finding(&self, rule: usize, finding: Finding) -> Option<AcceptedFinding> {
        let AcceptRule { reason, until, .. } = self.settings.accepts.get(rule)?;
        let (reason, until) = (reason.clone(), *until);
        Some(AcceptedFinding { finding, reason, until, location: self.location(rule) })
    }
}

/// The rule that decides about an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RuleMatch {
    /// It accepts the object.
    Accepts(usize),
    /// It accepted the object until a day that is over.
    Ended(usize),
    /// No rule matches.
    None,
}

impl RuleMatch {
    fn accepting_rule(&self) -> Option<usize> {
        match self {
            Self::Accepts(at) => Some(*at),
            Self::Ended(_) | Self::None => None,
        }
    }
}

/// Returns a finding about some of its objects. Remarks that are about no object stay.
fn select_notes(
    finding: &Finding,
    decided: &[RuleMatch],
    keeps: impl Fn(&RuleMatch) -> bool,
) -> Finding {
    let mut decided = decided.iter();
    let mut is_kept = |note: &&Note| note.subject.is_none() || decided.next().is_none_or(&keeps);
    let notes: Vec<Note> = finding.notes.iter().filter(|note| is_kept(note)).cloned().collect();
    match &finding.count {
        Some(count) => finding.clone().with_counted_notes((**count).clone(), notes),
        None => Finding { notes, ..finding.clone() },
    }
}

fn with_second_place(finding: Finding, span: Span, label: String) -> Finding {
    let other = finding.other.clone().unwrap_or_else(|| Box::new(OtherPlace { span, label }));
    Finding { other: Some(other), ..finding }
}

fn describe_until(rule: &AcceptRule) -> String {
    rule.until.map(|until| until.to_string()).unwrap_or_default()
}

impl<'a> SubjectNames<'a> {
    /// Returns the names of an object; what it does not have of its own, it has from its finding.
    fn collect(
        finding: &'a Finding,
        object: &'a Subject,
        settings: &'a GateSettings,
        context: &SettleContext<'a>,
    ) -> Self {
        let mut names = Self::default();
        if let Some(space) = &object.space {
            names.space.push(space);
        } else if let Some(space) = context.space {
            names.space.extend([space.name.as_str(), space.id.as_str()]);
        }
        names.workers.extend(object.workers.iter().map(String::as_str));
        names.project = object.project.as_deref();
        for address in object.address.iter().chain(finding.address.as_deref()) {
            names.add_address(address, settings);
        }
        names
    }

    fn add_address(&mut self, address: &'a Address, settings: &'a GateSettings) {
        match address {
            Address::Pool(key) if self.pool.is_empty() => {
                self.pool.push(key);
                let declared = settings.declared_pool(key);
                let former = |pool: &'a DeclaredPool| pool.renamed_from.iter().map(String::as_str);
                self.pool.extend(declared.map(|pool| pool.name.as_str()));
                self.pool.extend(declared.into_iter().flat_map(former));
            }
            Address::Worker(name) if self.workers.is_empty() => self.workers.push(name),
            Address::Variable { owner: VariableSetOwner::Project { name, branch }, .. } => {
                self.project.get_or_insert(name);
                self.branch = self.branch.or(branch.as_deref());
            }
            Address::Step { project, branch, step, .. } => {
                self.project.get_or_insert(project);
                self.branch = self.branch.or(branch.as_deref());
                self.step.get_or_insert(step);
            }
            _ => {}
        }
    }

    /// Whether each selector of a rule matches a name that the object has.
    fn match_rule(&self, rule: &AcceptRule) -> bool {
        let one = |patterns: &Option<Patterns>, name: Option<&str>| {
            patterns.as_ref().is_none_or(|it| name.is_some_and(|name| it.matches(name)))
        };
        let any = |patterns: &Option<Patterns>, names: &[&str]| {
            patterns.as_ref().is_none_or(|patterns| {
                !names.is_empty() && patterns.matches_any(names.iter().copied())
            })
        };
        let all_workers = rule.worker.as_ref().is_none_or(|patterns| {
            !self.workers.is_empty() && self.workers.iter().all(|name| patterns.matches(name))
        });
        one(&rule.project, self.project)
            && one(&rule.step, self.step)
            && one(&rule.branch, self.branch)
            && any(&rule.pool, &self.pool)
            && any(&rule.space, &self.space)
            && all_workers
    }
}

#[cfg(test)]
mod tests;
