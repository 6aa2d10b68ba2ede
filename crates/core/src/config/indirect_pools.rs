//! `[[pool_variables]]` and `[[target_pools]]`.

use super::{checked_table::CheckedTable, lower::DesiredDraft, rules::read_patterns};
use crate::{
    desired::{
        Declared, DesiredValueOwner, DesiredValueScope, PoolVariableRule, TargetPoolRule,
        TargetPoolVerdict, ValueVerdict,
    },
    finding::{Code, Finding},
    model::Name,
};

impl DesiredDraft {
    /// Adds the values of a file, behind those that are there.
    pub(super) fn read_pool_variables(&mut self, file: &CheckedTable) {
        for part in file.get_tables("pool_variables") {
            if let Some(rule) = self.read_value_rule(&part) {
                self.check_value_unique(&part, &rule);
                self.desired.values.push(part.declare(rule));
            }
        }
    }

    /// A rule; `None` where something is missing, which has been told.
    fn read_value_rule(&self, part: &CheckedTable) -> Option<PoolVariableRule> {
        let projects = read_patterns(part, "project").map(DesiredValueOwner::Projects);
        let libraries = || read_patterns(part, "library_set").map(DesiredValueOwner::Libraries);
        let variable = part.get_text("variable")?;
        let pool = part.get_text("pool").map(|it| ValueVerdict::Pool(self.resolve_pool_ref(it)));
        let remove = || part.has_key("remove").then_some(ValueVerdict::Remove);
        Some(PoolVariableRule {
            owner: projects.or_else(libraries)?,
            variable: Declared { value: Name::new(&variable.value), span: variable.span },
            scope: DesiredValueScope {
                environments: part.get_texts("environment").unwrap_or_default(),
                channels: part.get_texts("channel").unwrap_or_default(),
                tenant_tags: part.get_texts("tenant_tag").unwrap_or_default(),
            },
            verdict: pool.or_else(remove)?,
        })
    }

    /// Tells where two rules are about one value in as many words: the second decides nothing.
    fn check_value_unique(&mut self, part: &CheckedTable, rule: &PoolVariableRule) {
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
        if self.desired.values.iter().any(|value| key(&value.value) == key(rule)) {
            let message = format!("`{}` has a value here already", rule.variable.value);
            self.report(
                Finding::error(Code::DeclaredTwice, part.table_span(), message)
                    .with_label("an earlier rule is about the same variable in the same scope")
                    .with_help("remove one of the two"),
            );
        }
    }

    /// Adds the rules about deployment targets of a file, behind those that are there.
    pub(super) fn read_target_rules(&mut self, file: &CheckedTable) {
        for part in file.get_tables("target_pools") {
            let pool = part
                .get_text("pool")
                .map(|text| TargetPoolVerdict::Pool(self.resolve_pool_ref(text)));
            let default = || part.has_key("default_pool").then_some(TargetPoolVerdict::DefaultPool);
            let leave = || part.has_key("leave").then_some(TargetPoolVerdict::Leave);
            let Some(verdict) = pool.or_else(default).or_else(leave) else { continue };
            let rule = TargetPoolRule {
                label: part.get_text("label").map(|it| it.value),
                target: read_patterns(&part, "target"),
                target_tag: read_patterns(&part, "target_tag"),
                verdict,
            };
            self.desired.target_rules.push(part.declare(rule));
        }
    }
}
