//! Placements folded to few rules: exceptions first, what most steps do last.
//!
//! A selector is taken only where every step that it fits is placed alike, so the order of the
//! exceptions among each other has no meaning. Judged with the patterns of the language itself.

use super::{
    Pools, comments,
    toml::{is_name, one_or_list, value},
};
use crate::{
    live::{Live, LiveProcess, LiveStep, Runs, runs},
    model::{Id, Place, Pool},
    text::pattern::Patterns,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Write as _,
};

/// A step that runs on a worker.
struct Step<'a> {
    process: &'a LiveProcess,
    step: &'a LiveStep,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Selector {
    ActionType,
    Group,
    Step,
    Project,
}

/// Selectors in the order in which they are taken where they say as much.
const SELECTORS: [Selector; 4] =
    [Selector::ActionType, Selector::Group, Selector::Step, Selector::Project];

/// A rule, as the keys and values of its table.
type Rule = Vec<(&'static str, String)>;

/// The rules that place every step where it is.
pub(super) fn rules(live: &Live, pools: &Pools) -> String {
    let (steps, _) = steps(live);
    let mut text = String::new();
    let Some(common) = most_common(live, &steps) else { return text };
    let mut left = Vec::new();
    let book = Book { steps: &steps };
    for place in places(live, &steps).into_iter().filter(|it| **it != *common) {
        let open = steps.iter().filter(|it| it.step.place == *place).collect();
        let (rules, strangers) = book.rules(place, open);
        rules.into_iter().for_each(|rule| write(&mut text, rule, &verdict(place, pools)));
        left.extend(strangers);
    }
    let strange = left.iter().map(|it| it.process.address(it.step));
    let strange: Vec<String> =
        strange.map(|it| format!("Step {it}: no rule finds it alone.")).collect();
    comments(&mut text, &strange);
    // What no rule finds alone is not to be moved by the rule for all.
    write_plain(&mut text, &left);
    write(&mut text, any(), &verdict(common, pools));
    text
}

/// Steps by the ids of their processes and their own.
type Ids<'a> = HashSet<(&'a str, &'a str)>;

/// All steps: those that run on a worker, and the others.
fn steps(live: &Live) -> (Vec<Step<'_>>, Vec<Step<'_>>) {
    let all = live
        .processes
        .iter()
        .flat_map(|process| process.steps.iter().map(move |step| Step { process, step }));
    all.partition(|it| matches!(runs(it.step), Runs::OnWorker(_)))
}

/// Rules that leave these steps where they are, whatever other rules say: by their place where that finds
/// them and no others, and not `plainly`; by `leave` where it does not.
pub(super) fn exceptions(live: &Live, pools: &Pools, moved: &Ids, plainly: bool) -> String {
    let (on_worker, others) = steps(live);
    let mut left: Vec<&Step> = others.iter().filter(|it| it.is_of(moved)).collect();
    let mut text = String::new();
    match plainly {
        true => left.extend(on_worker.iter().filter(|it| it.is_of(moved))),
        false => left.extend(placing(live, pools, &on_worker, moved, &mut text)),
    }
    write_plain(&mut text, &left);
    text
}

/// Rules that place these steps where they are; none for those that no rule finds alone.
pub(super) fn additions(live: &Live, pools: &Pools, new: &Ids) -> String {
    let mut text = String::new();
    placing(live, pools, &steps(live).0, new, &mut text);
    text
}

/// Writes rules that place some of all steps, and returns those for which there is none.
fn placing<'s, 'a>(
    live: &Live,
    pools: &Pools,
    all: &'s [Step<'a>],
    some: &Ids,
    text: &mut String,
) -> Vec<&'s Step<'a>> {
    let book = Book { steps: all };
    let mut left = Vec::new();
    for place in places(live, all) {
        let here = |it: &&Step| it.step.place == *place && it.is_of(some);
        let (rules, strangers) = book.rules(place, all.iter().filter(here).collect());
        rules.into_iter().for_each(|rule| write(text, rule, &verdict(place, pools)));
        left.extend(strangers);
    }
    left
}

/// Writes rules that leave steps as they are.
fn write_plain(text: &mut String, steps: &[&Step]) {
    let plain: BTreeSet<Rule> = steps.iter().map(|it| plain(it)).collect();
    plain.into_iter().for_each(|it| write(text, it, &("leave", true.to_string())));
}

