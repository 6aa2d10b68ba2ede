//! Renders a plan as text: one block per change, grouped by kind, with a summary as the last line.
//!
//! Colour adds no information.

use super::{
    RenderOptions, approval,
    danger::{DangerKind, newly_trusted, short_address, trusted_identity},
    findings,
    group::{ChangeGroup, PlanSection},
    notes, render_accepted,
    report::{Report, Verdict, no_changes, step_project},
    undone::{UNDONE_TITLE, UndoneRow, level_word},
    values::{diff_lines, long_text_sides, quote_text, render_fields, render_sides},
};
use crate::{
    finding::{SourceLine, Sources},
    plan::{Change, ChangeAction, ChangeKind, Plan, PlanSummary, Touches, UndoneFinding},
    text::{escape::Escaped, pluralize},
};

use similar::ChangeTag;
use std::{
    collections::HashSet,
    fmt::{self, Write as _},
};

/// How many steps of a fold are listed without `-v`.
const MAX_STEPS: usize = 3;

/// How many steps that move without a change of their own are listed without `-v`.
const MAX_MOVED: usize = 100;

/// Renders the plan; the last line is the summary.
pub(super) fn render_plan(plan: &Plan, sources: &Sources, options: RenderOptions) -> String {
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    let report = Report::new(plan, sources);
    _ = TextPage { plan, report, sources, options }.write(&mut out);
    out
}

struct TextPage<'a> {
    plan: &'a Plan,
    report: Report<'a>,
    sources: &'a Sources,
    options: RenderOptions,
}

