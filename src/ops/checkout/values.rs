//! `[[pool_variables]]` in a working tree: the values in a project's `variables.ocl`.
//!
//! An existing value is changed in place. What needs more than that, such as a value that is missing, is reported
//! and left to be edited by hand. Never: adding or removing a value.

use super::{
    planned::{CheckoutChange, FileStyle, RuleLines},
    pools::{CheckoutPools, pool_words},
    tree::CheckoutDocument,
};
use poolwright_core::{
    desired::{Declared, DesiredValueOwner, DesiredValueScope, PoolVariableRule, ValueVerdict},
    finding::{Code, Finding},
    model::{Address, VariableSetOwner},
    ocl::{self, OclVariable, OclVariableValue, TextEdit},
    text::{eq_ignoring_case, fold_case},
};

use std::collections::{BTreeSet, HashMap, HashSet};

/// The value that a rule changes.
pub(super) struct PlannedValue<'a> {
    /// The position of the document.
    pub(super) document: usize,
    value: &'a OclVariableValue,
    /// The id of the new pool.
    pub(super) pool: String,
    address: Address,
    rule: &'a Declared<PoolVariableRule>,
}

impl PlannedValue<'_> {
    /// Returns the edit of the value, and the finding about it.
    pub(super) fn edit(
        &self,
        document: &CheckoutDocument,
        style: &FileStyle,
        lines: &mut RuleLines,
    ) -> (TextEdit, CheckoutChange) {
        let after = style.spellings.get(&self.pool).unwrap_or(&self.pool);
        let change = CheckoutChange {
            file: document.file.path.clone(),
            address: self.address.to_string(),
            before: self.value.text.clone(),
            after: after.clone(),
            because: lines.describe(&self.rule.span),
            run_on_worker: false,
            is_value: true,
            on_targets: false,
        };
        (ocl::value_edit(self.value, after), change)
    }
}

/// The project whose values are planned.
pub(super) struct ValueProject<'p, 'a> {
    /// Its name as rules have it; empty if it is unknown.
    pub(super) name: &'p str,
    /// The positions of its documents, without those of templates.
    pub(super) documents: &'p [usize],
    /// All documents of the tree.
    pub(super) all: &'a [CheckoutDocument],
    pub(super) pools: &'p CheckoutPools,
}

/// A variable and where it is.
#[derive(Clone, Copy)]
struct FoundVariable<'a> {
    document: usize,
    variable: &'a OclVariable,
}

