//! What holds for every text of Octopus' configuration language, whoever wrote it: one line a step, every
//! other byte as it was, and there and back again. Texts are generated of all that the language has.

use poolwright_core::{
    finding::{FindingLocation, SourceId},
    model::Place,
    ocl::{OclAction, OclProcess, apply_edits, place_edits, read, run_on_worker_edits, value_edit},
};

use proptest::{prelude::*, sample::select};
use std::collections::BTreeMap;

const PROCESS: &str = include_str!("../ocl/deployment_process.ocl");
/// As the first servers with Git wrote it.
const EARLY: &str = include_str!("../ocl/early.ocl");
/// A process template of the Platform Hub.
const TEMPLATE: &str = include_str!("../ocl/process_template.ocl");
const RUNBOOK: &str = include_str!("../ocl/runbook.ocl");
/// What else is in `.octopus`: settings, variables, channels, a policy.
const SETTINGS: &str = include_str!("../ocl/settings.ocl");

/// One of some pieces of text; `¦` is between them.
fn of(pieces: &'static str) -> impl Strategy<Value = &'static str> {
    select(pieces.split('¦').collect::<Vec<_>>())
}

/// What stands behind a value or a brace on its line, and may go on on the next.
fn trail() -> impl Strategy<Value = &'static str> {
    of("¦¦¦ ¦\t¦ # a { \"¦ // b } <<-EOT¦ /* c */¦ /* d\nworker_pool = \"no\" { */")
}

/// What stands between two words of a line.
fn gap() -> impl Strategy<Value = &'static str> {
    of(" ¦ ¦ ¦  ¦\t¦¦ /* = */ ")
}

/// Lines that say nothing.
fn nothing() -> impl Strategy<Value = &'static str> {
    of("¦¦¦\n¦   \t\n¦# worker_pool = \"no\"\n¦  // }\n¦/*\n } \"\n*/\n¦\u{a0}\n")
}