/// Selectors that fit a step. What cannot stand in a pattern is a `?`, which may fit others too: no matter
/// for a rule that leaves them as they are.
fn plain(step: &Step) -> Rule {
    let pattern = |name: &str| {
        let said =
            |(at, c): (usize, char)| if c.is_control() || at == 0 && c == '!' { '?' } else { c };
        let pattern: String = name.trim().char_indices().map(said).collect();
        value(if pattern.is_empty() { "*" } else { &pattern })
    };
    let process = match &step.process.owner.runbook {
        None => ("process", value("deployment")),
        Some(name) => ("runbook", pattern(name.as_str())),
    };
    let project = pattern(step.value(Selector::Project));
    vec![("project", project), process, ("step", pattern(step.value(Selector::Step)))]
}

fn write(text: &mut String, rule: Rule, verdict: &(&'static str, String)) {
    text.push_str("\n[[placements]]\n");
    for (key, value) in rule.iter().chain([verdict]) {
        _ = writeln!(text, "{key} = {value}");
    }
}

/// The beginning of every rule.
fn any() -> Rule {
    vec![("process", value("any"))]
}

/// What a rule says for a place.
pub(super) fn verdict(place: &Place<Id<Pool>>, pools: &Pools) -> (&'static str, String) {
    match place {
        Place::Pool(id) => ("pool", value(&pools.reference(id))),
        Place::Variable(name) => ("pool_variable", value(name)),
        Place::DefaultPool => ("default_pool", true.to_string()),
    }
}

/// Where steps are: the default pool, pools in their order, variables by name.
fn places<'a>(live: &Live, steps: &[Step<'a>]) -> Vec<&'a Place<Id<Pool>>> {
    let rank = |place: &Place<Id<Pool>>| match place {
        Place::DefaultPool => (0, 0, String::new()),
        Place::Pool(id) => {
            let at = live.pools.iter().position(|pool| pool.id == *id).unwrap_or(usize::MAX);
            (1, at, id.as_str().to_owned())
        }
        Place::Variable(name) => (2, 0, name.clone()),
    };
    let by_rank: BTreeMap<_, _> =
        steps.iter().map(|it| (rank(&it.step.place), &it.step.place)).collect();
    by_rank.into_values().collect()
}

fn most_common<'a>(live: &Live, steps: &[Step<'a>]) -> Option<&'a Place<Id<Pool>>> {
    let count = |place: &Place<Id<Pool>>| steps.iter().filter(|it| it.step.place == *place).count();
    // Of equals the first, which is the default pool where there is one.
    places(live, steps).into_iter().rev().max_by_key(|place| count(place))
}

/// All steps, to find rules for.
struct Book<'s, 'a> {
    steps: &'s [Step<'a>],
}

impl<'a> Step<'a> {
    /// What a selector looks at; of a step that has several actions, the action's name.
    fn value(&self, selector: Selector) -> &'a str {
        match selector {
            Selector::ActionType => &self.step.action_type,
            Selector::Group => self.process.owner.group.as_str(),
            Selector::Step => self.step.name().as_str(),
            Selector::Project => self.process.owner.project.as_str(),
        }
    }

    fn is_of(&self, ids: &Ids) -> bool {
        ids.contains(&(self.process.id.as_str(), self.step.id.as_str()))
    }

    fn fits(&self, selector: Selector, patterns: &Patterns) -> bool {
        match selector {
            Selector::Step => {
                patterns.matches_either(self.step.step.folded(), self.step.action.folded())
            }
            _ => patterns.matches(self.value(selector)),
        }
    }
}

impl Selector {
    fn key(self) -> &'static str {
        match self {
            Self::ActionType => "action_type",
            Self::Group => "project_group",
            Self::Step => "step",
            Self::Project => "project",
        }
    }
}

