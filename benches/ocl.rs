//! Measures `poolwright ocl plan` over working trees that grow by ten and by a hundred: `cargo bench --bench ocl`.
//!
//! Prints the time for each size and the slope, which is the exponent of the growth: 1 is linear, 2 is quadratic.
//! No figure is asserted: a busy machine is not a defect of the code.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at any error")]

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

const RUNS: usize = 3;

const RULES: &str = "version = 1
[pools]
new = { name = \"New\", slug = \"new\" }
[[placements]]
process = \"any\"
step = \"*\"
pool = \"new\"
";

fn main() {
    measure("steps of one process, which move", [100, 1_000, 10_000], |folder, size| {
        write_process(folder, "", size, "        worker_pool = \"old\"\n");
    });
    measure("steps of one process, which get a pool", [100, 1_000, 10_000], |folder, size| {
        write_process(folder, "", size, "");
    });
    measure("files with one step each", [50, 500, 5_000], |folder, size| {
        (0..size).for_each(|at| write_process(folder, &format!("p{at}"), 1, ""));
    });
    measure("values of pool variables", [50, 500, 5_000], write_values);
}

/// Prints the time of a plan for each size, and the growth from one size to the next.
fn measure(what: &str, sizes: [usize; 3], fill: impl Fn(&Path, usize)) {
    println!("{what}:");
    let mut last: Option<(usize, f64)> = None;
    for size in sizes {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("workers.toml"), RULES).unwrap();
        fill(folder.path(), size);
        let time = (0..RUNS).map(|_| plan_time(folder.path())).fold(f64::MAX, f64::min);
        let slope = last.map(|(before, earlier)| {
            (time / earlier).log10() / (size as f64 / before as f64).log10()
        });
        match slope {
            Some(slope) => println!("  {size:>6}  {time:>8.3} s  slope {slope:.2}"),
            None => println!("  {size:>6}  {time:>8.3} s"),
        }
        last = Some((size, time));
    }
}

/// Returns the seconds that a plan takes.
fn plan_time(folder: &Path) -> f64 {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_poolwright"))
        .args(["ocl", "plan", "--project", "Web Store", "."])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "the plan failed");
    start.elapsed().as_secs_f64()
}

fn write_process(folder: &Path, project: &str, steps: usize, place: &str) {
    let mut text = String::new();
    for at in 0..steps {
        let properties = "        properties = {\n            Octopus.Action.RunOnServer = \"true\"\n            Octopus.Action.Script.ScriptBody = <<-EOT\n                echo 1\n            EOT\n        }\n";
        let action = format!(
            "    action {{\n        action_type = \"Octopus.Script\"\n{properties}{place}    }}\n"
        );
        _ = writeln!(text, "step \"step-{at}\" {{\n    name = \"Step {at}\"\n\n{action}}}\n");
    }
    let path = folder.join(".octopus").join(project);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("deployment_process.ocl"), text).unwrap();
}

fn write_values(folder: &Path, size: usize) {
    let (mut rules, mut text) = (RULES.to_owned(), String::new());
    for at in 0..size {
        _ = writeln!(
            rules,
            "[[pool_variables]]\nproject = \"Web Store\"\nvariable = \"V{at}\"\npool = \"new\""
        );
        _ = writeln!(
            text,
            "variable \"V{at}\" {{\n    type = \"WorkerPool\"\n\n    value \"old\" {{}}\n}}\n"
        );
    }
    let path = folder.join(".octopus");
    fs::create_dir_all(&path).unwrap();
    fs::write(folder.join("workers.toml"), rules).unwrap();
    fs::write(path.join("variables.ocl"), text).unwrap();
}
