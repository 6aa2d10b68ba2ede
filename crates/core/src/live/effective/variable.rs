//! Determines which value of a worker pool variable applies, case by case.
//!
//! # Source
//!
//! `api.md` 2.12: such a variable is resolved while a deployment is planned, so a scope of targets or target
//! tags never applies. Choices where the source is silent:
//!
//! - A runbook run has no channel, so a value for a channel never applies to it.
//! - The most specific value decides, even if it is empty: then the step has none.
//! - A tenant's own value is more specific than one for its tags; a template's default is the least specific
//!   of all.
//! - A prompted value is its default, as long as no other is given.
//! - A value that is an expression could be any pool.
//! - A process in Git uses the values of its own branch, since a release takes both from one commit. One in
//!   the database, or on a branch whose variables were not read, uses those of the default branch.

use super::{
    Case, CaseCondition, CaseDimension, Decider, EffectivePlace, NowhereReason, UnknownReason,
    effective_in_pool, has_unread_variables, is_expression, single_case,
};
use crate::{
    live::{
        Live, LiveProcess, LiveStep, LiveVariableScope, LiveVariableSet, PoolVariable, ValueSource,
        VariableOwner,
    },
    model::Name,
    text::{eq_ignoring_case, fold_case},
};

use indexmap::IndexSet;

/// The value of a variable that applies in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedValue {
    /// The variable's owner.
    pub owner: VariableOwner,
    /// Where the value comes from.
    pub source: ValueSource,
}

impl LiveVariableScope {
    fn dimension_names(&self, dimension: CaseDimension) -> &[String] {
        match dimension {
            CaseDimension::Environment => &self.environments,
            CaseDimension::Channel => &self.channels,
            CaseDimension::TenantTag => &self.tenant_tags,
            CaseDimension::Tenant => &self.tenants,
            CaseDimension::Target => &[],
        }
    }

    /// Returns how specific the scope is; higher values are more specific.
    ///
    /// # Source
    ///
    /// Octopus' published list, most specific first: step, target, target tag, tenant, tenant tag,
    /// environment, channel, process, project, none (its blog, "Variable specificity and complexity").
    fn specificity(&self) -> u8 {
        let bits = [
            &self.processes,
            &self.channels,
            &self.environments,
            &self.tenant_tags,
            &self.tenants,
            &self.actions,
        ];
        bits.iter().enumerate().map(|(at, list)| u8::from(!list.is_empty()) << at).sum()
    }
}

/// The dimensions in which the values of a variable may differ.
const SCOPE_DIMENSIONS: [CaseDimension; 4] = [
    CaseDimension::Environment,
    CaseDimension::Channel,
    CaseDimension::TenantTag,
    CaseDimension::Tenant,
];

/// The maximum number of cases; beyond it, there is a case for each value instead.
const MAX_CASES: usize = 1000;

/// Returns the cases of a step whose pool the variable `name` chooses.
pub(super) fn scoped_cases(
    process: &LiveProcess,
    step: &LiveStep,
    live: &Live,
    name: &str,
) -> Vec<Case> {
    let to_decider = |chosen| Decider::Variable(name.to_owned(), chosen);
    if is_expression(name) {
        return single_case(to_decider(None), EffectivePlace::Unknown(UnknownReason::Expression));
    }
    let wanted = Name::new(name);
    let values = live.indirect.variables.iter();
    let values = values
        .filter(|value| value.name == wanted && value.projects.contains(&process.owner.project));
    let mut values: Vec<&PoolVariable> =
        values.filter(|value| may_apply_to_step(value, process, step)).collect();
    if values.iter().any(|it| it.branch.is_some()) {
        let own = own_branch(process, live);
        values.retain(|value| match (&value.branch, own) {
            (None, _) => true,
            (Some(branch), Some(own)) => branch.name == own,
            (Some(branch), None) => branch.is_default,
        });
    }
    let known =
        SCOPE_DIMENSIONS.map(|dimension| DimensionNames::from_values(&values, dimension, live));
    let each = known.iter().map(|names| names.names.len() + 1);
    let unread = has_unread_variables(live, &process.owner.project);
    if each.fold(1, usize::saturating_mul) > MAX_CASES {
        return cases_per_value(&values, live, unread, to_decider);
    }
    let mut scopes: Vec<Vec<CaseCondition>> = vec![Vec::new()];
    for DimensionNames { dimension, names, others } in
        known.iter().filter(|it| !it.names.is_empty())
    {
        let one = names.iter().map(|name| vec![name.clone()]);
        let each: Vec<Vec<String>> = one.chain(others.then(Vec::new)).collect();
        let extend_scope = |scope: &Vec<CaseCondition>, names: &Vec<String>| {
            let condition = CaseCondition { dimension: *dimension, names: names.clone() };
            scope.iter().cloned().chain([condition]).collect::<Vec<_>>()
        };
        scopes = scopes
            .iter()
            .flat_map(|conditions| each.iter().map(|names| extend_scope(conditions, names)))
            .collect();
    }
    let case = |when: Vec<CaseCondition>| {
        let (chosen, place) = most_specific_value(&values, &when, live, unread);
        Case { when, decided_by: to_decider(chosen), place }
    };
    known.iter().fold(scopes.into_iter().map(case).collect(), merge_cases)
}

