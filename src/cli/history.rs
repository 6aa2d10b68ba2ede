//! `poolwright history`: lists the receipts of earlier applies.

use super::{
    exit,
    print::{Stream, errln},
    receipt::FOLDER,
    receipt_folder::{ReceiptFolder, resolve_receipt},
    screen::Screen,
};
use crate::ops::error_with_help;
use poolwright_core::{
    receipt::{Receipt, history_json, render_history, render_receipt},
    text::escape::Syntax,
};

use std::{fs, path::PathBuf};

/// List the applies that left a receipt here, the newest last.
///
/// Examples:
///
///   poolwright history
///   poolwright history show 3
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<HistoryCommand>,
    #[command(flatten)]
    source: HistorySource,
}

#[derive(Debug, clap::Subcommand)]
enum HistoryCommand {
    /// Show one receipt and the outcome of each change; -v adds times. Example:
    ///
    ///   poolwright history show 3
    #[command(verbatim_doc_comment)]
    Show {
        /// The number that `history` shows, or the receipt's file.
        #[arg(value_name = "NUMBER")]
        receipt: String,
        #[command(flatten)]
        source: HistorySource,
    },
}

/// Where receipts come from, and how they are shown.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct HistorySource {
    /// The folder with the receipts [default: `.poolwright/receipts`].
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = HistoryFormat::Text, value_name = "FORMAT")]
    format: HistoryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum HistoryFormat {
    /// Human-readable text.
    Text,
    /// JSON, for scripts; of one receipt, the receipt itself.
    Json,
}

/// Lists the receipts, or shows one.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    match &args.command {
        Some(HistoryCommand::Show { receipt, source }) => source.show_receipt(receipt, screen),
        None => args.source.list_receipts(),
    }
}

impl HistorySource {
    fn list_receipts(&self) -> anyhow::Result<u8> {
        let folder = ReceiptFolder::read(self.folder.as_deref())?;
        match self.format {
            HistoryFormat::Text if folder.entries.is_empty() => {
                let shown = self.folder.as_ref().map_or(FOLDER.into(), |it| it.to_string_lossy());
                errln!("there are no receipts in {shown}");
            }
            HistoryFormat::Text => Stream::Out.print_text(&render_history(&folder.entries)),
            HistoryFormat::Json => {
                let list = history_json(&folder.entries, &folder.unreadable);
                Stream::Out.print(&format!("{list:#}\n"), Syntax::Json);
            }
        }
        folder.warn_unreadable();
        Ok(exit::DONE)
    }

    fn show_receipt(&self, named: &str, screen: &Screen) -> anyhow::Result<u8> {
        let path = resolve_receipt(named, self.folder.as_deref())?;
        let shown = path.display();
        let help = "name a number that `poolwright history` shows, or the file of a receipt";
        let text = fs::read(&path)
            .map_err(|error| error_with_help(format!("cannot read `{shown}`: {error}"), help))?;
        let receipt = Receipt::read(&text).map_err(|error| {
            error_with_help(
                format!("cannot read `{shown}`: {:#}", anyhow::Error::from(error)),
                help,
            )
        })?;
        match self.format {
            HistoryFormat::Text => {
                let show_times = screen.out.verbosity > 0;
                let text = render_receipt(&path.to_string_lossy(), &receipt, show_times);
                Stream::Out.print_text(&text);
            }
            HistoryFormat::Json => Stream::Out.print(&receipt.to_json_text(), Syntax::Json),
        }
        Ok(exit::DONE)
    }
}
