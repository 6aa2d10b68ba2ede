//! What is printed where, and how: colour, how much of it, and the log.

use poolwright_core::render::RenderOptions;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// How things are printed.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Output")]
pub(super) struct Args {
    /// When to use colour; `NO_COLOR` and `CLICOLOR_FORCE` are heeded.
    #[arg(long, value_enum, global = true, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
    /// Say less: findings and the summary alone.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, conflicts_with = "verbose")]
    quiet: u8,
    /// Say more: every step of a fold; twice, every request.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// How log lines look on standard error; `RUST_LOG` says which there are.
    #[arg(long, value_enum, global = true, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    /// Where it goes to a terminal.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// A line of words.
    Text,
    /// A JSON object a line.
    Json,
}

/// How things are printed, decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    /// What goes to standard output.
    pub(super) out: RenderOptions,
    /// What goes to standard error.
    pub(super) err: RenderOptions,
}

impl Screen {
    /// Decides by arguments, environment and terminals; starts the log.
    pub(super) fn new(args: &Args) -> Self {
        let verbosity = i8::try_from(args.verbose).unwrap_or(i8::MAX)
            - i8::try_from(args.quiet).unwrap_or(i8::MAX);
        let is_env_set =
            |name: &str| std::env::var_os(name).is_some_and(|os| !os.is_empty() && os != "0");
        let use_colour = |terminal: bool| match args.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if is_env_set("NO_COLOR") => false,
            Colour::Auto => is_env_set("CLICOLOR_FORCE") || terminal,
        };
        let screen = Self {
            out: RenderOptions { colour: use_colour(std::io::stdout().is_terminal()), verbosity },
            err: RenderOptions { colour: use_colour(std::io::stderr().is_terminal()), verbosity },
        };
        start_logging(args, screen.err);
        screen
    }
}

fn start_logging(args: &Args, look: RenderOptions) {
    let default = match look.verbosity {
        2.. => "poolwright=debug",
        _ => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process is no trouble: the first one's log goes on.
    _ = match args.log_format {
        LogFormat::Text => log.with_ansi(look.colour).with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
