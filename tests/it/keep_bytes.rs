//! `pull --keep`, byte for byte: what is so stays as it is written, however that is.

use crate::{
    keep::{judge, kept},
    spaces_choosers::any_live_with_choosers,
};
use poolwright_core::{
    live::Live,
    model::Id,
    pull::{RuleCoverage, render_config},
};

use proptest::{collection::vec, prelude::*};

/// How a line may end beside its line end.
const TAILS: [&str; 5] = ["", " ", "\t # c", "  # é 'x\" [y] = {", " #"];

/// What may stand above a line.
const ABOVE: [&str; 6] =
    ["", "", "\n", "  # alone, ''' and \"\"\"\n", "\t\n", "#[pools.x]\n# y = 1\n"];

/// The text as somebody may have written it: with spaces, comments, line ends, a byte order mark, and no end.
fn mangled(text: &str, dice: &[usize]) -> String {
    let mut dice = dice.iter().copied().cycle();
    let mut roll = |sides: usize| dice.next().unwrap_or_default() % sides;
    let mut mangled = ["", "\u{feff}"][roll(2)].to_owned();
    let ends = [["\n", "\n"], ["\r\n", "\r\n"], ["\n", "\r\n"]][roll(3)];
    let mut in_list = false;
    let dotted = text
        .replace("\n[octopus]\nurl   =", "\noctopus.url =")
        .replace("\nspace = ", "\noctopus . space = ");
    let text = if roll(3) == 0 { &dotted } else { text };
    for line in text.lines() {
        let mut written = String::new();
        written.push_str(ABOVE[roll(6)]);
        written.push_str(["", "  ", "\t"][roll(3)]);
        let within = in_list;
        in_list = if in_list { !line.starts_with(']') } else { line.ends_with('[') };
        match line.split_once('=') {
            _ if within || line.starts_with('#') => written.push_str(line),
            _ if line.starts_with("[[") => {
                written.push_str(&line.replace("[[", "[[ ").replace("]]", "\t]]"));
            }
            Some((key, value)) if !line.starts_with('[') => {
                let (key, value) = (key.trim(), value.trim());
                let spaces = [" ", "", "  ", "\t"];
                let (before, behind) = (spaces[roll(4)], spaces[roll(4)]);
                let key = if roll(4) == 0 && !key.contains('.') {
                    format!("\"{key}\"")
                } else {
                    key.to_owned()
                };
                written.push_str(&format!("{key}{before}={behind}{value}"));
            }
            _ => written.push_str(line),
        }
        written.push_str(TAILS[roll(5)]);
        written.push('\n');
        for line in written.lines() {
            mangled.push_str(line);
            mangled.push_str(ends[roll(2)]);
        }
    }
    match roll(3) {
        0 => mangled.trim_end_matches(['\r', '\n']).to_owned(),
        1 => mangled + "\n\n# the end",
        _ => mangled,
    }
}

/// The lines of two texts that differ, where these are in one place: what was there, and what is.
fn difference<'a>(before: &'a str, after: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let lines = |text: &'a str| text.split_inclusive('\n').collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(after));
    let same = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[same..], &after[same..]);
    let ends = before.iter().rev().zip(after.iter().rev());
    let same = ends.take_while(|(one, other)| one == other).count();
    (before[..before.len() - same].to_vec(), after[..after.len() - same].to_vec())
}

/// One thing of what is live is another, which the file says in one line; none where there is no such thing.
fn one_changed(live: &Live, which: usize) -> Option<(Live, &'static str)> {
    let mut live = live.clone();
    let pools: Vec<_> = live.pools.iter().map(|it| it.id.clone()).collect();
    let another = |id: &Id<_>| pools.iter().find(|pool| *pool != id).cloned();
    match which {
        0 => {
            let pool = live.pools.iter_mut().find(|it| !it.description.is_empty())?;
            pool.description = "another # one".to_owned();
            return Some((live, "description"));
        }
        1 => {
            let value = live.indirect.variables.first_mut()?;
            value.pool = Some(another(value.pool.as_ref()?)?);
        }
        _ => {
            let target = live.indirect.targets.first_mut()?;
            target.pool = Some(another(target.pool.as_ref()?)?);
        }
    }
    Some((live, "pool"))
}

fn any_space() -> impl Strategy<Value = Live> {
    any_live_with_choosers().prop_map(|mut live| {
        // So that none shares its table with another.
        live.indirect.variables.truncate(1);
        live.indirect.targets.truncate(1);
        live
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_matching_file_in_any_layout_stays_unchanged(
        live in any_live_with_choosers(), dice in vec(0..720_usize, 200),
    ) {
        let text = mangled(&render_config(&live, "https://octopus.acme.example", RuleCoverage::Seen), &dice);
        judge(&text, &live).map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        let after = kept(&text, &live).unwrap();
        prop_assert!(after == text, "{:?}\n=====\n{:?}", text, after);
    }

    #[test]
    fn one_changed_value_edits_only_its_own_line(
        live in any_space(), which in 0..3_usize, dice in vec(0..720_usize, 200),
    ) {
        let changed = one_changed(&live, which);
        prop_assume!(changed.is_some());
        let (now, key) = changed.unwrap();
        let is_sayable = |live: &Live| !render_config(live, "x", RuleCoverage::Seen).lines().any(|line| line.starts_with('#') && line.contains(" pool does not exist"));
        let pulled = render_config(&live, "https://octopus.acme.example", RuleCoverage::Seen);
        let is_said = pulled.lines().any(|it| it.starts_with(key)) && pulled.matches("\n[pools.").count() == live.pools.len();
        prop_assume!(is_said && is_sayable(&live) && pulled != render_config(&now, "https://octopus.acme.example", RuleCoverage::Seen));
        let text = mangled(&pulled, &dice);
        let after = kept(&text, &now).unwrap();
        let (was, is) = difference(&text, &after);
        let all = || format!("{was:#?}\n{is:#?}\n{text:?}\n=====\n{after:?}");
        prop_assert!(was.len() == 1 && is.len() == 1, "{}", all());
        let (was, is) = (was[0], is[0]);
        let value = |line: &str| line.split_once('=').map(|(key, _)| key.to_owned());
        prop_assert!(was.contains(key) && value(was) == value(is), "{}", all());
        // What is behind the value stays too: its comment and the line end.
        let tail = |line: &str| line.rsplit_once(['"', '\'']).map(|(_, tail)| tail.to_owned());
        prop_assert!(was.contains('#') || tail(was) == tail(is), "{}", all());
    }
}
