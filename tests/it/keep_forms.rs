//! `pull --keep` of files whose tables are written in other ways than `pull` writes them: in braces, by dotted keys,
//! as items of a list, and as tables inside tables.

use crate::{
    keep::{changed, judge, kept_or_unread},
    spaces_choosers::any_live_with_choosers,
    workbench::Workbench,
};
use octopus_sandbox::Seed;
use poolwright_core::{
    finding::Level,
    pull::{RuleCoverage, render_config},
};

use proptest::{collection::vec, prelude::*};

/// A table of a text: its kind, its key where it has one, and its values.
struct Block {
    kind: String,
    key: String,
    lines: Vec<(String, String)>,
}

/// The tables of what is pulled; those of pools and workers have their keys.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block { kind: String::new(), key: String::new(), lines: Vec::new() }];
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_start_matches('[');
            let header = header.strip_suffix("]]").or(header.strip_suffix(']')).unwrap();
            let header = if line.starts_with("[[") { header.trim_end_matches(']') } else { header };
            let (kind, key) = header.split_once('.').unwrap_or((header, ""));
            blocks.push(Block { kind: kind.to_owned(), key: key.to_owned(), lines: Vec::new() });
            continue;
        }
        let (key, value) = line.split_once('=').unwrap();
        let mut value = value.trim().to_owned();
        while value.starts_with('[') && !value.ends_with(']') {
            value = format!("{value}{}", lines.next().unwrap().trim());
        }
        blocks.last_mut().unwrap().lines.push((key.trim().to_owned(), value));
    }
    blocks
}

/// The values of an inline table.
fn inner(braces: &str) -> Option<Vec<(String, String)>> {
    let table: toml::Table = format!("x = {braces}").parse().ok()?;
    let inner = table["x"].as_table()?.iter();
    Some(inner.map(|(key, value)| (key.clone(), value.to_string())).collect())
}

/// A text on its way to another form, with a comment of its own on each line.
struct Writer<'d> {
    /// What stands before any header.
    top: String,
    text: String,
    marks: usize,
    rolls: usize,
    dice: &'d [usize],
}

fn braces(block: &Block) -> String {
    let said: Vec<_> = block.lines.iter().map(|(key, text)| format!("{key} = {text}")).collect();
    format!("{{ {} }}", said.join(", "))
}

impl Writer<'_> {
    fn roll(&mut self, sides: usize) -> usize {
        self.rolls += 1;
        self.dice[self.rolls % self.dice.len()] % sides
    }

    fn line(&mut self, said: &str) -> String {
        self.marks += 1;
        format!("{said} # mark {}.\n", self.marks)
    }

    fn above(&mut self, said: &str) {
        let line = self.line(said);
        self.top.push_str(&line);
    }

    fn below(&mut self, said: &str) {
        let line = self.line(said);
        self.text.push_str(&line);
    }

    /// Lists of tables: one in brackets, on one line or several, or headers.
    fn list(&mut self, kind: &str, of: &[&Block]) {
        match self.roll(5) {
            4 => {
                self.above(&format!("{kind} = ["));
                for block in of {
                    self.above("    {");
                    let lines =
                        block.lines.iter().map(|(key, value)| format!("    {key} = {value},"));
                    lines.for_each(|it| self.above(&it));
                    self.above("    },");
                }
                self.above("]");
            }
            0 => {
                self.above(&format!("{kind} = ["));
                for block in of {
                    self.above("    ");
                    self.above(&format!("    {},", braces(block)));
                }
                self.above("]");
            }
            1 => {
                let all: Vec<_> = of.iter().map(|it| braces(it)).collect();
                self.above(&format!("{kind} = [{}]", all.join(", ")));
            }
            _ => of.iter().for_each(|block| self.header(&format!("[[{kind}]]"), block, None)),
        }
    }

    /// A table in braces over several lines.
    fn spread(&mut self, block: &Block) {
        self.below(&format!("{} = {{", block.key));
        let last = block.lines.len().saturating_sub(1);
        for (at, (key, value)) in block.lines.iter().enumerate() {
            let comma = if at == last { "" } else { "," };
            self.below(&format!("    {key} = {value}{comma}"));
        }
        self.below("}");
    }

    /// Pools and workers: in braces of one or of all, by dotted keys below a header or none, or headers.
    fn map(&mut self, kind: &str, of: &[&Block]) {
        let said = of.iter().map(|block| format!("{} = {}", block.key, braces(block)));
        let said: Vec<_> = said.collect();
        let can_be_dotted = of.iter().all(|it| !it.lines.is_empty());
        let dotted = of.iter().flat_map(|block| {
            block.lines.iter().map(|(key, value)| format!("{} . {key} = {value}", block.key))
        });
        match self.roll(7) {
            4 => {
                self.below(&format!("[{kind}]"));
                of.iter().for_each(|it| self.spread(it));
            }
            5 => {
                self.above(&format!("{kind} = {{"));
                for text in said {
                    self.above(&format!("    {text},"));
                }
                self.above("}");
            }
            0 => self.above(&format!("{kind} = {{ {} }}", said.join(", "))),
            1 => {
                self.below(&format!("[{kind}]"));
                said.iter().for_each(|it| self.below(it));
            }
            2 if can_be_dotted => {
                self.below(&format!("[{kind}]"));
                dotted.for_each(|text| self.below(&format!("  {text}")));
            }
            3 if can_be_dotted => dotted.for_each(|text| self.above(&format!("{kind}.{text}"))),
            _ => of.iter().for_each(|block| {
                let path = format!("{kind}.{}", block.key);
                self.header(&format!("[{path}]"), block, Some(&path));
            }),
        }
    }

    /// A table with a header; what is inside it in braces, as a table of its own, or by dotted keys.
    fn header(&mut self, header: &str, block: &Block, path: Option<&str>) {
        self.below("\n");
        self.below(header);
        let mut tables = Vec::new();
        for (key, value) in &block.lines {
            let inside = inner(value).zip(path);
            match (self.roll(3), inside) {
                (0, Some((inside, path))) => {
                    tables.push(format!("[{path}.{key}]"));
                    let lines = inside.iter().map(|(key, value)| format!("  {key} = {value}"));
                    tables.extend(lines);
                }
                (1, Some((inside, _))) => inside
                    .iter()
                    .for_each(|(inner, value)| self.below(&format!("{key}.{inner} = {value}"))),
                _ => self.below(&format!("{key} = {value}")),
            }
        }
        tables.iter().for_each(|it| self.below(it));
    }

    /// Tables that are there once: by dotted keys, in braces, or with a header.
    fn one(&mut self, kind: &str, block: &Block) {
        match self.roll(4) {
            _ if kind.is_empty() => {
                block.lines.iter().for_each(|(key, value)| self.above(&format!("{key} = {value}")));
            }
            0 => block
                .lines
                .iter()
                .for_each(|(key, value)| self.above(&format!("{kind}.{key} = {value}"))),
            1 => self.above(&format!("{kind} = {}", braces(block))),
            _ => self.header(&format!("[{kind}]"), block, None),
        }
    }
}