impl<'a> Book<'_, 'a> {
    /// Rules that find these steps of a place, and none of another, and the steps for which there is none.
    fn rules<'b>(
        &self,
        place: &Place<Id<Pool>>,
        mut open: Vec<&'b Step<'a>>,
    ) -> (Vec<Rule>, Vec<&'b Step<'a>>) {
        let mut rules = Vec::new();
        let pure: Vec<(Selector, BTreeSet<&str>)> =
            SELECTORS.map(|it| (it, self.values_of(place, it))).to_vec();
        while let Some((selector, values)) = widest(&pure, &open) {
            let mut rule = any();
            rule.push((selector.key(), one_or_list(&values)));
            rules.push(rule);
            open.retain(|it| !values.iter().any(|value| value == it.value(selector)));
        }
        rules.extend(self.by_project(place, &mut open));
        open.retain(|it| match self.one(place, it) {
            Some(rule) => {
                rules.push(rule);
                false
            }
            None => true,
        });
        (rules, open)
    }

    /// The values of a selector that only steps of this place have.
    fn values_of(&self, place: &Place<Id<Pool>>, selector: Selector) -> BTreeSet<&'a str> {
        let of_place = self.steps.iter().filter(|it| it.step.place == *place);
        let values: BTreeSet<&str> = of_place.map(|it| it.value(selector)).collect();
        values
            .into_iter()
            .filter(|value| {
                can_be_asked_for(value) && self.finds_alone(place, &[(selector, value)], |_| true)
            })
            .collect()
    }

    /// Whether selectors together find steps of this place alone.
    fn finds_alone(
        &self,
        place: &Place<Id<Pool>>,
        selectors: &[(Selector, &str)],
        also: impl Fn(&Step) -> bool,
    ) -> bool {
        let selectors: Vec<_> = selectors
            .iter()
            .map(|(selector, value)| (*selector, Patterns::new([*value])))
            .collect();
        let fits =
            |it: &&Step| selectors.iter().all(|(selector, patterns)| it.fits(*selector, patterns));
        self.steps.iter().filter(fits).filter(|it| also(it)).all(|it| it.step.place == *place)
    }

    /// Rules for steps that are found by project and name; projects that have the same steps share one.
    fn by_project(&self, place: &Place<Id<Pool>>, open: &mut Vec<&Step<'a>>) -> Vec<Rule> {
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        open.retain(|it| {
            let (project, name) = (it.value(Selector::Project), it.value(Selector::Step));
            let selectors = [(Selector::Project, project), (Selector::Step, name)];
            let alone = [project, name].iter().all(|it| can_be_asked_for(it))
                && self.finds_alone(place, &selectors, |_| true);
            if alone {
                names.entry(project).or_default().insert(name);
            }
            !alone
        });
        let mut projects: HashMap<BTreeSet<&str>, Vec<String>> = HashMap::new();
        for (project, names) in names {
            projects.entry(names).or_default().push(project.to_owned());
        }
        let mut shared: Vec<_> = projects.into_iter().collect();
        shared.sort_by(|one, other| one.1.cmp(&other.1));
        let rule = |(names, projects): (BTreeSet<&str>, Vec<String>)| {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let mut rule = any();
            rule.extend([("project", one_or_list(&projects)), ("step", one_or_list(&names))]);
            rule
        };
        shared.into_iter().map(rule).collect()
    }

    /// The rule for one step, by its process; none where that has another step of its name.
    fn one(&self, place: &Place<Id<Pool>>, step: &Step) -> Option<Rule> {
        let owner = &step.process.owner;
        let (project, name) = (step.value(Selector::Project), step.value(Selector::Step));
        let runbook = owner.runbook.as_ref();
        let said = [Some(project), Some(name), runbook.map(|it| it.as_str())];
        let selectors = [(Selector::Project, project), (Selector::Step, name)];
        let same_process = |it: &Step| match (runbook, &it.process.owner.runbook) {
            (None, None) => true,
            (Some(wanted), Some(it)) => Patterns::new([wanted.as_str()]).matches(it.as_str()),
            _ => false,
        };
        if !said.iter().flatten().all(|it| can_be_asked_for(it))
            || !self.finds_alone(place, &selectors, same_process)
        {
            return None;
        }
        let process = match runbook {
            None => ("process", value("deployment")),
            Some(name) => ("runbook", value(name.as_str())),
        };
        Some(vec![("project", value(project)), process, ("step", value(name))])
    }
}

/// Whether a name can stand in a selector and mean itself.
fn can_be_asked_for(name: &str) -> bool {
    is_name(name) && !name.trim().starts_with('!')
}

/// The selector that finds the most open steps, and the values that it takes for that.
fn widest(pure: &[(Selector, BTreeSet<&str>)], open: &[&Step]) -> Option<(Selector, Vec<String>)> {
    let cover = |(selector, values): &(Selector, BTreeSet<&str>)| {
        let found = open.iter().filter(|it| values.contains(it.value(*selector)));
        let used: BTreeSet<&str> = found.clone().map(|it| it.value(*selector)).collect();
        (found.count(), *selector, used)
    };
    let covers = pure.iter().map(cover).filter(|(found, ..)| *found > 0);
    // Most steps first; of as many, the one with the fewest names.
    let best = covers
        .min_by_key(|(found, selector, used)| (std::cmp::Reverse(*found), used.len(), *selector));
    best.map(|(_, selector, used)| (selector, used.into_iter().map(str::to_owned).collect()))
}
