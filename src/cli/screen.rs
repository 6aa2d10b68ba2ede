//! How output is printed: colour, verbosity and the log.

use super::{
    ci::CiReporter,
    print::{self, LogWriter, is_dumb_terminal},
};
use poolwright_core::{render::RenderOptions, text::escape::Syntax};

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Flags for output.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Output")]
pub(super) struct Args {
    /// When to use colour; `auto` also honours `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb`.
    #[arg(long, value_enum, global = true, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
    /// Print only findings and the summary.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, conflicts_with = "verbose")]
    quiet: u8,
    /// Print every step instead of folding them; twice, also every request.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Format of log lines on standard error; `RUST_LOG` selects which are shown.
    #[arg(long, value_enum, global = true, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    /// On a terminal only.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// Plain text.
    Text,
    /// One JSON object per line.
    Json,
}

/// What the user says about colour, from the most to the least explicit.
#[derive(Clone, Copy, Debug)]
struct ColourWishes {
    color: Colour,
    no_color: bool,
    force: bool,
    is_dumb: bool,
}

impl ColourWishes {
    /// Whether a stream is coloured.
    fn allow_colour(self, is_terminal: bool) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if self.no_color => false,
            Colour::Auto => self.force || is_terminal && !self.is_dumb,
        }
    }
}

/// How to print, resolved from flags, the environment and terminals.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// For standard output.
    pub(super) out: RenderOptions,
    /// For standard error.
    pub(super) err: RenderOptions,
    /// The CI system to report to, if there is one.
    pub(super) ci: CiReporter,
}

impl Screen {
    /// How to write a file, which has no colours.
    pub(super) fn for_file(&self) -> RenderOptions {
        RenderOptions { colour: false, ..self.out }
    }

    /// Resolves how to print, and starts the log.
    pub(super) fn new(args: &Args, ci: CiReporter) -> Self {
        let verbosity = i8::try_from(args.verbose).unwrap_or(i8::MAX)
            - i8::try_from(args.quiet).unwrap_or(i8::MAX);
        let is_env_set =
            |name: &str| std::env::var_os(name).is_some_and(|os| !os.is_empty() && os != "0");
        let wishes = ColourWishes {
            color: args.color,
            no_color: is_env_set("NO_COLOR"),
            force: is_env_set("CLICOLOR_FORCE"),
            is_dumb: is_dumb_terminal(),
        };
        let use_colour = |terminal: bool| wishes.allow_colour(terminal);
        let screen = Self {
            out: RenderOptions { colour: use_colour(std::io::stdout().is_terminal()), verbosity },
            err: RenderOptions { colour: use_colour(std::io::stderr().is_terminal()), verbosity },
            ci,
        };
        print::allow_colours(screen.out.colour, screen.err.colour);
        start_logging(args, screen.err);
        screen
    }
}

fn start_logging(args: &Args, options: RenderOptions) {
    let default = match options.verbosity {
        2.. => "poolwright=debug",
        _ => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let syntax = match args.log_format {
        LogFormat::Json => Syntax::Json,
        LogFormat::Text if options.colour => Syntax::ColouredText,
        LogFormat::Text => Syntax::Text,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    let log = log.with_writer(move || LogWriter(syntax));
    // A second start in one process is harmless: the first one's log stays in use.
    _ = match args.log_format {
        LogFormat::Text => log.with_ansi(options.colour).with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_is_not_coloured_unless_it_is_asked_for() {
        let auto =
            ColourWishes { color: Colour::Auto, no_color: false, force: false, is_dumb: false };
        let dumb = ColourWishes { is_dumb: true, ..auto };
        assert!(auto.allow_colour(true) && !auto.allow_colour(false));
        assert!(!dumb.allow_colour(true));
        assert!(ColourWishes { force: true, ..dumb }.allow_colour(true));
        assert!(ColourWishes { color: Colour::Always, ..dumb }.allow_colour(false));
        assert!(!ColourWishes { no_color: true, force: true, ..dumb }.allow_colour(true));
        assert!(!ColourWishes { color: Colour::Never, force: true, ..auto }.allow_colour(true));
    }
}
