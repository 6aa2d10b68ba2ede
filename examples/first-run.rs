//! Applies the chapter's three commits in turn to a sandbox, and shows the empty plan after them.
//!
//! Run `cargo run --example first-run` in a checkout. It leaves no files behind.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let Ok(folder) = tempfile::tempdir() else { return ExitCode::FAILURE };
    let url = format!("sandbox:{}", folder.path().join("sandbox.db").display());
    let receipt = folder.path().join("receipt.json").display().to_string();
    for commit in ["1-pools", "2-workers", "3-steps"] {
        let file = format!("{}/examples/chapter/{commit}/workers.toml", env!("CARGO_MANIFEST_DIR"));
        println!("\n$ poolwright apply -f examples/chapter/{commit}/workers.toml --auto-approve\n");
        let apply = ["apply", "-f", &file, "--auto-approve", "--url", &url, "--receipt", &receipt];
        if run(&apply) != ExitCode::SUCCESS {
            return ExitCode::FAILURE;
        }
    }
    let file = format!("{}/examples/chapter/3-steps/workers.toml", env!("CARGO_MANIFEST_DIR"));
    println!("\n$ poolwright plan -f examples/chapter/3-steps/workers.toml --exit-code\n");
    run(&["plan", "-f", &file, "--exit-code", "--url", &url])
}

/// Runs poolwright with these arguments.
fn run(args: &[&str]) -> ExitCode {
    let args = ["poolwright"].iter().chain(args);
    poolwright::main(args.map(std::ffi::OsString::from).collect())
}
