//! Parses the texts of files into [`Desired`] and findings.
//!
//! Every mistake in every file is reported in one run, with its position. This module neither reads files
//! (it is given their texts) nor contacts a server.

// A declared key that nothing reads must not compile.
#![deny(dead_code, unused_variables)]

mod definition;
mod expand;
mod indirect_pools;
mod language;
mod levels;
mod lint;
mod lower;
mod ocl;
mod policy;
mod pools;
mod reader;
mod rules;
mod schema;
mod settle;
mod syntax;
mod table;
mod values;
mod version_control;
mod workers;

pub use schema::json_schema;

use crate::{
    desired::Desired,
    finding::{Code, Finding, FindingLocation, SourceId, Sources},
    text::secret::redact_message,
};

use reader::FileReader;
use toml::de::DeTable;

/// Returns the desired state that the files declare together, and every finding about them.
///
/// The desired state is incomplete if a finding is an error.
pub fn load_desired(sources: &Sources) -> (Desired, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut files = Vec::new();
    for (at, source) in sources.0.iter().enumerate() {
        let id = SourceId(at);
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        let first_line = 0..source.text.find('\n').unwrap_or(source.text.len());
        let mut reader = FileReader::new(sources, id, errors.is_empty());
        files.extend(reader.read_table(table.get_ref(), first_line));
        findings.extend(syntax::report_errors(id, &source.text, &errors, reader.findings));
    }
    let (desired, more) = lower::lower_files(files, sources);
    findings.extend(more);
    findings.sort_by_key(source_position);
    findings.iter_mut().for_each(|finding| finding.map_texts(redact_message));
    (desired, remove_repeats(findings))
}

/// Removes duplicate findings: the workers of one range share their mistakes.
fn remove_repeats(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let position = source_position(&finding);
        let mut same_place =
            kept.iter().rev().take_while(|earlier| source_position(earlier) == position);
        if !same_place.any(|earlier| *earlier == finding) {
            kept.push(finding);
        }
    }
    kept
}

/// Returns a commented file to start from, which is valid as it is.
pub fn starter_file() -> &'static str {
    include_str!("config/starter.toml")
}

/// The sort key of findings: the file, then the position in it.
fn source_position(finding: &Finding) -> (usize, usize) {
    match &finding.location {
        FindingLocation::Source(span) => (span.source.0, span.bytes.start),
        FindingLocation::Line(_) | FindingLocation::Nowhere => (0, 0),
    }
}