/// Returns the branch of a process, if its variables were read too.
fn own_branch<'a>(process: &'a LiveProcess, live: &Live) -> Option<&'a str> {
    let branch = process.git.as_ref()?.at.name.as_str();
    let is_project_set = |set: &LiveVariableSet| matches!(&set.owner, VariableOwner::Project(name) if *name == process.owner.project);
    let mut sets = live.indirect.sets.iter();
    sets.any(|set| set.store.branch_name() == Some(branch) && is_project_set(set)).then_some(branch)
}

/// Returns a case for each value, as if no other were more specific, and one in which none applies.
fn cases_per_value(
    values: &[&PoolVariable],
    live: &Live,
    unread: bool,
    to_decider: impl Fn(Option<ResolvedValue>) -> Decider,
) -> Vec<Case> {
    let case = |variable: &&PoolVariable| {
        let lists = SCOPE_DIMENSIONS
            .map(|dimension| (dimension, variable.scope.dimension_names(dimension).to_vec()));
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let when = lists.map(|(dimension, names)| CaseCondition { dimension, names }).collect();
        Case {
            when,
            decided_by: to_decider(Some(variable.chosen_source())),
            place: variable.effective_place(live),
        }
    };
    let no_names = SCOPE_DIMENSIONS.map(|dimension| CaseCondition { dimension, names: Vec::new() });
    let (chosen, place) = most_specific_value(values, &no_names, live, unread);
    let other = Case { when: no_names.to_vec(), decided_by: to_decider(chosen), place };
    values.iter().map(case).chain([other]).collect()
}

/// Merges cases that differ in one dimension only and have the same result.
fn merge_cases(cases: Vec<Case>, known: &DimensionNames) -> Vec<Case> {
    if known.names.is_empty() {
        return cases;
    }
    let mut groups: Vec<MergeableCases> = Vec::new();
    for case in cases {
        let case = MergeableCases::from_case(case, known.dimension);
        match groups.iter_mut().find(|group| group.can_absorb(&case)) {
            Some(group) => group.absorb(case),
            None => groups.push(case),
        }
    }
    groups.into_iter().flat_map(|group| group.into_cases(known)).collect()
}

/// Cases with the same result, and the names in one dimension by which they differ.
struct MergeableCases {
    /// The conditions in all other dimensions, which the cases share.
    rest: Vec<CaseCondition>,
    first: Case,
    names: Vec<String>,
    /// Whether one of the cases is for all names that no value has.
    other: bool,
}

impl MergeableCases {
    fn from_case(case: Case, dimension: CaseDimension) -> Self {
        let (own, rest): (Vec<_>, Vec<_>) =
            case.when.iter().cloned().partition(|condition| condition.dimension == dimension);
        let names: Vec<_> = own.into_iter().flat_map(|condition| condition.names).collect();
        Self { rest, first: case, other: names.is_empty(), names }
    }

    fn can_absorb(&self, cases: &Self) -> bool {
        self.rest == cases.rest
            && self.first.decided_by == cases.first.decided_by
            && self.first.place == cases.first.place
    }

    fn absorb(&mut self, cases: Self) {
        self.names.extend(cases.names);
        self.other |= cases.other;
    }