impl TextPage<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        if self.options.verbosity >= 0 {
            self.write_header(out)?;
            for section in &self.report.sections {
                self.write_section(out, section)?;
            }
            self.write_consequences(out)?;
            self.write_undone(out)?;
        }
        out.push_str(&findings::render_all(&self.plan.findings, self.sources, self.options));
        let lists_all = self.options.verbosity > 0;
        out.push_str(&render_accepted(&self.plan.accepted, self.sources, lists_all));
        for line in &self.report.notes {
            writeln!(out, "{line}")?;
        }
        if let Some(touches) = touches_line(self.plan.count_touched()) {
            writeln!(out, "{touches}")?;
        }
        if let Some(line) = approval::making_line(self.plan) {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{}", summary_line(self.plan))
    }

    fn write_header(&self, out: &mut String) -> fmt::Result {
        let header = &self.plan.header;
        let files: Vec<_> = header.files.iter().map(|it| Escaped(it).to_string()).collect();
        writeln!(
            out,
            "{} on {} (Octopus {}), space {}\n",
            files.join(", "),
            // The sandbox's name ends with a colon.
            Escaped(header.url.trim_end_matches(':')),
            Escaped(&header.server_version),
            Escaped(&header.space.name),
        )
    }

    fn write_section(&self, out: &mut String, section: &PlanSection) -> fmt::Result {
        writeln!(out, "{}\n", self.paint_text("1", section.title))?;
        for block in &section.blocks {
            match block.changes.as_slice() {
                [change] => self.write_change(out, block, change)?,
                changes => self.write_fold(out, block, changes)?,
            }
            out.push('\n');
        }
        Ok(())
    }

    fn write_change(&self, out: &mut String, block: &ChangeGroup, change: &Change) -> fmt::Result {
        let address = change.address.to_string();
        write!(out, "  {} {}", self.paint_symbol(block.action), Escaped(&address))?;
        if let Some(line) = &block.line {
            write!(out, "{}", self.paint_text("2", &format!("  # {}", format_line(line))))?;
        }
        out.push('\n');
        if let Some(rule) = &change.cause.rule {
            writeln!(out, "      by rule {}", quote_text(rule))?;
        }
        self.write_reason(out, change)?;
        self.write_fields(out, block)?;
        if block.action == ChangeAction::Replace {
            for what in newly_trusted(change) {
                let word = self.paint_text("1;33", "security");
                writeln!(out, "      {word}: {what}")?;
            }
        }
        if let ChangeKind::SetDefaultPool { from: Some(from), .. } = &change.kind {
            writeln!(out, "      in place of {}", Escaped(&from.address().to_string()))?;
        }
        Ok(())
    }

    fn write_reason(&self, out: &mut String, change: &Change) -> fmt::Result {
        match &change.cause.why {
            Some(why) => writeln!(out, "      because {}", Escaped(why)),
            None => Ok(()),
        }
    }

    /// Writes the steps that one rule moves in the same way.
    fn write_fold(
        &self,
        out: &mut String,
        block: &ChangeGroup,
        changes: &[&Change],
    ) -> fmt::Result {
        let rule = changes.first().and_then(|it| it.cause.rule.as_ref());
        let by = match (rule, &block.line) {
            (Some(rule), Some(line)) => {
                format!(" by rule {} ({})", quote_text(rule), format_line(line))
            }
            (Some(rule), None) => format!(" by rule {}", quote_text(rule)),
            (None, Some(line)) => format!(" by the rule at {}", format_line(line)),
            // No rule causes a rollback.
            (None, None) => String::new(),
        };
        let projects: HashSet<_> =
            changes.iter().filter_map(|it| step_project(&it.address)).collect();
        let steps = pluralize(changes.len(), "step");
        let projects = pluralize(projects.len(), "project");
        writeln!(out, "  {} {steps} in {projects}{by}", self.paint_symbol(block.action))?;
        changes.first().map_or(Ok(()), |it| self.write_reason(out, it))?;
        self.write_fields(out, block)?;
        let shown =
            if self.options.verbosity > 0 { changes.len() } else { MAX_STEPS.min(changes.len()) };
        for change in changes.iter().take(shown) {
            writeln!(out, "        {}", Escaped(&short_address(&change.address)))?;
        }
        if shown < changes.len() {
            writeln!(out, "        and {} more; -v shows all", changes.len() - shown)?;
        }
        Ok(())
    }

    /// Writes the steps that move although no change names them, and those that come to run on the Octopus Server.
    fn write_consequences(&self, out: &mut String) -> fmt::Result {
        for kind in [DangerKind::OntoServer, DangerKind::Nowhere, DangerKind::Unnamed] {
            let dangers: Vec<_> =
                self.report.dangers.iter().filter(|danger| danger.kind == kind).collect();
            if dangers.is_empty() {
                continue;
            }
            writeln!(out, "{}\n", self.paint_text("1", kind.title()))?;
            let shown = if self.options.verbosity > 0 {
                dangers.len()
            } else {
                MAX_MOVED.min(dangers.len())
            };
            for danger in dangers.iter().take(shown) {
                let symbol = self.paint_text("33", "!");
                let what = danger.what.describe(str::to_owned, str::to_owned);
                writeln!(out, "  {symbol} {}  {}", Escaped(&danger.subject), Escaped(&what))?;
            }
            if shown < dangers.len() {
                writeln!(out, "  and {} more; -v shows all", dangers.len() - shown)?;
            }
            out.push('\n');
        }
        Ok(())
    }

    /// Writes what the plan's base asks for and the plan does not.
    fn write_undone(&self, out: &mut String) -> fmt::Result {
        let undone = &self.report.undone;
        if undone.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}\n", self.paint_text("1", UNDONE_TITLE))?;
        let shown =
            if self.options.verbosity > 0 { undone.len() } else { MAX_MOVED.min(undone.len()) };
        for row in undone.iter().take(shown) {
            match row {
                UndoneRow::Change { subject, change } => {
                    let symbol = change.action.symbol();
                    let fields = render_fields(&change.fields);
                    writeln!(out, "  {symbol} {}  {fields}", Escaped(subject))?;
                }
                UndoneRow::Finding(UndoneFinding { code, level, message, .. }) => {
                    let level = level_word(*level);
                    writeln!(out, "  {level}[{}]: {}", Escaped(code), Escaped(message))?;
                }
            }
        }
        if shown < undone.len() {
            writeln!(out, "  and {} more; -v shows all", undone.len() - shown)?;
        }
        out.push('\n');
        Ok(())
    }

    fn write_fields(&self, out: &mut String, block: &ChangeGroup) -> fmt::Result {
        if let Some(commit) = block.changes.first().and_then(|it| it.kind.git_commit()) {
            writeln!(out, "      {}", notes::describe_commit(commit))?;
        }
        let width = block.fields.iter().map(|it| it.path.len()).max().unwrap_or_default();
        for field in &block.fields {
            let path = format!("{:width$}", Escaped(&field.path).to_string());
            match long_text_sides(field) {
                Some((before, after)) => {
                    writeln!(out, "      {}", path.trim_end())?;
                    self.write_line_diff(out, before, after)?;
                }
                None => writeln!(out, "      {path}  {}", render_sides(field))?,
            }
            if let Some(trusted) = trusted_identity(field) {
                let word = self.paint_text("1;33", "security");
                writeln!(out, "      {word}: {trusted} will be trusted for this worker")?;
            }
        }
        if let Some(instead) = block.instead_of {
            let (action, fields) = (instead.action.as_str(), render_fields(&instead.fields));
            writeln!(out, "      pending until now: {action} {fields}")?;
        }
        Ok(())
    }

    /// Writes two texts as a line diff.
    fn write_line_diff(&self, out: &mut String, before: &str, after: &str) -> fmt::Result {
        for line in diff_lines(before, after) {
            let (symbol, colour) = match line.tag {
                Some(ChangeTag::Delete) => ("-", "31"),
                Some(ChangeTag::Insert) => ("+", "32"),
                Some(ChangeTag::Equal) => (" ", "0"),
                None => {
                    writeln!(out, "        …")?;
                    continue;
                }
            };
            let shown = format!("{symbol} {}", line.text);
            writeln!(out, "        {}", self.paint_text(colour, shown.trim_end()))?;
        }
        Ok(())
    }

    fn paint_symbol(&self, action: ChangeAction) -> String {
        let colour = match action {
            ChangeAction::Create => "32",
            ChangeAction::Update => "33",
            ChangeAction::Replace => "35",
            ChangeAction::Delete => "31",
        };
        self.paint_text(colour, &action.symbol().to_string())
    }

    fn paint_text(&self, colour: &str, text: &str) -> String {
        if self.options.colour {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Returns the last line of a plan.
fn summary_line(plan: &Plan) -> String {
    let PlanSummary { create, update, replace, delete, denied, warnings } = plan.summarize();
    let warnings = match warnings {
        0 => String::new(),
        n => format!("; {}", pluralize(n, "warning")),
    };
    let split = plan.comparison.as_ref().map(|it| format!("; {}", it.describe_split()));
    let split = split.unwrap_or_default();
    if create + update + replace + delete == 0 && denied == 0 {
        return format!("{}{split}{warnings}", no_changes(plan));
    }
    let parts = [(create, "create"), (update, "update"), (replace, "replace"), (delete, "delete")];
    let parts: Vec<_> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} to {word}")).collect();
    let changes = if parts.is_empty() { "no changes".to_owned() } else { parts.join(", ") };
    let refused = match denied {
        0 => String::new(),
        _ => match Verdict::of_plan(plan) {
            Verdict::Refused { gates } => {
                let already = if plan.is_refused_already() { ", already pending" } else { "" };
                format!("; refused by {}{already}", pluralize(gates, "gate"))
            }
            Verdict::NoChanges | Verdict::Ready => String::new(),
        },
    };
    let word = if plan.drift.is_some() { "Drift" } else { "Plan" };
    format!("{word}: {changes}{split}{refused}{warnings}")
}

/// Returns what a plan touches, or `None` if that is nothing.
fn touches_line(touches: Touches) -> Option<String> {
    let Touches { pools, workers, projects, steps, runbooks, variables, targets, affected } =
        touches;
    let parts = [
        (pools, "pool"),
        (workers, "worker"),
        (projects, "project"),
        (steps, "step"),
        (runbooks, "runbook"),
        (variables, "variable value"),
        (targets, "target"),
    ];
    let mut parts: Vec<_> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| pluralize(*n, noun)).collect();
    if affected.steps > 0 {
        let (steps, projects) =
            (pluralize(affected.steps, "step"), pluralize(affected.projects, "project"));
        parts.push(format!("{steps} in {projects} indirectly"));
    }
    (!parts.is_empty()).then(|| format!("Touches {}", parts.join(", ")))
}

