//! `poolwright schema`: JSON Schemas for editors and scripts.

use super::{exit, print::print_own_text};
use poolwright_core::config;

/// The JSON Schema of a saved plan; a test checks saved plans against it.
const PLAN: &str = include_str!("../../schema/plan.schema.json");

/// The JSON Schema of a receipt.
const RECEIPT: &str = include_str!("../../schema/receipt.schema.json");

/// The JSON Schema of findings.
const FINDINGS: &str = include_str!("../../schema/findings.schema.json");

/// The JSON Schema of an explanation.
const EXPLAIN: &str = include_str!("../../schema/explain.schema.json");

/// Print the JSON Schema of `workers.toml`, or of what a command writes as JSON.
///
/// Example:
///
///   poolwright schema > workers.schema.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The file that the schema describes.
    #[arg(value_enum, default_value_t = SchemaKind::Workers, value_name = "FILE")]
    schema: SchemaKind,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SchemaKind {
    /// `workers.toml`.
    Workers,
    /// `plan.json`, a saved plan; also the JSON output of `plan`.
    Plan,
    /// A receipt; also the JSON output of `apply`.
    Receipt,
    /// The JSON output of `check`.
    Findings,
    /// The JSON output of `explain`.
    Explain,
}

/// Prints the schema.
pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match args.schema {
        SchemaKind::Workers => print_own_text(&format!("{:#}\n", config::json_schema())),
        SchemaKind::Plan => print_own_text(PLAN),
        SchemaKind::Receipt => print_own_text(RECEIPT),
        SchemaKind::Findings => print_own_text(FINDINGS),
        SchemaKind::Explain => print_own_text(EXPLAIN),
    }
    Ok(exit::DONE)
}
