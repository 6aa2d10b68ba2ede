//! `[[placements]]`: selectors and verdicts.

use super::{language::VERDICTS, lower::DesiredDraft, part::CheckedTable};
use crate::{
    desired::{
        CurrentPlace, CurrentPlaces, DEFAULT, Declared, DesiredPlacement, DesiredWave,
        PlacementRule, PlacementVerdict, SERVER, StepSelectors, TARGET, VARIABLE,
    },
    finding::{Finding, Span},
    model::{Container, Execution, Place},
    text::pattern::{Pattern, Patterns},
};

impl DesiredDraft {
    /// Adds the rules of a file, behind those that are there.
    pub(super) fn rules(&mut self, file: &CheckedTable) {
        for part in file.parts("placements") {
            let select = self.selectors(&part);
            let Some(verdict) = self.verdict(&part) else { continue };
            let label = part.text("label").map(|it| it.value);
            self.desired.rules.push(part.declare(PlacementRule { label, select, verdict }));
        }
    }

    /// Adds the waves of a file, behind those that are there.
    pub(super) fn waves(&mut self, file: &CheckedTable) {
        for part in file.parts("waves") {
            let label = part.text("label");
            let is =
                |it: &Declared<DesiredWave>| it.label.as_ref().map(|it| it.value.to_lowercase());
            let taken = self.desired.waves.iter().filter_map(is);
            if let Some(label) = label.clone()
                && taken.into_iter().any(|it| it == label.value.to_lowercase())
            {
                let message = format!("two waves are called `{}`", label.value);
                self.report(
                    Finding::error("duplicate-wave", label.span, message)
                        .help("give each wave a label of its own"),
                );
            }
            let wave = DesiredWave {
                label,
                project: patterns(&part, "project"),
                project_group: patterns(&part, "project_group"),
            };
            self.desired.waves.push(part.declare(wave));
        }
    }

    fn selectors(&mut self, part: &CheckedTable) -> StepSelectors {
        let process = part.text("process");
        let word = process.as_ref().map(|it| it.value.as_str());
        let runbook = patterns(part, "runbook");
        if let (Some("deployment"), Some(runbook)) = (word, &runbook) {
            let message = "`runbook` finds nothing in deployment processes";
            self.report(
                Finding::error("conflicting-keys", runbook.span.clone(), message)
                    .help("remove `runbook`, or say `process = \"runbook\"`"),
            );
        }
        let (deployments, runbooks) = match word {
            Some("any") => (true, true),
            Some("runbook") => (false, true),
            Some(_) => (true, false),
            // Who names a runbook means its process.
            None => (runbook.is_none(), runbook.is_some()),
        };
        let currently = part.texts("currently").map(|words| {
            let value = self.whereabouts(words);
            Declared { value, span: at(part, "currently") }
        });
        StepSelectors {
            project: patterns(part, "project"),
            project_group: patterns(part, "project_group"),
            project_tag: patterns(part, "project_tag"),
            channel: patterns(part, "channel"),
            runbook,
            step: patterns(part, "step"),
            action_type: patterns(part, "action_type"),
            deployments,
            runbooks,
            currently,
        }
    }

    fn whereabouts(&self, words: Vec<Declared<String>>) -> CurrentPlaces {
        let mut whereabouts = CurrentPlaces::default();
        for Declared { value, span: at } in words {
            match value.trim().strip_prefix('!') {
                Some(word) => whereabouts.exclude.push(self.currently(word, at)),
                None => whereabouts.include.push(self.currently(&value, at)),
            }
        }
        whereabouts
    }

    fn currently(&self, word: &str, at: Span) -> CurrentPlace {
        let pattern = Pattern::new(word);
        match word.trim() {
            SERVER => CurrentPlace::Server,
            DEFAULT => CurrentPlace::Default,
            TARGET => CurrentPlace::Target,
            VARIABLE => CurrentPlace::Variable,
            _ if pattern.exact().is_none() => CurrentPlace::Matching(pattern),
            pool => {
                CurrentPlace::Pool(self.pool_ref(Declared { value: pool.to_owned(), span: at }))
            }
        }
    }

    /// What becomes of the steps; `None` where the rule does not say one thing, which has been told.
    fn verdict(&mut self, part: &CheckedTable) -> Option<PlacementVerdict> {
        let said: Vec<_> = VERDICTS.into_iter().filter(|it| part.has(it)).collect();
        let [verdict] = said.as_slice() else { return None };
        let place = match *verdict {
            "pool" => Place::Pool(self.pool_ref(part.text("pool")?)),
            "pool_variable" => Place::Variable(part.text("pool_variable")?.value),
            "default_pool" => Place::DefaultPool,
            _ => {
                self.leaves_all(part);
                return Some(PlacementVerdict::Leave);
            }
        };
        let execution = part.text("execution").and_then(|it| match it.value.as_str() {
            "once" => Some(Execution::Once),
            "per-target" => Some(Execution::PerTarget),
            _ => None,
        });
        let container = part.part("container").and_then(|it| {
            let container =
                Container { image: it.text("image")?.value, feed: it.text("feed")?.value };
            Some(it.declare(container))
        });
        Some(PlacementVerdict::Place(DesiredPlacement { place, execution, container }))
    }

    /// A rule that leaves its steps says nothing else about them.
    fn leaves_all(&mut self, part: &CheckedTable) {
        for key in ["execution", "container"] {
            if part.has(key) {
                let message = format!("`leave` and `{key}` exclude each other");
                self.report(
                    Finding::error("conflicting-keys", at(part, key), message)
                        .help(format!("remove `{key}`: steps that are left are not changed")),
                );
            }
        }
    }
}

/// The patterns that a key holds.
pub(super) fn patterns(part: &CheckedTable, key: &str) -> Option<Declared<Patterns>> {
    let texts = part.texts(key)?;
    let patterns = Patterns::new(texts.iter().map(|it| it.value.as_str()));
    Some(Declared { value: patterns, span: at(part, key) })
}

/// Where a key's value is, or else its table.
fn at(part: &CheckedTable, key: &str) -> Span {
    part.value_at(key).unwrap_or_else(|| part.at())
}