fn string() -> impl Strategy<Value = String> {
    let part = of(r#"a¦é¦#{x}¦${y}¦\"¦\\¦\n¦\t¦{¦}¦//¦/*¦<<EOT¦ ¦💧"#);
    prop::collection::vec(part, 0..5).prop_map(|texts| format!("\"{}\"", texts.concat()))
}

/// A heredoc; nothing but blanks may stand behind it.
fn heredoc() -> impl Strategy<Value = String> {
    let line = of(
        "¦  ¦  worker_pool = \"no\"¦}¦step \"x\" {¦EOT x¦x EOT¦\t\"'`¦cat <<EOF¦EOF¦@\"¦\"@¦*/¦é",
    );
    let tag = of("EOT¦EOT¦EOT1¦!!¦É¦\"EOT\"¦-");
    let lines = prop::collection::vec(line, 0..4);
    (tag, any::<bool>(), lines, of("¦  ¦\t"), of("¦¦ ¦ \t")).prop_map(
        |(tag, dash, lines, before, behind)| {
            let dash = if dash || tag == "-" { "-" } else { "" };
            let lines: String = lines.iter().map(|text| format!("{text}\n")).collect();
            format!("<<{dash}{tag}{behind}\n{lines}{before}{tag}{behind}")
        },
    )
}

/// A value and what stands behind it.
fn value() -> BoxedStrategy<String> {
    let word = of("1¦-1¦1.5¦-0.25¦true¦false¦null¦[]¦{}¦base64(\"YQ==\")");
    let flat = prop_oneof![4 => string(), 2 => word.prop_map(str::to_owned)];
    let value = flat.prop_recursive(2, 8, 3, |inner| {
        let comma = of(", ¦,¦,\n\t¦ ,\n# c\n");
        let list = (prop::collection::vec(inner.clone(), 0..3), comma, any::<bool>());
        let list = list.prop_map(|(all, comma, trailing)| {
            let trailing = if trailing && !all.is_empty() { "," } else { "" };
            format!("[{}{trailing}]", all.join(comma))
        });
        let key = of(
            "Octopus.Action.RunOnServer¦Octopus.Action.Package[a b].Extract¦\"a key\"¦worker_pool¦x:y/z¦[#{n}].p¦é",
        );
        let said = prop_oneof![3 => behind(inner), 1 => heredoc()];
        let entry = (nothing(), key, of(" ¦  ¦\t¦"), said);
        let entry = entry.prop_map(|(before, key, gap, said)| format!("{before}{key}{gap}= {said}\n"));
        let dictionary = prop::collection::vec(entry, 0..4);
        prop_oneof![list, dictionary.prop_map(|item| format!("{{\n{}}}", item.concat()))]
    });
    prop_oneof![4 => behind(value), 1 => heredoc()].boxed()
}

fn behind(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (value, trail()).prop_map(|(value, trail)| format!("{value}{trail}"))
}

fn attribute() -> impl Strategy<Value = String> {
    let name = of("name2¦action_type¦is_required¦notes¦properties¦\"quoted\"¦tenant_tags¦é¦a-b");
    (nothing(), name, gap(), gap(), value())
        .prop_map(|(before, name, a, b, value)| format!("{before}{name}{a}={b}{value}\n"))
}

fn attributes(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(attribute(), 0..most).prop_map(|it| it.concat())
}

fn block() -> impl Strategy<Value = String> {
    let name = of("packages¦container¦inputs¦git_dependencies¦action2");
    let label = of("¦ \"a\"¦ \"a\" \"b c\"¦ \"\"¦\"#{x}\"");
    let inside = prop_oneof![
        of("{}¦{ }¦{ worker_pool = \"no\" }").prop_map(str::to_owned),
        (trail(), attributes(3), nothing())
            .prop_map(|(trail, all, end)| format!("{{{trail}\n{all}{end}}}")),
    ];
    (nothing(), name, label, inside, trail()).prop_map(|(before, name, label, inside, trail)| {
        format!("{before}    {name}{label} {inside}{trail}\n")
    })
}

/// What chooses an action's pool, as many ways as there are to say it.
fn chooses() -> impl Strategy<Value = String> {
    let pool = of(
        "¦¦worker_pool = \"a\"¦worker_pool   =   \"a b\"¦worker_pool = \"é \\\"q\\\"\"¦worker_pool = \"\"¦worker_pool = null",
    );
    let variable = of(
        "worker_pool_variable = \"V\"¦worker_pool_variable = \"#{V}\"¦worker_pool_variable = \"\"",
    );
    let both = of(
        "worker_pool   = \"\"\nworker_pool_variable   = \"\"¦worker_pool = \"a\"\nworker_pool_variable = \"\"¦worker_pool = null\nworker_pool_variable = \"V.W\"",
    );
    (prop_oneof![pool, variable, both], trail()).prop_map(|(lines, trail)| match lines {
        "" => String::new(),
        lines => lines.lines().map(|line| format!("\t{line}{trail}\n")).collect(),
    })
}

fn action() -> impl Strategy<Value = String> {
    let label = of("¦ \"a\"¦ \"\"¦\"a\\\"b\"");
    let parts = || {
        let part = prop_oneof![3 => attribute(), 1 => block()];
        prop::collection::vec(part, 0..3).prop_map(|it| it.concat())
    };
    let inside = (trail(), parts(), chooses(), parts(), nothing());
    let inside = inside.prop_map(|(open, first, chooses, then, end)| {
        format!("{{{open}\n{first}{chooses}{then}{end}  }}")
    });
    (nothing(), label, inside, trail()).prop_map(|(before, label, inside, close)| {
        format!("{before}  action{label} {inside}{close}\n")
    })
}

/// A whole text, and the ends of its lines: `\n`, `\r\n`, or now this and now that.
fn text() -> impl Strategy<Value = String> {
    let actions = prop::collection::vec(action(), 1..3).prop_map(|it| it.concat());
    let step = (nothing(), attributes(2), actions, trail());
    let step = step.prop_map(|(before, attributes, actions, close)| {
        format!("{before}step \"s\" {{\n{attributes}{actions}}}{close}\n")
    });
    let steps = prop::collection::vec(step, 1..3).prop_map(|it| it.concat());
    let process = (any::<bool>(), steps).prop_map(|(runbook, steps)| {
        if runbook { format!("name = \"r\"\nprocess {{\n{steps}}}\n") } else { steps }
    });
    (any::<bool>(), process, 0..3_usize, any::<bool>()).prop_map(|(bom, process, ends, last)| {
        let process = if last { process.as_str() } else { process.trim_end_matches('\n') };
        let bom = if bom { "\u{feff}" } else { "" };
        let lines = process.split('\n').enumerate();
        let end = |at: usize| {
            if ends == 0 || (ends == 2 && at.is_multiple_of(3)) { "\n" } else { "\r\n" }
        };
        let joined: String = lines
            .map(|(at, line)| if at == 0 { line.to_owned() } else { format!("{}{line}", end(at)) })
            .collect();
        format!("{bom}{joined}")
    })
}

/// How many lines went and came, between the lines that are the same at both ends.
fn changed(before: &str, after: &str) -> (usize, usize) {
    let [a, b]: [Vec<_>; 2] = [before, after].map(|it| it.split_inclusive('\n').collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a[same..].iter().rev().zip(b[same..].iter().rev());
    let same_again = rest.take_while(|(a, b)| a == b).count();
    (a.len() - same - same_again, b.len() - same - same_again)
}

/// Whether a step goes from one attribute to the other and both are written: that is two lines.
fn switches(text: &str, action: &OclAction, wanted: &Place<String>) -> bool {
    let both = matches!(
        (&action.place, wanted),
        (Place::Pool(_), Place::Variable(_)) | (Place::Variable(_), Place::Pool(_))
    );
    let inside = &text[action.span.bytes.clone()];
    let says = |name: &str| {
        inside.lines().any(|line| line.trim_start().starts_with(name) && !line.contains("no"))
    };
    both && says("worker_pool ") && says("worker_pool_variable ")
}

fn wanted() -> [Place<String>; 4] {
    let pool = |it: &str| Place::Pool(it.to_owned());
    [
        pool("database"),
        pool("a \"b\" \\ é"),
        Place::Variable("Pool.Chosen".to_owned()),
        Place::DefaultPool,
    ]
}

/// Holds the laws for every action of a text that can be read.
fn laws(text: &str) -> Result<(), TestCaseError> {
    let before = match read(SourceId(0), text) {
        Ok(document) => document,
        Err(told) => {
            let FindingLocation::Source(span) = &told.location else {
                return Err(TestCaseError::fail("told nowhere"));
            };
            prop_assert!(text.get(span.bytes.clone()).is_some(), "{told:?}");
            return Ok(());
        }
    };
    for (at, action) in before.actions.iter().enumerate() {
        prop_assert_eq!(place_edits(text, action, &action.place).unwrap(), []);
        for wanted in wanted().iter().filter(|place| **place != action.place) {
            let edits = match place_edits(text, action, wanted) {
                Ok(edits) => edits,
                Err(told) => {
                    prop_assert_eq!(told.code, poolwright_core::finding::Code::OclOneLine);
                    continue;
                }
            };
            let edited = apply_edits(text, &edits);
            let (gone, come) = changed(text, &edited);
            let most = if switches(text, action, wanted) { 3 } else { 1 };
            prop_assert!(gone.max(come) <= most, "{gone} {come} {wanted:?}\n{edited}");
            let after = read(SourceId(0), &edited);
            prop_assert!(after.is_ok(), "{:?}\n{}", after, edited);
            let after = after.unwrap();
            prop_assert_eq!(&after.actions[at].place, wanted, "{}", edited);
            let others = |process: &OclProcess| -> Vec<_> {
                let all = process.actions.iter().enumerate().filter(|(other, _)| *other != at);
                all.map(|(_, it)| (it.step.clone(), it.action.clone(), it.place.clone())).collect()
            };
            prop_assert_eq!(others(&before), others(&after));
            prop_assert_eq!(place_edits(&edited, &after.actions[at], wanted).unwrap(), []);
            let back = apply_edits(
                &edited,
                &place_edits(&edited, &after.actions[at], &action.place).unwrap(),
            );
            let written = action.place != Place::DefaultPool || !inside_says_place(text, action);
            if most == 1 && *wanted != Place::DefaultPool && written {
                prop_assert_eq!(back, text);
            }
        }
    }
    Ok(())
}

/// Holds that all steps can be placed at once, as a rule for all of them does.
fn at_once(text: &str) -> Result<(), TestCaseError> {
    let before = read(SourceId(0), text).unwrap();
    for wanted in wanted() {
        let placed = before.actions.iter().map(|it| place_edits(text, it, &wanted).unwrap());
        let mut edits = placed.flatten().collect::<Vec<_>>();
        edits.sort_by_key(|it| it.range.start);
        let edited = apply_edits(text, &edits);
        let after = read(SourceId(0), &edited).unwrap();
        let places: Vec<_> = after.actions.iter().map(|it| &it.place).collect();
        prop_assert_eq!(places, vec![&wanted; before.actions.len()], "{}", edited);
    }
    Ok(())
}

/// How often each line is in a text.
fn line_counts(text: &str) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    text.split_inclusive('\n').for_each(|line| *counts.entry(line).or_default() += 1);
    counts
}

/// How many lines of `a` are not in `b`.
fn lines_without(a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>) -> usize {
    let rest = |(line, count): (&&str, &usize)| {
        count.saturating_sub(b.get(line).copied().unwrap_or_default())
    };
    a.iter().map(rest).sum()
}

/// Holds that a step that leaves its pool for the default pool says that it runs on a worker, and nothing else.
fn leaves_pool(text: &str) -> Result<(), TestCaseError> {
    let Ok(before) = read(SourceId(0), text) else { return Ok(()) };
    for (at, action) in before.actions.iter().enumerate() {
        let edits = place_edits(text, action, &Place::DefaultPool);
        let (Ok(mut edits), Ok(more)) = (edits, run_on_worker_edits(text, action)) else {
            continue;
        };
        if action.place == Place::DefaultPool {
            continue;
        }
        edits.extend(more);
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        prop_assert!(edits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        let edited = apply_edits(text, &edits);
        let after = read(SourceId(0), &edited);
        prop_assert!(after.is_ok(), "{:?}\n{}", after, edited);
        let after = after.unwrap();
        prop_assert_eq!(&after.actions[at].place, &Place::DefaultPool, "{}", edited);
        prop_assert_eq!(after.actions[at].run_on_server, Some(true), "{}", edited);
        let others = |process: &OclProcess| -> Vec<_> {
            let all = process.actions.iter().enumerate().filter(|(other, _)| *other != at);
            all.map(|(_, it)| (it.step.clone(), it.place.clone(), it.run_on_server)).collect()
        };
        prop_assert_eq!(others(&before), others(&after));
        let (gone, come) = (line_counts(text), line_counts(&edited));
        let (gone, come) = (lines_without(&gone, &come), lines_without(&come, &gone));
        prop_assert!(gone <= 3 && come <= 4, "{} {}\n{}", gone, come, edited);
    }
    Ok(())
}

/// Holds that a value of a variable is changed alone, and back.
fn value_laws(text: &str, wanted: &str) -> Result<(), TestCaseError> {
    let before = read(SourceId(0), text).unwrap();
    let values = |process: &OclProcess| -> Vec<String> {
        let values = process.variables.iter().flat_map(|it| &it.values);
        values.map(|value| value.text.clone()).collect()
    };
    let old = values(&before);
    for (at, value) in before.variables.iter().flat_map(|it| &it.values).enumerate() {
        let edited = apply_edits(text, &[value_edit(value, wanted)]);
        let after = read(SourceId(0), &edited).unwrap();
        let mut expected = old.clone();
        wanted.clone_into(&mut expected[at]);
        prop_assert_eq!(values(&after), expected);
        let (gone, come) = changed(text, &edited);
        prop_assert!(gone <= 1 && come <= 1);
    }
    Ok(())
}

fn inside_says_place(text: &str, action: &OclAction) -> bool {
    text[action.span.bytes.clone()].contains("worker_pool")
}

#[test]
fn every_file_that_octopus_writes_obeys_the_laws() {
    for text in [PROCESS, EARLY, TEMPLATE, RUNBOOK, SETTINGS] {
        for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            laws(&text).unwrap();
            laws(text.trim_end()).unwrap();
            leaves_pool(&text).unwrap();
            value_laws(&text, "new \"pool\" \\ é").unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_step_is_placed_by_one_line_whatever_surrounds_it(text in text()) {
        prop_assert!(read(SourceId(0), &text).is_ok(), "{:?}", read(SourceId(0), &text));
        laws(&text)?;
        at_once(&text)?;
        leaves_pool(&text)?;
    }

    #[test]
    fn a_value_is_changed_alone_whatever_surrounds_it(
        values in prop::collection::vec((string(), trail(), attributes(2)), 0..4), wanted in "[a-z\"]{0,3}",
    ) {
        let value = |(label, trail, inside): &(String, &str, String)| {
            format!("    value {label} {{{trail}\n{inside}    }}{trail}\n")
        };
        let values: String = values.iter().map(value).collect();
        let text = format!("variable \"V\" {{\n    type = \"WorkerPool\"\n{values}}}\n");
        value_laws(&text, &wanted)?;
        value_laws(&text.replace('\n', "\r\n"), &wanted)?;
    }

    #[test]
    fn damaged_text_is_refused_with_its_location_or_obeys_the_laws(text in damaged()) {
        // What is damaged may say anything; then it is enough that nothing but the one line changes.
        let Ok(document) = read(SourceId(0), &text) else { return laws(&text) };
        leaves_pool(&text)?;
        for action in &document.actions {
            for wanted in wanted() {
                let Ok(edits) = place_edits(&text, action, &wanted) else { continue };
                let edited = apply_edits(&text, &edits);
                let (gone, come) = changed(&text, &edited);
                prop_assert!(gone.max(come) <= 1 || edits.len() == 2, "{gone} {come}\n{edited}");
                let again = read(SourceId(0), &edited);
                prop_assert!(again.is_ok_and(|again| again.actions.iter().any(|other| other.place == wanted)), "{}", edited);
            }
        }
    }
}

/// A text that is cut, or in which some of a line is replaced.
fn damaged() -> impl Strategy<Value = String> {
    let whole = prop_oneof![
        2 => text(),
        1 => select(vec![PROCESS, EARLY, TEMPLATE, RUNBOOK, SETTINGS]).prop_map(str::to_owned),
    ];
    let instead = select(vec![
        "", "", "\"", "{", "}", "\n", "\\", "=", "#", "/*", "*/", "<<", "[", "é", "\0", "\u{feff}",
    ]);
    (whole, any::<prop::sample::Index>(), 0..4_usize, instead, any::<bool>()).prop_map(
        |(text, at, length, instead, cut)| {
            let ends: Vec<usize> = text.char_indices().map(|it| it.0).chain([text.len()]).collect();
            let at = at.index(ends.len());
            let end = ends[(at + length).min(ends.len() - 1)];
            let rest = if cut { "" } else { &text[end..] };
            format!("{}{instead}{rest}", &text[..ends[at]])
        },
    )
}
