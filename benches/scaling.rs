//! Measures how costs grow with the size of the input: `cargo bench --bench scaling`.
//!
//! Each line is one job at three sizes, ten times apart, and the slope between them: 1.0 is linear, 2.0 is the
//! square. No figure is asserted: a busy machine is not a defect of the code.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at any error")]

use poolwright_client::octopus::document::{JsonDocument, PathSegment};
use poolwright_core::{
    config::load_desired,
    finding::{Source, Sources},
    render::{RenderOptions, findings::render_all},
};

use serde_json::json;
use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

/// How often each job runs at each size; the fastest run counts.
const RUNS: usize = 3;

fn main() {
    println!("{:<44} {:>12} {:>12} {:>12}  slopes", "", "n", "10 n", "100 n");
    measure("edits of n steps in one process (n = 50)", 50, process_text, |text| {
        move_every_step(text)
    });
    measure("check of n rules (n = 100)", 100, rules_text, |text| check_file(text));
    measure("check of n rules by pool (n = 100)", 100, rules_by_pool_text, |text| check_file(text));
    measure("check and display of n mistakes (n = 100)", 100, mistakes_text, |text| {
        check_file(text)
    });
}

/// Runs a job at three sizes and prints its times.
fn measure<I>(name: &str, size: usize, input: impl Fn(usize) -> I, job: impl Fn(&I)) {
    let times = [1, 10, 100].map(|factor| {
        let input = input(size * factor);
        let run = || {
            let start = Instant::now();
            job(black_box(&input));
            start.elapsed()
        };
        (0..RUNS).map(|_| run()).min().unwrap()
    });
    let slope = |from: Duration, to: Duration| (to.as_secs_f64() / from.as_secs_f64()).log10();
    let [one, ten, hundred] = times;
    let slopes = format!("{:.2} {:.2}", slope(one, ten), slope(ten, hundred));
    println!("{name:<44} {one:>12.2?} {ten:>12.2?} {hundred:>12.2?}  {slopes}");
}

/// A process whose steps have scripts of a usual length.
fn process_text(steps: usize) -> String {
    let script = "Write-Host \"deploying\"\n".repeat(250);
    let steps = (0..steps).map(|step| {
        json!({
            "Id": format!("step-{step}"), "Name": format!("Step {step}"), "Properties": {},
            "Actions": [{
                "Id": format!("action-{step}"), "WorkerPoolId": null,
                "Properties": { "Octopus.Action.Script.ScriptBody": script },
            }],
        })
    });
    json!({ "Id": "deploymentprocess-1", "Version": 1, "Steps": steps.collect::<Vec<_>>() })
        .to_string()
}

fn move_every_step(text: &str) {
    use PathSegment::{Index, Key};
    let mut document = JsonDocument::parse(text.to_owned()).unwrap();
    let mut step = 0;
    let field = |step| [Key("Steps"), Index(step), Key("Actions"), Index(0), Key("WorkerPoolId")];
    while document.get_value(&field(step)).is_some() {
        // As `apply` does: a change is made in a copy, which is taken if all of it fits.
        let mut edited = document.clone();
        edited.put_value(&field(step), &json!("WorkerPools-7")).unwrap();
        document = edited;
        step += 1;
    }
    black_box(document.to_text());
}

fn rules_text(rules: usize) -> String {
    let mut text = "version = 1\n[pools.a]\n".to_owned();
    for rule in 0..rules {
        _ = writeln!(
            text,
            "[[placements]]\nproject = \"Project {rule}\"\nstep = \"Build\"\npool = \"a\""
        );
    }
    text
}

fn rules_by_pool_text(rules: usize) -> String {
    let mut text = "version = 1\n[pools.a]\n[pools.b]\n".to_owned();
    for rule in 0..rules {
        let currently = ["server", "b", "default"][rule % 3];
        _ = writeln!(
            text,
            "[[placements]]\nproject = \"Project {rule}\"\ncurrently = \"{currently}\"\npool = \"a\""
        );
    }
    text
}

fn mistakes_text(mistakes: usize) -> String {
    let mut text = "version = 1\n[pools.a]\n".to_owned();
    for rule in 0..mistakes {
        _ = writeln!(text, "[[placements]]\nprojekt = \"Project {rule}\"\npool = \"a\"");
    }
    text
}

fn check_file(text: &str) {
    let sources = Sources(vec![Source::new("workers.toml", text)]);
    let (desired, findings) = load_desired(&sources);
    black_box((
        desired,
        render_all(&findings, &sources, RenderOptions { colour: false, verbosity: 0 }),
    ));
}
