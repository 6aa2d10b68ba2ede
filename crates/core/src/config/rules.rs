//! Lowers `[[placements]]` and `[[waves]]`.

use super::{
    language::{ContainerTable, PlacementChoice, PlacementTable, WaveTable},
    lower::DesiredDraft,
    table::{Optional, OrReported},
    values::{OrFalse, Tables, True},
};
use crate::{
    desired::{
        CurrentPlace, CurrentPlaces, DEFAULT, Declared, DesiredPlacement, DesiredWave,
        PlacementRule, PlacementVerdict, SERVER, SelectedProcesses, StepSelectors, TARGET,
        VARIABLE,
    },
    finding::{Code, Finding, Span},
    model::{Container, Execution, Place},
    text::{
        eq_ignoring_case,
        pattern::{Pattern, Patterns},
    },
};

impl DesiredDraft {
    /// Appends the placement rules of a file.
    pub(super) fn read_placements(&mut self, placements: Tables<PlacementTable>) {
        for Declared { value: table, span } in placements {
            let PlacementTable {
                label,
                project,
                project_group,
                project_tag,
                process,
                runbook,
                step,
                action_type,
                channel,
                currently,
                verdict: OrReported(verdict),
                execution,
                container,
            } = table;
            let select = StepSelectors {
                processes: self.read_processes(process, &runbook),
                project,
                project_group,
                project_tag,
                channel,
                runbook,
                step,
                action_type,
                currently: currently.map(|words| self.read_current_places(words)),
            };
            let Some(verdict) = verdict else { continue };
            let verdict = self.read_verdict(verdict, execution, container);
            let label = label.map(|text| text.value);
            let rule = PlacementRule { label, select, verdict };
            self.desired.rules.push(Declared { value: rule, span });
        }
    }

    /// Appends the waves of a file.
    pub(super) fn read_waves(&mut self, waves: Tables<WaveTable>) {
        for Declared { value: WaveTable { label, project, project_group }, span } in waves {
            let mut taken = self.desired.waves.iter().filter_map(|wave| wave.label.as_ref());
            if let Some(label) = &label
                && let Some(first) =
                    taken.find(|other| eq_ignoring_case(&other.value, &label.value))
            {
                let message = format!("two waves have the label `{}`", label.value);
                let finding = Finding::error(Code::DuplicateWave, label.span.clone(), message)
                    .with_other_place(first.span.clone(), "the other wave")
                    .with_help("give each wave a label of its own");
                self.report(finding);
            }
            let wave = DesiredWave { label, project, project_group };
            self.desired.waves.push(Declared { value: wave, span });
        }
    }

    fn read_processes(
        &mut self,
        process: Optional<SelectedProcesses>,
        runbook: &Optional<Patterns>,
    ) -> SelectedProcesses {
        let place = process.as_ref().map(|word| word.span.clone()).unwrap_or_default();
        match (process.map(|word| word.value), runbook) {
            (Some(SelectedProcesses::Deployments), Some(runbook)) => {
                let message = "`runbook` matches nothing in deployment processes";
                self.report(
                    Finding::error(Code::ConflictingKeys, runbook.span.clone(), message)
                        .with_other_place(place, "the other key")
                        .with_help("remove `runbook`, or set `process = \"runbook\"`"),
                );
                SelectedProcesses::Deployments
            }
            (Some(processes), _) => processes,
            // A rule that names a runbook is for its process.
            (None, Some(_)) => SelectedProcesses::Runbooks,
            (None, None) => SelectedProcesses::Deployments,
        }
    }

    fn read_current_places(
        &self,
        words: Declared<Vec<Declared<String>>>,
    ) -> Declared<CurrentPlaces> {
        let mut places = CurrentPlaces::default();
        for Declared { value, span: at } in words.value {
            match value.trim().strip_prefix('!') {
                Some(word) => places.exclude.push(self.parse_current_place(word, at)),
                None => places.include.push(self.parse_current_place(&value, at)),
            }
        }
        Declared { value: places, span: words.span }
    }

    fn parse_current_place(&self, word: &str, at: Span) -> CurrentPlace {
        let pattern = Pattern::new(word);
        match (word.trim(), pattern.exact_name()) {
            (SERVER, _) => CurrentPlace::Server,
            (DEFAULT, _) => CurrentPlace::Default,
            (TARGET, _) => CurrentPlace::Target,
            (VARIABLE, _) => CurrentPlace::Variable,
            (_, Some(pool)) => CurrentPlace::Pool(
                self.resolve_pool_ref(Declared { value: pool.to_owned(), span: at }),
            ),
            (_, None) => CurrentPlace::Matching(pattern),
        }
    }

    fn read_verdict(
        &mut self,
        verdict: PlacementChoice,
        execution: Optional<Execution>,
        container: Optional<OrFalse<ContainerTable>>,
    ) -> PlacementVerdict {
        let place = match verdict {
            PlacementChoice::Pool(text) => Place::Pool(self.resolve_pool_ref(text)),
            PlacementChoice::PoolVariable(text) => Place::Variable(text.value),
            PlacementChoice::DefaultPool(Declared { value: True, .. }) => Place::DefaultPool,
            PlacementChoice::Leave(Declared { value: True, span: leave }) => {
                self.check_leave_key("execution", execution.map(|word| word.span), &leave);
                self.check_leave_key("container", container.map(|table| table.span), &leave);
                return PlacementVerdict::Leave;
            }
        };
        let container = container.map(|choice| {
            let table = choice.value.0.map(|ContainerTable { image, feed }| {
                Container::from_image(image.value, feed.value)
            });
            Declared { value: table, span: choice.span }
        });
        let execution = execution.map(|word| word.value);
        PlacementVerdict::Place(DesiredPlacement { place, execution, container })
    }

    /// Reports a key that has no effect in a rule with `leave`.
    fn check_leave_key(&mut self, key: &str, at: Option<Span>, leave: &Span) {
        if let Some(at) = at {
            let message = format!("`leave` and `{key}` exclude each other");
            self.report(
                Finding::error(Code::ConflictingKeys, at, message)
                    .with_other_place(leave.clone(), "the other key")
                    .with_help(format!("remove `{key}`: a rule with `leave` changes nothing")),
            );
        }
    }
}
