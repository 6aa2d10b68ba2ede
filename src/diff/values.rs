//! `[[pool_variables]]`: the values that variables of type worker pool shall have.
//!
//! The first rule about a value decides. A name that is written out gets its value where it lacks it; a wildcard
//! finds values that are there, and makes none.

use super::{
    matched::Matched,
    reference::{self, find},
};
use crate::{
    desired::{Declared, ValueOwner, ValueRule, ValueScope, ValueVerdict},
    finding::{At, Finding},
    live::{Entry, LiveVariableSet, PoolVariable, VariableOwner, VariableScope},
    model::{Address, Id, Linked, Name, PoolHandle, VariableSet},
    plan::{Cause, Change, ChangeKind, Delta, NewScope, ValueEdit},
    text::{count, pattern::Patterns},
};
use std::collections::{HashMap, HashSet};

/// A value by its set, its name and its scope without regard to order and case.
type Key<'a> = (&'a Id<VariableSet>, Name, [Vec<String>; 3]);

/// The values that change, in the order of the file.
pub(super) fn changes(matched: &Matched, findings: &mut Vec<Finding>) -> Vec<Change> {
    let mut values: HashMap<Key, Vec<&PoolVariable>> = HashMap::new();
    let plain = matched.live.choosers.variables.iter().filter(|it| it.scope.is_plain());
    for value in plain {
        let key = (&value.set, value.name.clone(), normal(&value.scope));
        values.entry(key).or_default().push(value);
    }
    let mut earlier = Earlier::default();
    let mut changes = Vec::new();
    for rule in &matched.desired.values {
        let deciding = Deciding { matched, rule, values: &values };
        changes.extend(deciding.changes(&mut earlier, findings));
    }
    changes
}

/// What earlier rules have come to.
#[derive(Default)]
struct Earlier<'a> {
    /// Values that are decided about.
    decided: HashSet<Key<'a>>,
    /// Values that are not there, each with what a wildcard would make of it once it is.
    awaited: HashMap<Key<'a>, Option<PoolHandle>>,
}

/// A rule on its way through the sets.
struct Deciding<'a, 'm> {
    matched: &'m Matched<'a>,
    rule: &'a Declared<ValueRule>,
    values: &'m HashMap<Key<'a>, Vec<&'a PoolVariable>>,
}

/// What a rule comes to at one set.
enum Outcome {
    /// It finds nothing there to decide about.
    Nothing,
    /// The rule's scope has a name that is none there, which a wildcard passes over.
    Unresolved(Box<Finding>),
    /// An earlier rule has decided.
    Taken,
    /// It decides: perhaps nothing has to change.
    Decided(Option<Box<Edit>>),
}

/// What becomes of a value.
struct Edit {
    /// The variable's name, as it is spelled where it is there already.
    name: Name,
    /// Where the value holds, in words.
    scope: String,
    edit: ValueEdit,
}

impl Edit {
    fn of(value: &PoolVariable, edit: ValueEdit) -> Box<Self> {
        Box::new(Self { name: value.name.clone(), scope: value.scope.shown(), edit })
    }
}