/// The text with its tables written in other ways.
fn reformed(pulled: &str, dice: &[usize]) -> String {
    let blocks = blocks(pulled);
    let mut writer = Writer { top: String::new(), text: String::new(), marks: 0, rolls: 0, dice };
    let kinds = ["", "octopus", "server", "version_control", "pools", "workers"];
    for kind in kinds.into_iter().chain(["placements", "pool_variables", "target_pools"]) {
        let of: Vec<&Block> = blocks.iter().filter(|block| block.kind == kind).collect();
        match kind {
            _ if of.is_empty() => {}
            "pools" | "workers" => writer.map(kind, &of),
            "placements" | "pool_variables" | "target_pools" => writer.list(kind, &of),
            _ => writer.one(kind, of[0]),
        }
    }
    let unsaid = pulled.lines().filter(|it| it.starts_with('#'));
    let unsaid: String = unsaid.map(|unsaid| format!("{unsaid}\n")).collect();
    format!("{}\n{}{unsaid}", writer.top, writer.text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_file_in_any_form_plans_no_changes_and_keeps_its_comments(
        before in any_live_with_choosers(), now in any_live_with_choosers(),
        dice in vec(0..720_usize, 60), same in any::<bool>(),
    ) {
        let text = reformed(&render_config(&before, "https://octopus.acme.example", RuleCoverage::Seen), &dice);
        judge(&text, &before).map_err(|error| TestCaseError::fail(format!("{}\n{text}", error.message)))?;
        let now = if same { before } else { now };
        let Some(after) = kept_or_unread(&text, &now)? else { return Ok(()) };
        let judged = judge(&after, &now).map_err(|it| TestCaseError::fail(it.message))?;
        prop_assert!(judged.changes.is_empty(), "{}\n=====\n{}", text, after);
        let errors: Vec<_> = judged.findings.iter().filter(|finding| finding.level == Level::Error).collect();
        prop_assert!(errors.is_empty(), "{:#?}", errors);
        let marks = text.matches("# mark ").count();
        for other in 1..=marks {
            let mark = format!("# mark {other}.\n");
            prop_assert_eq!(after.matches(&mark).count(), 1, "{}\n{}\n=====\n{}", mark, text, after);
        }
        let again = kept_or_unread(&after, &now)?;
        prop_assert_eq!(again.as_ref(), Some(&after), "{}", text);
        if same {
            prop_assert_eq!(text, after);
        }
    }
}

/// A file as a person writes it who is fond of short forms, on the chapter's company once its workers are there.
const SHORT: &str = r#"version = 1
server = { built_in_worker = true } # for now

[pools]
# Everything else.
default = { name = "Default Worker Pool", default = true } # the first
gone = { name = "Gone" } # soon
azure.name = "Azure Worker Pool" # az
azure.description = "nothing" # not so
"kubernetes" . name = "Kubernetes Worker Pool"

[workers.azure-worker-01]
pools = ["azure"] # one
[workers.azure-worker-01.polling] # it calls
# The queue.
subscription = "poll://aaaaaaaaaaaaaaaaaaaa/" # not so
thumbprint = "96bffFF4E6E7CB8B9A7C0A2E4F3D9E5E1A3A1D4C" # not so
"#;

#[test]
fn short_forms_are_edited_in_place() {
    let workbench = Workbench::new(Seed::Chapter);
    for commit in ["1-pools", "2-workers"] {
        let file = format!("{}/examples/chapter/{commit}/workers.toml", env!("CARGO_MANIFEST_DIR"));
        workbench.run(&["apply", "--auto-approve", "-f", &file]).expect(0);
    }
    workbench.write("workers.toml", SHORT);
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    workbench.settled();
    let after = workbench.read("workers.toml");
    insta::assert_snapshot!(format!("{}\n{}", output.stderr, changed(SHORT, &after)));
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    assert_eq!(output.stderr, "workers.toml already matches the server; nothing was written\n");
}

#[test]
fn an_endpoint_in_any_form_is_edited_key_by_key() {
    let workbench = Workbench::new(Seed::Acme);
    let before = r#"version = 1

[workers.linux-01]
pools = ["Linux"]
ssh.host = "linux-01.acme.example" # where
ssh.account = "db-ssh"
ssh.port = 2222 # not so
ssh.fingerprint = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" # not so

[workers.linux-02]
pools = ["Linux"]
# No platform: it is left as it is.
ssh = { host = "linux-02.acme.example", account = "db-ssh", fingerprint = "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA", proxy = "Branch office" }
policy = "Default Machine Policy" # not so

[workers]
windows-01 = { pools = ["Windows"], listening = { thumbprint = "1a1a1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A", url = "https://other.acme.example" } } # moved
k8s-agent.pools = ["Linux", "Windows"]
k8s-agent.kubernetes.namespace = "build" # not so
windows-02.disabled = false # not so
windows-02.pools = ["Windows"]
windows-02.listening = { url = "https://windows-02", thumbprint = "2C2C2C2C2C2C2C2C2C2C2C2C2C2C2C2C2C2C2C2C" } # of another kind

[workers.windows-03]
pools = ["Windows"]
[workers.windows-03.listening] # as it was
url = "https://windows-03.acme.example:10934" # not so
thumbprint = "3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D" # so
proxy = "Branch office" # not so
"#;
    workbench.write("workers.toml", before);
    workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    workbench.settled();
    let after = workbench.read("workers.toml");
    insta::assert_snapshot!(changed(before, &after));
}

#[test]
fn a_pending_worker_rename_reverts_every_key_of_the_worker() {
    let workbench = Workbench::new(Seed::Acme);
    let worker = |name: &str, from: &str| {
        format!(
            "version = 1\n[workers]\n{name}.pools = [\"Windows\"]{from} # one\n[workers.{name}.listening] # two\nurl = \"https://windows-01.acme.example\"\nthumbprint = \"1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A\"\n"
        )
    };
    let before = worker("new", "\nnew.renamed_from = \"windows-01\"");
    workbench.write("workers.toml", &before);
    workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    workbench.settled();
    let after = workbench.read("workers.toml");
    let lines = worker("windows-01", "");
    assert!(lines.lines().all(|line| after.contains(line.trim_end_matches(" # one"))), "{after}");
    assert!(after.contains("# one") && !after.contains("renamed_from"), "{after}");
}

#[test]
fn only_one_of_two_entries_for_the_same_live_object_is_kept() {
    let workbench = Workbench::new(Seed::Acme);
    let worker = |host: &str| {
        format!(
            "pools = [\"Windows\"]\nlistening = {{ url = \"https://{host}.acme.example\", thumbprint = \"1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A\" }}\n"
        )
    };
    let (live, other) = (worker("windows-01"), worker("other"));
    for first in ["first", "windows-01"] {
        let before = format!(
            "version = 1\n[pools.a]\nrenamed_from = \"Linux\" # a\n[pools.b]\nrenamed_from = \"Linux\" # b\n[workers.{first}]\nrenamed_from = \"windows-01\" # c\n{live}[workers.other]\nrenamed_from = \"windows-01\" # d\n{other}"
        );
        workbench.write("workers.toml", &before);
        let told = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0).stderr;
        assert!(
            told.contains("removed pool `b`") && told.contains("removed worker `other`"),
            "{told}"
        );
        workbench.settled();
    }
}