/// Returns an error for everything in files that only a trusted author may decide: the server and the space.
pub fn untrusted_findings(desired: &Desired) -> Vec<Finding> {
    let declared = [("url", &desired.url), ("space", &desired.space)].into_iter();
    let declared = declared.filter_map(|(key, value)| Some((key, value.as_ref()?)));
    let findings = declared.map(|(key, value)| {
        let message = format!("`{key}` under `[octopus]` is refused in an untrusted file");
        Finding::error(Code::UntrustedServer, value.span.clone(), message)
            .with_help("set OCTOPUS_URL and OCTOPUS_SPACE, or pass `--url` and `--space`")
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Level, Source};
    use proptest::prelude::*;
    use std::fmt::Write as _;

    fn load_text(text: &str) -> (Desired, Vec<Finding>) {
        load_desired(&Sources(vec![Source::new("workers.toml", text)]))
    }

    /// Renders each finding as a line: its location, message and help.
    fn findings(file: &str) -> String {
        let text = format!("version = 1\n{file}");
        let sources = Sources(vec![Source::new("workers.toml", text.as_str())]);
        let mut rendered = String::new();
        for finding in load_desired(&sources).1 {
            let place = match &finding.location {
                FindingLocation::Source(span) => {
                    let line = sources.start_line(span).map_or(0, |line| line.line - 1);
                    format!("{line} `{}`", &text[span.bytes.clone()])
                }
                FindingLocation::Line(line) => format!("line {}", line.line - 1),
                FindingLocation::Nowhere => "nowhere".to_owned(),
            };
            let help = finding.help.as_deref().unwrap_or("-");
            _ = writeln!(rendered, "{} {place}: {} ({help})", finding.code, finding.message);
        }
        rendered
    }

    const WORKER: &str = r#"polling = { subscription = "poll://x/", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }"#;

    #[test]
    fn the_starter_file_is_valid_and_declares_a_pool() {
        let (desired, findings) = load_text(starter_file());
        assert_eq!(findings, []);
        assert_eq!(desired.pools.keys().collect::<Vec<_>>(), ["kubernetes"]);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        insta::assert_snapshot!(findings(
            r#"
            [pools.sql]
            nam = "SQL"
            protect = "yes"
            members = "exakt"
            [pools.linux]
            name = "sql"
            [workers.db]
            pools = ["sql", "linx"]
            [manage]
            max_deletes = "ten"
            [octopus]
            api_key = "API-HIDDEN"
            "#
        ), @r#"
        secret-in-file line 13: `api_key` is a secret and must not be in a file (remove it, and pass a new API key in OCTOPUS_API_KEY or `--api-key-file FILE`)
        unknown-key 3 `nam`: unknown key `nam` (a key with a similar name exists: `name`)
        wrong-type 4 `"yes"`: expected true or false, found a string (write `true` and `false` without quotes)
        unknown-word 5 `"exakt"`: `exakt` is not one of `open`, `exact` (a similar word exists: `exact`)
        duplicate-pool 7 `"sql"`: two pools are named `sql` (give each pool a name of its own, or remove one of the two)
        missing-key 8 `db`: one of `listening`, `polling`, `ssh`, `kubernetes` is missing (set exactly one of `listening`, `polling`, `ssh`, `kubernetes`)
        wrong-type 11 `"ten"`: this is not a percentage (give a count such as 5, or a percentage from "0%" to "100%")
        "#);
    }

    #[test]
    fn a_value_that_is_cut_short_is_reported_once() {
        insta::assert_snapshot!(findings("[[placements]\npool = \"x\"\n[pools.a]"), @"syntax 1 ``: the header does not end with `]]` (write a header such as `[[placements]]`)");
        insta::assert_snapshot!(findings("[pools.a]\nname = { x = 1\n[pools.b]\nnam = 1"), @r#"syntax 3 ``: a table is not closed, or something is missing here (write a table such as `{ url = "…", thumbprint = "…" }`)"#);
        insta::assert_snapshot!(findings("[pools.a]\nnam = \"x\"\n[pools.b"), @"
        unknown-key 2 `nam`: unknown key `nam` (a key with a similar name exists: `name`)
        syntax 3 ``: the header has no closing `]` (write a header such as `[pools.kubernetes]`; a name with spaces or other characters stands in quotes)
        ");
    }

    #[test]
    fn probable_mistakes_are_warnings() {
        insta::assert_snapshot!(findings(
            r#"
            [pools.a]
            sort_order = 1
            [pools.b]
            sort_order = 1
            [workers."db [01]"]
            pools = ["a"]
            ssh = { host = "db-1", account = "db", fingerprint = "SHA256:x" }
            [workers.plain]
            pools = ["a"]
            polling = {}
            policy = "{n}"
            "#
        ), @r#"
        same-position 5 `1`: `a` already has position 1 (give each pool a `sort_order` of its own; until then, the order in the file decides)
        odd-range 6 `"db [01]"`: `[01]` is a list of one, so the worker's name is `db 01` (a range is `[01..06]`, a list is `[a,b,c]`)
        odd-fingerprint 8 `"SHA256:x"`: this is not a valid SSH host key fingerprint (`ssh-keyscan HOST | ssh-keygen -lf -` prints it: `SHA256:` and 43 base64 characters)
        stray-n 12 `"{n}"`: `{n}` has no meaning here: the worker's name has no range (`[01..06]` in the worker's name declares six workers)
        "#);
    }

    #[test]
    fn a_rule_has_exactly_one_verdict() {
        insta::assert_snapshot!(findings(
            r#"
            [[placements]]
            step = "a"
            [[placements]]
            pool = "x"
            leave = true
            [[placements]]
            default_pool = false
            [[placements]]
            leave = true
            execution = "once"
            [[placements]]
            project = []
            process = "deployment"
            runbook = "Restart"
            pool = "x"
            "#
        ), @r#"
        missing-key 2 `[[placements]]`: one of `pool`, `pool_variable`, `default_pool`, `leave` is missing (set exactly one of `pool`, `pool_variable`, `default_pool`, `leave`)
        conflicting-keys 6 `leave`: `pool` and `leave` exclude each other (set exactly one of `pool`, `pool_variable`, `default_pool`, `leave`)
        says-nothing 8 `false`: `default_pool = false` has no effect (remove it)
        conflicting-keys 11 `"once"`: `leave` and `execution` exclude each other (remove `execution`: a rule with `leave` changes nothing)
        empty-list 13 `[]`: `project` is an empty list (remove the key to match everything)
        conflicting-keys 15 `"Restart"`: `runbook` matches nothing in deployment processes (remove `runbook`, or set `process = "runbook"`)
        "#);
    }

    #[test]
    fn keys_of_a_later_version_are_refused_not_ignored() {
        insta::assert_snapshot!(findings(
            r#"
            include = ["pools.toml"]
            [vars]
            a = "b"
            [pools.sql]
            description = "${env:TEXT} $${literal}"
            "#
        ), @r#"
        unsupported 2 `include`: `include` is not supported by this version of poolwright (this is version 0.1.0)
        unsupported 3 `vars`: `vars` is not supported by this version of poolwright (this is version 0.1.0)
        unsupported 6 `"${env:TEXT} $${literal}"`: `${…}` is not supported by this version of poolwright (write the value itself; `$${` is a literal `${`)
        "#);
    }

    #[test]
    fn rules_that_would_never_settle_are_refused() {
        insta::assert_snapshot!(findings(
            r#"
            [[placements]]
            label = "out"
            currently = ["default"]
            pool = "a"
            [[placements]]
            currently = ["a"]
            default_pool = true
            "#
        ), @r#"
        unsettled-rules 4 `["default"]`: the rules would never settle: this rule moves what another rule has placed (make sure that no rule's `currently` matches another rule's result, or move the rule that should win to the top and remove its `currently`)
        unsettled-rules 7 `["a"]`: the rules would never settle: this rule moves what `out` has placed (make sure that no rule's `currently` matches another rule's result, or move the rule that should win to the top and remove its `currently`)
        "#);
        let kept = "[[placements]]\npool = \"a\"\n[[placements]]\ncurrently = \"a\"\npool = \"b\"";
        assert_eq!(findings(kept), "");
    }

    #[test]
    fn a_range_fills_its_number_into_each_worker() {
        let file = format!("[workers.\"db-[08..09]\"]\npools = [\"sql-{{n}}\"]\n{WORKER}");
        let (desired, _) = load_text(&format!("version = 1\n{file}"));
        let pools: Vec<_> = desired
            .workers
            .values()
            .map(|worker| format!("{} {:?}", worker.name, worker.pools[0].value))
            .collect();
        assert_eq!(pools, [r#"db-08 Live("sql-08")"#, r#"db-09 Live("sql-09")"#]);
    }

    #[test]
    fn files_are_combined_and_must_not_contradict_each_other() {
        let file = |path: &str, text: &str| Source::new(path, format!("version = 1\n{text}"));
        let one = file("a.toml", "[octopus]\nspace = \"A\"\n[pools.sql]");
        let two = file("b.toml", "[octopus]\nspace = \"B\"\n[pools.sql]\n[pools.SQL]");
        let (_, findings) = load_desired(&Sources(vec![one, two]));
        let codes: Vec<_> = findings.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(codes, ["conflicting-files", "duplicate-pool", "duplicate-pool"]);
    }

    proptest! {
        #[test]
        fn any_text_loads_without_a_panic(text in any::<String>()) {
            load_text(&text);
        }

        #[test]
        fn a_damaged_file_loads_without_a_panic(start in 0..900_usize, len in 0..60_usize, put in "[\\[\\]{}=\"'a1.,\n]{0,4}") {
            let mut text: Vec<char> = starter_file().replace("# [", "[").replace("# pool", "pool").chars().collect();
            let start = start.min(text.len());
            let end = (start + len).min(text.len());
            text.splice(start..end, put.chars());
            let text: String = text.into_iter().collect();
            let (_, findings) = load_text(&text);
            prop_assert!(findings.iter().all(|finding| finding.level == Level::Error || finding.level == Level::Warn));
        }
    }
}
