//! `poolwright schema`: JSON Schemas for editors and scripts.

use super::{exit, print::print_own_text};
use poolwright_core::config;

/// The JSON Schema of a saved plan; a test checks saved plans against it.
const PLAN: &str = include_str!("../../schema/plan.schema.json");

/// Print the JSON Schema of `workers.toml` or of a saved plan.
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
}

/// Prints the schema.
pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match args.schema {
        SchemaKind::Workers => print_own_text(&format!("{:#}\n", config::json_schema())),
        SchemaKind::Plan => print_own_text(PLAN),
    }
    Ok(exit::DONE)
}