impl<'a> Deciding<'a, '_> {
    fn changes(&self, earlier: &mut Earlier<'a>, findings: &mut Vec<Finding>) -> Vec<Change> {
        let pool = match &self.rule.verdict {
            ValueVerdict::Remove => Ok(None),
            ValueVerdict::Pool(pool) => self.matched.resolve(pool).map(Some),
        };
        let pool = match pool {
            Ok(pool) => pool,
            Err(finding) => {
                findings.push(finding);
                return Vec::new();
            }
        };
        let told = findings.len();
        findings.extend(self.missing());
        let (mut changes, mut taken, mut found, mut unresolved) = (Vec::new(), 0, 0, None);
        for set in self.matched.live.choosers.sets.iter().filter(|set| self.is_about(set)) {
            match self.at(set, pool.as_ref(), earlier) {
                Ok(Outcome::Nothing) => {}
                Ok(Outcome::Unresolved(finding)) => unresolved = unresolved.or(Some(*finding)),
                Ok(Outcome::Taken) => taken += 1,
                Ok(Outcome::Decided(edit)) => {
                    found += 1;
                    changes.extend(edit.map(|edit| self.change(set, *edit)));
                }
                Err(finding) => findings.push(finding),
            }
        }
        if found == 0 && findings.len() == told {
            // A name that none of them knows is a mistake, and one that some know is not.
            findings.extend(unresolved.or_else(|| self.idle(taken)));
        }
        findings.extend(self.passed_over());
        changes
    }

    fn patterns(&self) -> &'a Declared<Patterns> {
        let (ValueOwner::Projects(names) | ValueOwner::Libraries(names)) = &self.rule.owner;
        names
    }

    fn is_about(&self, set: &LiveVariableSet) -> bool {
        self.is_of_kind(set) && self.patterns().matches_folded(set.owner.name().folded())
    }

    /// Whether the rule names the owner of a set as it is, and not by a wildcard.
    fn names(&self, set: &LiveVariableSet) -> bool {
        let mut exact = self.patterns().exact();
        exact.any(|name| Name::new(name) == *set.owner.name())
    }

    /// What becomes of the value in one set.
    ///
    /// # Errors
    ///
    /// A finding, where the set cannot have such a value.
    fn at(
        &self,
        set: &'a LiveVariableSet,
        pool: Option<&PoolHandle>,
        earlier: &mut Earlier<'a>,
    ) -> Result<Outcome, Finding> {
        let named = self.names(set);
        let variable = &self.rule.variable;
        let lacks = |finding: Finding| if named { Err(finding) } else { Ok(Outcome::Nothing) };
        if set.in_git {
            return lacks(self.in_git(set));
        }
        if set.others.contains(&variable.value) {
            return lacks(self.of_another_type(set));
        }
        let scope = match resolved(set, &self.rule.scope) {
            Ok(scope) => scope,
            Err(finding) if named => return Err(finding),
            Err(finding) => return Ok(Outcome::Unresolved(Box::new(finding))),
        };
        let key = (&set.id, variable.value.clone(), normal_of(&scope));
        let values = self.values.get(&key).map(Vec::as_slice).unwrap_or_default();
        if values.is_empty() && !named {
            earlier.awaited.entry(key).or_insert_with(|| pool.cloned());
            return Ok(Outcome::Nothing);
        }
        let awaited = earlier.awaited.get(&key);
        let is_awaited = values.is_empty() && awaited.is_some_and(|it| it.as_ref() != pool);
        if is_awaited && pool.is_some() {
            return Err(self.unsettled(set));
        }
        if !earlier.decided.insert(key) {
            return Ok(Outcome::Taken);
        }
        let edit = match (values, pool) {
            ([], None) => None,
            ([], Some(pool)) => {
                let (shown, pool) = (scope.shown(), pool.clone());
                let edit = ValueEdit::Add { scope, pool, restored: None };
                Some(Box::new(Edit { name: variable.value.clone(), scope: shown, edit }))
            }
            ([value], _) if value.id.as_str().is_empty() => return Err(self.without_id(set)),
            ([value], None) => {
                let pool = value.pool.as_ref().map(|it| self.matched.handle_of(it));
                Some(Edit::of(value, ValueEdit::Remove { id: value.id.clone(), pool }))
            }
            ([value], Some(pool)) => {
                let before = value.pool.as_ref().map(|it| self.matched.handle_of(it));
                let change = Delta::between(before, Some(pool.clone()));
                let edit = change.map(|pool| ValueEdit::Change { id: value.id.clone(), pool });
                edit.map(|edit| Edit::of(value, edit))
            }
            (several, _) => return Err(self.ambiguous(set, several.len())),
        };
        Ok(Outcome::Decided(edit))
    }

    fn change(&self, set: &LiveVariableSet, edit: Edit) -> Change {
        let Edit { name, scope, edit } = edit;
        let (owner, name) = (set.owner.address(), name.to_string());
        Change {
            address: Address::Variable { owner, name: name.clone(), scope },
            kind: ChangeKind::SetValue { set: set.id.clone(), name, edit },
            cause: Cause { at: At::Source(self.rule.at.clone()), rule: None, why: None },
            after: Vec::new(),
        }
    }

    /// Names that are written out, and that nothing has which could be seen.
    fn missing(&self) -> Vec<Finding> {
        let live = self.matched.live;
        let noun = match self.rule.owner {
            ValueOwner::Projects(_) => "project",
            ValueOwner::Libraries(_) => "library variable set",
        };
        let sets = || live.choosers.sets.iter().filter(|set| self.is_of_kind(set));
        let missing = self.patterns().exact().filter(|name| {
            let wanted = Name::new(*name);
            !sets().any(|set| *set.owner.name() == wanted)
        });
        let at = || self.patterns().at.clone();
        let finding = |name: &str| {
            let wanted = Name::new(name);
            if noun == "project" && live.projects.iter().any(|it| it.name == wanted) {
                let message = format!("the variables of project `{name}` cannot be read");
                return Finding::error("unread-variables", at(), message)
                    .help("give the key's user a role with `VariableView` in this space");
            }
            reference::missing(noun, name, sets().map(|set| set.owner.name().as_str()), at())
        };
        missing.map(finding).collect()
    }

    /// Projects of a wildcard that have the variable in Git, where it is not managed.
    fn passed_over(&self) -> Option<Finding> {
        let choosers = &self.matched.live.choosers;
        let has_it = |set: &&LiveVariableSet| {
            let mut values = choosers.variables.iter();
            values.any(|it| it.owner == set.owner && it.name == self.rule.variable.value)
        };
        let sets = choosers.sets.iter().filter(|set| set.in_git && self.is_about(set));
        let sets = sets.filter(|set| !self.names(set)).filter(has_it);
        let projects: Vec<String> =
            sets.map(|set| format!("project {:?}", set.owner.name())).collect();
        let message = format!(
            "`{}` is stored in Git in {}, and stays as it is there",
            self.rule.variable.value,
            count(projects.len(), "project")
        );
        (!projects.is_empty()).then(|| {
            Finding::warning("variables-in-git", self.rule.at.clone(), message)
                .notes(projects)
                .help("change it in `variables.ocl` of their repositories")
        })
    }

    fn is_of_kind(&self, set: &LiveVariableSet) -> bool {
        matches!(set.owner, VariableOwner::Project(_))
            == matches!(self.rule.owner, ValueOwner::Projects(_))
    }

    fn in_git(&self, set: &LiveVariableSet) -> Finding {
        let message = format!("the variables of project `{}` are stored in Git", set.owner.name());
        Finding::error("variables-in-git", self.patterns().at.clone(), message).help(
            "change them in `variables.ocl` of its repository, or take the project out of the rule",
        )
    }

    fn of_another_type(&self, set: &LiveVariableSet) -> Finding {
        let (name, owner) = (&self.rule.variable.value, set.owner.name());
        let message = format!("variable `{name}` of `{owner}` is not of type worker pool");
        Finding::error("not-a-pool-variable", self.rule.variable.at.clone(), message)
            .help("choose another name: a variable has one type for all of its values")
    }

    fn without_id(&self, set: &LiveVariableSet) -> Finding {
        let (name, owner) = (&self.rule.variable.value, set.owner.name());
        let message = format!("the server gives no id for the value of `{name}` of `{owner}`");
        Finding::error("value-without-id", self.rule.variable.at.clone(), message)
            .help("change it by hand: without an id, it cannot be told from others")
    }

    fn ambiguous(&self, set: &LiveVariableSet, values: usize) -> Finding {
        let (name, owner) = (&self.rule.variable.value, set.owner.name());
        let message = format!("`{name}` of `{owner}` has {values} values of the same scope");
        Finding::error("ambiguous-value", self.rule.variable.at.clone(), message)
            .help("delete all but one of them on the server: nobody can tell which one counts")
    }

    /// A value that an earlier rule would take once it is there, so that no plan were ever empty.
    fn unsettled(&self, set: &LiveVariableSet) -> Finding {
        let (name, owner) = (&self.rule.variable.value, set.owner.name());
        let message = format!(
            "the rules would never settle: an earlier one would change `{name}` of `{owner}` once it is there"
        );
        Finding::error("unsettled-rules", self.rule.at.clone(), message)
            .help("put this rule before the one with the wildcard")
    }

    /// A rule that decides about no value.
    fn idle(&self, taken: usize) -> Option<Finding> {
        let at = self.rule.at.clone();
        if 0 < taken {
            let message =
                format!("earlier rules decide about all of its {}", count(taken, "value"));
            return Some(
                Finding::warning("shadowed-rule", at, message)
                    .help("put this rule before them, or remove it"),
            );
        }
        let name = &self.rule.variable.value;
        let message = format!("no variable `{name}` with a value of this scope is there");
        let help = "a wildcard finds values that are there; write a name out to make one";
        let is_idle = !self.patterns().is_exact();
        is_idle.then(|| Finding::warning("idle-rule", at, message).help(help))
    }
}

