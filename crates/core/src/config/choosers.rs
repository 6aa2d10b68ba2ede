//! `[[pool_variables]]` and `[[target_pools]]`.

use super::{lower::DesiredDraft, part::CheckedTable, rules::patterns};
use crate::{
    desired::{
        Declared, DesiredValueOwner, DesiredValueScope, PoolVariableRule, TargetPoolRule,
        TargetPoolVerdict, ValueVerdict,
    },
    finding::Finding,
    model::Name,
};

impl DesiredDraft {
    /// Adds the values of a file, behind those that are there.
    pub(super) fn values(&mut self, file: &CheckedTable) {
        for part in file.parts("pool_variables") {
            if let Some(rule) = self.value(&part) {
                self.said_before(&part, &rule);
                self.desired.values.push(part.declare(rule));
            }
        }
    }

    /// A rule; `None` where something is missing, which has been told.
    fn value(&self, part: &CheckedTable) -> Option<PoolVariableRule> {
        let projects = patterns(part, "project").map(DesiredValueOwner::Projects);
        let libraries = || patterns(part, "library_set").map(DesiredValueOwner::Libraries);
        let variable = part.text("variable")?;
        let pool = part.text("pool").map(|it| ValueVerdict::Pool(self.pool_ref(it)));
        let remove = || part.has("remove").then_some(ValueVerdict::Remove);
        Some(PoolVariableRule {
            owner: projects.or_else(libraries)?,
            variable: Declared { value: Name::new(&variable.value), span: variable.span },
            scope: DesiredValueScope {
                environments: part.texts("environment").unwrap_or_default(),
                channels: part.texts("channel").unwrap_or_default(),
                tenant_tags: part.texts("tenant_tag").unwrap_or_default(),
            },
            verdict: pool.or_else(remove)?,
        })
    }

    /// Tells where two rules are about one value in as many words: the second decides nothing.
    fn said_before(&mut self, part: &CheckedTable, rule: &PoolVariableRule) {
        let key = |rule: &PoolVariableRule| {
            let owner = match &rule.owner {
                DesiredValueOwner::Projects(names) => (0, names.value.clone()),
                DesiredValueOwner::Libraries(names) => (1, names.value.clone()),
            };
            let DesiredValueScope { environments, channels, tenant_tags } = &rule.scope;
            let scope = [environments, channels, tenant_tags].map(|names| {
                let mut names: Vec<_> = names.iter().map(|it| it.to_lowercase()).collect();
                names.sort();
                names
            });
            (owner, rule.variable.value.clone(), scope)
        };
        if self.desired.values.iter().any(|it| key(&it.value) == key(rule)) {
            let message = format!("`{}` has a value here already", rule.variable.value);
            self.report(
                Finding::error("declared-twice", part.at(), message)
                    .label("an earlier rule is about the same variable in the same scope")
                    .help("remove one of the two"),
            );
        }
    }

    /// Adds the rules about deployment targets of a file, behind those that are there.
    pub(super) fn target_rules(&mut self, file: &CheckedTable) {
        for part in file.parts("target_pools") {
            let pool = part.text("pool").map(|it| TargetPoolVerdict::Pool(self.pool_ref(it)));
            let default = || part.has("default_pool").then_some(TargetPoolVerdict::DefaultPool);
            let leave = || part.has("leave").then_some(TargetPoolVerdict::Leave);
            let Some(verdict) = pool.or_else(default).or_else(leave) else { continue };
            let rule = TargetPoolRule {
                label: part.text("label").map(|it| it.value),
                target: patterns(&part, "target"),
                target_tag: patterns(&part, "target_tag"),
                verdict,
            };
            self.desired.target_rules.push(part.declare(rule));
        }
    }
}