fn format_line(line: &SourceLine) -> String {
    format!("{}:{}", Escaped(&line.file), line.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diff::compare_with_base,
        finding::{Code, Finding, FindingLocation, Level},
        model::{Endpoint, Id, Linked, Place},
        plan::{BaseComparison, Cause, PoolEdit, StepEdit, WorkerEdit, sample},
    };

    fn render_text(plan: &Plan, verbosity: i8) -> String {
        super::render_plan(plan, &sample::sources(), RenderOptions { colour: false, verbosity })
    }

    #[test]
    fn a_plan_with_a_change_of_every_kind() {
        insta::assert_snapshot!(render_text(&sample::everything(), 0));
    }

    #[test]
    fn a_plan_without_changes() {
        insta::assert_snapshot!(render_text(&sample::plan(Vec::new(), Vec::new()), 0), @"
        workers.toml on https://octopus.acme.example (Octopus 2026.2.9314), space Default

        No changes: the server matches the files
        ");
    }

    #[test]
    fn quiet_shows_findings_and_the_summary_and_colour_adds_no_words() {
        assert!(render_text(&sample::everything(), -1).starts_with("denied[empty-pool]"));
        let coloured = super::render_plan(
            &sample::everything(),
            &sample::sources(),
            RenderOptions { colour: true, verbosity: 0 },
        );
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, render_text(&sample::everything(), 0));
    }

    #[test]
    fn many_steps_of_one_rule_are_one_block() {
        let steps = ["Web Store", "Billing", "Identity", "Catalogue", "Mobile API"];
        let steps = steps
            .map(|step| sample::placement(step, "Migrate \u{1b}[2Jdatabase", Place::DefaultPool));
        let plan = sample::plan(steps.to_vec(), Vec::new());
        insta::assert_snapshot!(render_text(&plan, 0), @r#"
        workers.toml on https://octopus.acme.example (Octopus 2026.2.9314), space Default

        Placements

          ~ 5 steps in 5 projects by rule "every database step runs in the database pool" (workers.toml:14)
              pool  default → pools.database
                Web Store / Migrate \u{1b}[2Jdatabase
                Billing / Migrate \u{1b}[2Jdatabase
                Identity / Migrate \u{1b}[2Jdatabase
                and 2 more; -v shows all

        Touches 1 pool, 5 projects, 5 steps
        Plan: 5 to update
        "#);
        assert!(render_text(&plan, 1).contains("Mobile API"));
    }

    #[test]
    fn a_name_cannot_imitate_a_before_and_after_pair() {
        let edit = PoolEdit::Name(sample::delta("Old", "a\" → \"b"));
        let renamed =
            sample::change("pools.x", sample::update_pool([edit]), sample::declared("[server]"));
        let text = render_text(&sample::plan(vec![renamed], Vec::new()), 0);
        assert!(text.contains(r#"name  "Old" → "a\" → \"b""#), "{text}");
    }

    #[test]
    fn changed_trailing_spaces_are_visible() {
        let edit = PoolEdit::Description(sample::delta("one\ntwo", "one\ntwo  "));
        let update =
            sample::change("pools.x", sample::update_pool([edit]), sample::declared("[server]"));
        insta::assert_snapshot!(render_text(&sample::plan(vec![update], Vec::new()), 0), @r"
        workers.toml on https://octopus.acme.example (Octopus 2026.2.9314), space Default

        Pools

          ~ pools.x  # workers.toml:1
              description
                  one
                - two
                + two\u{20}\u{20}

        Touches 1 pool
        Plan: 1 to update
        ");
    }

    #[test]
    fn a_comparison_separates_brought_pending_and_undone_changes() {
        let moved = |step| sample::placement("Web Store", step, Place::DefaultPool);
        let (pending, mut other) = (moved("Seed"), moved("Migrate"));
        let base = sample::plan(vec![pending.clone(), moved("Migrate"), moved("Gone")], Vec::new());
        other.kind = moved_by_variable();
        let finding =
            |message| Finding::new(Code::EmptyPool, Level::Deny, FindingLocation::Nowhere, message);
        let base = Plan { findings: vec![finding("one"), finding("gone")], ..base };
        let plan = sample::plan(vec![pending, other, moved("New")], vec![finding("one")]);
        let described = BaseComparison {
            base: "origin/\u{1b}main".into(),
            commit: Some("0123456789abcdef".into()),
            ..BaseComparison::default()
        };
        let compared = compare_with_base(plan, Some(&base), described);
        insta::assert_snapshot!(render_text(&compared, 0));
        let unchanged = sample::plan(Vec::new(), Vec::new());
        let undone = compare_with_base(unchanged, Some(&base), BaseComparison::default());
        insta::assert_snapshot!(render_text(&undone, -1));
    }

    fn moved_by_variable() -> ChangeKind {
        let mut kind = sample::placement("Web Store", "Migrate", Place::DefaultPool).kind;
        if let ChangeKind::PlaceStep { edits, .. } = &mut kind {
            let pool = Place::Variable("Pool".into());
            *edits = vec![StepEdit::Place(sample::delta(Place::DefaultPool, pool))].into();
        }
        kind
    }

    #[test]
    fn steps_that_no_rule_moves_have_a_reason() {
        let rollback = |project| {
            let mut change = sample::placement(project, "Seed", Place::DefaultPool);
            let why = Some("the receipt says that it ran there".to_owned());
            change.cause = Cause { why, ..Cause::default() };
            change
        };
        let plan = sample::plan(vec![rollback("Web Store"), rollback("Billing")], Vec::new());
        insta::assert_snapshot!(render_text(&plan, 0), @"
        workers.toml on https://octopus.acme.example (Octopus 2026.2.9314), space Default

        Placements

          ~ 2 steps in 2 projects
              because the receipt says that it ran there
              pool  default → pools.database
                Web Store / Seed
                Billing / Seed

        Touches 1 pool, 2 projects, 2 steps
        Plan: 2 to update
        ");
    }

    #[test]
    fn new_trust_and_the_former_default_are_shown() {
        let ssh = |fingerprint: &str| Endpoint::Ssh {
            host: "db".into(),
            port: 22,
            account: Linked::new("Accounts-1", "db"),
            fingerprint: fingerprint.into(),
            platform: None,
            proxy: None,
        };
        let edit = WorkerEdit::Endpoint(Box::new(sample::endpoint_delta(
            &ssh("SHA256:a"),
            ssh("SHA256:b"),
        )));
        let update = ChangeKind::UpdateWorker { id: Id::new("Workers-1"), edits: vec![edit] };
        let default = ChangeKind::SetDefaultPool {
            from: Some(sample::pool("WorkerPools-1", "old")),
            to: sample::pool("WorkerPools-2", "azure"),
        };
        let at = || sample::declared("[server]");
        let changes = vec![
            sample::change("workers.db", update, at()),
            sample::change("pools.azure", default, at()),
        ];
        insta::assert_snapshot!(render_text(&sample::plan(changes, Vec::new()), 0), @r#"
        workers.toml on https://octopus.acme.example (Octopus 2026.2.9314), space Default

        Pools

          ~ pools.azure  # workers.toml:1
              default  false → true
              in place of pools.old

        Workers

          ~ workers.db  # workers.toml:1
              ssh.fingerprint  "SHA256:a" → "SHA256:b"
              security: a different SSH host key will be trusted for this worker

        Touches 2 pools, 1 worker
        Plan: 2 to update
        "#);
    }

    #[test]
    fn lines_far_from_changes_are_omitted() {
        let before: String = (1..=30).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 9\n", "line nine\n").replace("line 29\n", "");
        let edit = PoolEdit::Description(sample::delta(before, after));
        let update =
            sample::change("pools.x", sample::update_pool([edit]), sample::declared("[server]"));
        insta::assert_snapshot!(render_text(&sample::plan(vec![update], Vec::new()), 0), @"
        workers.toml on https://octopus.acme.example (Octopus 2026.2.9314), space Default

        Pools

          ~ pools.x  # workers.toml:1
              description
                …
                  line 6
                  line 7
                  line 8
                - line 9
                + line nine
                  line 10
                  line 11
                  line 12
                …
                  line 26
                  line 27
                  line 28
                - line 29
                  line 30

        Touches 1 pool
        Plan: 1 to update
        ");
    }
}