impl<'a> ValueProject<'_, 'a> {
    /// Plans the values that change; the first rule for a value decides. Returns findings about what has to be edited
    /// by hand.
    pub(super) fn plan_values(
        &self,
        rules: &'a [Declared<PoolVariableRule>],
    ) -> (Vec<PlannedValue<'a>>, Vec<Finding>) {
        let (mut planned, mut findings) = (Vec::new(), Vec::new());
        let mut decided: HashSet<(usize, usize)> = HashSet::new();
        let known = self.variables_by_name();
        for rule in rules {
            let DesiredValueOwner::Projects(owners) = &rule.owner else { continue };
            let variables = known.get(rule.variable.as_folded());
            let variables = variables.map(Vec::as_slice).unwrap_or_default();
            if self.name.is_empty() {
                findings.extend((!variables.is_empty()).then(|| unknown_project(rule)));
                continue;
            }
            if !owners.value.matches(self.name) {
                continue;
            }
            let is_exact = owners.value.exact_names().any(|it| eq_ignoring_case(it, self.name));
            match self.plan_rule(rule, variables, &mut decided) {
                Ok(value) => planned.extend(value),
                // A wildcard only finds the values that there are.
                Err(finding) if is_exact || !variables.is_empty() => findings.push(*finding),
                Err(_) => {}
            }
        }
        (planned, findings)
    }

    /// Returns the variables of the project's files by their folded names.
    fn variables_by_name(&self) -> HashMap<String, Vec<FoundVariable<'a>>> {
        let mut known: HashMap<String, Vec<FoundVariable>> = HashMap::new();
        let documents = self.documents.iter().filter_map(|at| Some((*at, self.all.get(*at)?)));
        for (document, it) in documents {
            for variable in &it.process.variables {
                let name = fold_case(&variable.name);
                known.entry(name).or_default().push(FoundVariable { document, variable });
            }
        }
        known
    }

    /// Plans the values that a rule decides about.
    fn plan_rule(
        &self,
        rule: &'a Declared<PoolVariableRule>,
        variables: &[FoundVariable<'a>],
        decided: &mut HashSet<(usize, usize)>,
    ) -> Result<Option<PlannedValue<'a>>, Box<Finding>> {
        let (name, scope) = (rule.variable.as_str(), describe_scope(rule));
        let tell = |what: String| Err(Box::new(hand_edit(rule, &what)));
        if variables.is_empty() {
            return tell(format!("no file of the project has the variable `{name}`"));
        }
        if variables.iter().any(|found| !found.variable.is_worker_pool) {
            return tell("the variable is not a worker pool".to_owned());
        }
        let scoped = variables.iter().flat_map(|found| {
            let values = found.variable.values.iter();
            values.filter(|value| has_scope(value, &rule.scope)).map(move |value| (*found, value))
        });
        let scoped: Vec<(FoundVariable, &OclVariableValue)> = scoped.collect();
        let ([(found, value)], ValueVerdict::Pool(pool)) = (scoped.as_slice(), &rule.verdict)
        else {
            return match (&rule.verdict, scoped.is_empty()) {
                (ValueVerdict::Remove, true) => Ok(None),
                (ValueVerdict::Remove, false) => tell(format!("its value{scope} is not removed")),
                (ValueVerdict::Pool(_), true) => tell(format!("the variable has no value{scope}")),
                (ValueVerdict::Pool(_), false) => {
                    tell(format!("the variable has several values{scope}"))
                }
            };
        };
        let pool = self.pools.id_of_reference(&pool.value);
        let is_first = decided.insert((found.document, value.span.bytes.start));
        if !is_first || self.pools.id_of_text(&value.text) == pool {
            return Ok(None);
        }
        let address = self.value_address(found.variable, value);
        Ok(Some(PlannedValue { document: found.document, value, pool, address, rule }))
    }

    fn value_address(&self, variable: &OclVariable, value: &OclVariableValue) -> Address {
        let scope = [
            ("environment", &value.environments),
            ("channel", &value.channels),
            ("tenant tag", &value.tenant_tags),
        ];
        let scope = scope.into_iter().filter(|(_, names)| !names.is_empty());
        let scope: Vec<String> =
            scope.map(|(noun, names)| format!("{noun} {}", names.join(", "))).collect();
        Address::Variable {
            owner: VariableSetOwner::Project { name: self.name.to_owned(), branch: None },
            name: variable.name.clone(),
            scope: scope.join("; "),
        }
    }
}

/// Whether a value applies under exactly the conditions of a rule. Files have the slugs of environments and channels.
fn has_scope(value: &OclVariableValue, scope: &DesiredValueScope) -> bool {
    let written = |names: &[String]| -> BTreeSet<String> {
        names.iter().map(|name| pool_words(name)).collect()
    };
    let wanted = |names: &[Declared<String>]| -> BTreeSet<String> {
        names.iter().map(|name| pool_words(&name.value)).collect()
    };
    !value.has_other_scope
        && written(&value.environments) == wanted(&scope.environments)
        && written(&value.channels) == wanted(&scope.channels)
        && written(&value.tenant_tags) == wanted(&scope.tenant_tags)
}

/// Returns the conditions of a rule in words, with a space before them.
fn describe_scope(rule: &PoolVariableRule) -> String {
    let lists = [
        ("environment", &rule.scope.environments),
        ("channel", &rule.scope.channels),
        ("tenant tag", &rule.scope.tenant_tags),
    ];
    let part = |(noun, names): (&str, &Vec<Declared<String>>)| {
        let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
        (!names.is_empty()).then(|| format!("{noun} {}", names.join(", ")))
    };
    let parts: Vec<String> = lists.into_iter().filter_map(part).collect();
    if parts.is_empty() {
        " without a scope".to_owned()
    } else {
        format!(" for {}", parts.join("; "))
    }
}

fn unknown_project(rule: &Declared<PoolVariableRule>) -> Finding {
    hand_edit(rule, "the project of these files is unknown")
        .with_help("name the project that these files belong to: `--project NAME`")
}

fn hand_edit(rule: &Declared<PoolVariableRule>, what: &str) -> Finding {
    let message = format!("a value of `{}` is not edited: {what}", rule.variable.value);
    Finding::warning(Code::UneditedValue, rule.span.clone(), message)
        .with_help("edit `variables.ocl` by hand, or plan against a server: `poolwright plan`")
}