/// A scope with the ids that a set has for its names.
///
/// # Errors
///
/// A finding, for the first name that the set does not know.
fn resolved(set: &LiveVariableSet, scope: &ValueScope) -> Result<NewScope, Finding> {
    fn all<T>(
        noun: &str,
        known: &[Entry],
        wanted: &[Declared<String>],
    ) -> Result<Vec<Linked<T>>, Finding> {
        let one = |wanted: &Declared<String>| {
            let entry = find(known.iter(), wanted, |it| (&it.id, &it.name, &it.slug));
            entry.map(|it| Linked::new(&it.id, it.name.as_str())).map_err(|_| {
                let names = known.iter().map(|it| it.name.as_str());
                reference::missing(noun, wanted, names, wanted.at.clone())
            })
        };
        wanted.iter().map(one).collect()
    }
    let tag = |wanted: &Declared<String>| {
        let is = |it: &&String| it.to_lowercase() == wanted.trim().to_lowercase();
        match set.tenant_tags.iter().find(is) {
            Some(tag) => Ok(tag.clone()),
            None => {
                let known = set.tenant_tags.iter().map(String::as_str);
                Err(reference::missing("tenant tag", wanted, known, wanted.at.clone()))
            }
        }
    };
    Ok(NewScope {
        environments: all("environment", &set.environments, &scope.environments)?,
        channels: all("channel", &set.channels, &scope.channels)?,
        tenant_tags: scope.tenant_tags.iter().map(tag).collect::<Result<_, _>>()?,
    })
}

fn normal(scope: &VariableScope) -> [Vec<String>; 3] {
    [&scope.environments, &scope.channels, &scope.tenant_tags].map(|names| folded(names.iter()))
}

fn normal_of(scope: &NewScope) -> [Vec<String>; 3] {
    [
        folded(scope.environments.iter().map(|it| &it.name)),
        folded(scope.channels.iter().map(|it| &it.name)),
        folded(scope.tenant_tags.iter()),
    ]
}

fn folded<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<_> = names.map(|it| it.trim().to_lowercase()).collect();
    names.sort();
    names.dedup();
    names
}
