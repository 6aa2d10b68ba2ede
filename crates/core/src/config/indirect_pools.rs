//! Lowers `[[pool_variables]]` and `[[target_pools]]`.

use super::{
    language::{OwnerChoice, PoolVariableTable, TargetPoolChoice, TargetPoolTable, ValueChoice},
    lower::DesiredDraft,
    values::{Tables, True},
};
use crate::{
    desired::{
        Declared, DesiredValueOwner, DesiredValueScope, PoolVariableRule, TargetPoolRule,
        TargetPoolVerdict, ValueVerdict,
    },
    finding::{Code, Finding, Span},
    model::Name,
    text::fold_case,
};

impl DesiredDraft {
    /// Appends the variable rules of a file.
    pub(super) fn read_pool_variables(&mut self, tables: Tables<PoolVariableTable>) {
        for Declared { value: table, span } in tables {
            let PoolVariableTable { owner, variable, environment, channel, tenant_tag, verdict } =
                table;
            let rule = PoolVariableRule {
                owner: match owner {
                    OwnerChoice::Project(names) => DesiredValueOwner::Projects(names),
                    OwnerChoice::LibrarySet(names) => DesiredValueOwner::Libraries(names),
                },
                variable: Declared { value: Name::new(&variable.value), span: variable.span },
                scope: DesiredValueScope {
                    environments: environment,
                    channels: channel,
                    tenant_tags: tenant_tag,
                },
                verdict: match verdict {
                    ValueChoice::Pool(text) => ValueVerdict::Pool(self.resolve_pool_ref(text)),
                    ValueChoice::Remove(Declared { value: True, .. }) => ValueVerdict::Remove,
                },
            };
            self.check_value_unique(&span, &rule);
            self.desired.values.push(Declared { value: rule, span });
        }
    }

    /// Reports a rule that is written for the same value as an earlier one, and so has no effect.
    fn check_value_unique(&mut self, at: &Span, rule: &PoolVariableRule) {
        let key = |rule: &PoolVariableRule| {
            let owner = match &rule.owner {
                DesiredValueOwner::Projects(names) => (0, names.value.clone()),
                DesiredValueOwner::Libraries(names) => (1, names.value.clone()),
            };
            let DesiredValueScope { environments, channels, tenant_tags } = &rule.scope;
            let scope = [environments, channels, tenant_tags].map(|names| {
                let mut names: Vec<_> = names.iter().map(|it| fold_case(it)).collect();
                names.sort();
                names
            });
            (owner, rule.variable.value.clone(), scope)
        };
        if let Some(first) = self.desired.values.iter().find(|it| key(&it.value) == key(rule)) {
            let message = format!("`{}` already has a value in this scope", rule.variable.value);
            self.report(
                Finding::error(Code::DeclaredTwice, at.clone(), message)
                    .with_other_place(
                        first.span.clone(),
                        "sets the same variable in the same scope",
                    )
                    .with_help("remove one of the two"),
            );
        }
    }

    /// Appends the target rules of a file.
    pub(super) fn read_target_rules(&mut self, tables: Tables<TargetPoolTable>) {
        for Declared { value: table, span } in tables {
            let TargetPoolTable { label, target, target_tag, verdict } = table;
            let verdict = match verdict {
                TargetPoolChoice::Pool(text) => {
                    TargetPoolVerdict::Pool(self.resolve_pool_ref(text))
                }
                TargetPoolChoice::DefaultPool(Declared { value: True, .. }) => {
                    TargetPoolVerdict::DefaultPool
                }
                TargetPoolChoice::Leave(Declared { value: True, .. }) => TargetPoolVerdict::Leave,
            };
            let label = label.map(|text| text.value);
            let rule = TargetPoolRule { label, target, target_tag, verdict };
            self.desired.target_rules.push(Declared { value: rule, span });
        }
    }
}