    /// Returns one case without the dimension if these cases cover all of it; otherwise one for the names and
    /// one for all others.
    fn into_cases(self, known: &DimensionNames) -> Vec<Case> {
        let Self { rest, first, names, other } = self;
        if (other || !known.others) && names.len() == known.names.len() {
            return vec![Case { when: rest, ..first }];
        }
        let with_names = |names: Vec<String>| {
            let mut case = first.clone();
            let own = case.when.iter_mut().filter(|when| when.dimension == known.dimension);
            own.for_each(|condition| condition.names.clone_from(&names));
            case
        };
        let named = (!names.is_empty()).then(|| with_names(names));
        let others = other.then(|| with_names(Vec::new()));
        named.into_iter().chain(others).collect()
    }
}

/// Whether a value can apply to this step at all.
fn may_apply_to_step(value: &PoolVariable, process: &LiveProcess, step: &LiveStep) -> bool {
    let scope = &value.scope;
    let is_this_process = |owner: &String| {
        let id = process.git.as_ref().map_or(process.id.as_str(), |it| &it.at.document);
        fold_case(id).ends_with(&format!("-{}", fold_case(owner)))
    };
    let is_step = |id: &String| eq_ignoring_case(id, step.id.as_str());
    let has_channel = scope.channels.is_empty() || process.owner.runbook.is_none();
    !scope.on_targets
        && has_channel
        && (scope.actions.is_empty() || scope.actions.iter().any(is_step))
        && (scope.processes.is_empty() || scope.processes.iter().any(is_this_process))
}

/// The names by which the values of a variable differ in a dimension.
struct DimensionNames {
    dimension: CaseDimension,
    /// The names in the values' scopes, in order and without duplicates.
    names: Vec<String>,
    /// Whether other names may exist.
    others: bool,
}

impl DimensionNames {
    fn from_values(values: &[&PoolVariable], dimension: CaseDimension, live: &Live) -> Self {
        let names = values.iter().flat_map(|it| it.scope.dimension_names(dimension));
        let names: IndexSet<&String> = names.collect();
        let all = &live.indirect.environments;
        let has_all = !all.is_empty() && all.iter().all(|it| names.contains(it));
        let others = dimension != CaseDimension::Environment || !has_all;
        Self { dimension, names: names.into_iter().cloned().collect(), others }
    }
}

/// Returns the value that applies in a case: the most specific one, and a project's before a library's. If
/// some values are `unread`, a template's default may be superseded by one of them.
fn most_specific_value(
    values: &[&PoolVariable],
    when: &[CaseCondition],
    live: &Live,
    unread: bool,
) -> (Option<ResolvedValue>, EffectivePlace) {
    let applies = |value: &&&PoolVariable| {
        SCOPE_DIMENSIONS.iter().all(|dimension| {
            let list = value.scope.dimension_names(*dimension);
            let case = when.iter().find(|condition| condition.dimension == *dimension);
            list.is_empty()
                || case.is_some_and(|case| case.names.iter().any(|it| list.contains(it)))
        })
    };
    let weight = |value: &PoolVariable| {
        let own = matches!(value.owner, VariableOwner::Project(_));
        (value.source != ValueSource::TemplateDefault, value.scope.specificity(), own)
    };
    let applicable: Vec<&&PoolVariable> = values.iter().filter(applies).collect();
    let best = applicable.iter().map(|it| weight(it)).max();
    let mut best = applicable.iter().filter(|variable| Some(weight(variable)) == best);
    match best.next() {
        Some(value) if best.any(|equal| equal.pool != value.pool) => {
            (None, EffectivePlace::Unknown(UnknownReason::Ambiguous))
        }
        Some(value) if !unread || value.source != ValueSource::TemplateDefault => {
            (Some(value.chosen_source()), value.effective_place(live))
        }
        None if !unread => (None, EffectivePlace::Nowhere(None, NowhereReason::NoValue)),
        Some(_) | None => (None, EffectivePlace::Unknown(UnknownReason::Unread)),
    }
}

impl PoolVariable {
    fn chosen_source(&self) -> ResolvedValue {
        ResolvedValue { owner: self.owner.clone(), source: self.source }
    }

    /// Returns where a step runs to which this value applies.
    fn effective_place(&self, live: &Live) -> EffectivePlace {
        match (&self.pool, self.source) {
            (Some(pool), _) => effective_in_pool(pool, live),
            (None, ValueSource::Prompted) => EffectivePlace::Unknown(UnknownReason::Prompted),
            (None, _) => EffectivePlace::Nowhere(None, NowhereReason::NoValue),
        }
    }
}
