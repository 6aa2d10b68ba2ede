//! `[[placements]]`: selectors and verdicts.

use super::{checked_table::CheckedTable, language::VERDICTS, lower::DesiredDraft};
use crate::{
    desired::{
        CurrentPlace, CurrentPlaces, DEFAULT, Declared, DesiredPlacement, DesiredWave,
        PlacementRule, PlacementVerdict, SERVER, StepSelectors, TARGET, VARIABLE,
    },
    finding::{Code, Finding, Span},
    model::{Container, Execution, Place},
    text::pattern::{Pattern, Patterns},
};

impl DesiredDraft {
    /// Adds the rules of a file, behind those that are there.
    pub(super) fn read_placements(&mut self, file: &CheckedTable) {
        for part in file.get_tables("placements") {
            let select = self.read_selectors(&part);
            let Some(verdict) = self.read_verdict(&part) else { continue };
            let label = part.get_text("label").map(|it| it.value);
            self.desired.rules.push(part.declare(PlacementRule { label, select, verdict }));
        }
    }

    /// Adds the waves of a file, behind those that are there.
    pub(super) fn read_waves(&mut self, file: &CheckedTable) {
        for part in file.get_tables("waves") {
            let label = part.get_text("label");
            let folded_label = |wave: &Declared<DesiredWave>| {
                wave.label.as_ref().map(|it| it.value.to_lowercase())
            };
            let taken = self.desired.waves.iter().filter_map(folded_label);
            if let Some(label) = label.clone()
                && taken.into_iter().any(|text| text == label.value.to_lowercase())
            {
                let message = format!("two waves are called `{}`", label.value);
                self.report(
                    Finding::error(Code::DuplicateWave, label.span, message)
                        .with_help("give each wave a label of its own"),
                );
            }
            let wave = DesiredWave {
                label,
                project: read_patterns(&part, "project"),
                project_group: read_patterns(&part, "project_group"),
            };
            self.desired.waves.push(part.declare(wave));
        }
    }

    fn read_selectors(&mut self, part: &CheckedTable) -> StepSelectors {
        let process = part.get_text("process");
        let word = process.as_ref().map(|it| it.value.as_str());
        let runbook = read_patterns(part, "runbook");
        if let (Some("deployment"), Some(runbook)) = (word, &runbook) {
            let message = "`runbook` finds nothing in deployment processes";
            self.report(
                Finding::error(Code::ConflictingKeys, runbook.span.clone(), message)
                    .with_help("remove `runbook`, or say `process = \"runbook\"`"),
            );
        }
        let (deployments, runbooks) = match word {
            Some("any") => (true, true),
            Some("runbook") => (false, true),
            Some(_) => (true, false),
            // Who names a runbook means its process.
            None => (runbook.is_none(), runbook.is_some()),
        };
        let currently = part.get_texts("currently").map(|words| {
            let value = self.read_current_places(words);
            Declared { value, span: span_for_key(part, "currently") }
        });
        StepSelectors {
            project: read_patterns(part, "project"),
            project_group: read_patterns(part, "project_group"),
            project_tag: read_patterns(part, "project_tag"),
            channel: read_patterns(part, "channel"),
            runbook,
            step: read_patterns(part, "step"),
            action_type: read_patterns(part, "action_type"),
            deployments,
            runbooks,
            currently,
        }
    }

    fn read_current_places(&self, words: Vec<Declared<String>>) -> CurrentPlaces {
        let mut whereabouts = CurrentPlaces::default();
        for Declared { value, span: at } in words {
            match value.trim().strip_prefix('!') {
                Some(word) => whereabouts.exclude.push(self.parse_current_place(word, at)),
                None => whereabouts.include.push(self.parse_current_place(&value, at)),
            }
        }
        whereabouts
    }

    fn parse_current_place(&self, word: &str, at: Span) -> CurrentPlace {
        let pattern = Pattern::new(word);
        match word.trim() {
            SERVER => CurrentPlace::Server,
            DEFAULT => CurrentPlace::Default,
            TARGET => CurrentPlace::Target,
            VARIABLE => CurrentPlace::Variable,
            _ if pattern.exact_name().is_none() => CurrentPlace::Matching(pattern),
            pool => CurrentPlace::Pool(
                self.resolve_pool_ref(Declared { value: pool.to_owned(), span: at }),
            ),
        }
    }

    /// What becomes of the steps; `None` where the rule does not say one thing, which has been told.
    fn read_verdict(&mut self, part: &CheckedTable) -> Option<PlacementVerdict> {
        let verdicts: Vec<_> = VERDICTS.into_iter().filter(|it| part.has_key(it)).collect();
        let [verdict] = verdicts.as_slice() else { return None };
        let place = match *verdict {
            "pool" => Place::Pool(self.resolve_pool_ref(part.get_text("pool")?)),
            "pool_variable" => Place::Variable(part.get_text("pool_variable")?.value),
            "default_pool" => Place::DefaultPool,
            _ => {
                self.check_leave_rule(part);
                return Some(PlacementVerdict::Leave);
            }
        };
        let execution = part.get_text("execution").and_then(|text| match text.value.as_str() {
            "once" => Some(Execution::Once),
            "per-target" => Some(Execution::PerTarget),
            _ => None,
        });
        let container = part.get_table("container").and_then(|item| {
            let container = Container {
                image: item.get_text("image")?.value,
                feed: item.get_text("feed")?.value,
            };
            Some(item.declare(container))
        });
        Some(PlacementVerdict::Place(DesiredPlacement { place, execution, container }))
    }

    /// A rule that leaves its steps says nothing else about them.
    fn check_leave_rule(&mut self, part: &CheckedTable) {
        for key in ["execution", "container"] {
            if part.has_key(key) {
                let message = format!("`leave` and `{key}` exclude each other");
                self.report(
                    Finding::error(Code::ConflictingKeys, span_for_key(part, key), message)
                        .with_help(format!("remove `{key}`: steps that are left are not changed")),
                );
            }
        }
    }
}

/// The patterns that a key holds.
pub(super) fn read_patterns(part: &CheckedTable, key: &str) -> Option<Declared<Patterns>> {
    let texts = part.get_texts(key)?;
    let patterns = Patterns::new(texts.iter().map(|it| it.value.as_str()));
    Some(Declared { value: patterns, span: span_for_key(part, key) })
}

/// Where a key's value is, or else its table.
fn span_for_key(part: &CheckedTable, key: &str) -> Span {
    part.value_span(key).unwrap_or_else(|| part.table_span())
}
