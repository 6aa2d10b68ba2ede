//! Prints to standard output and standard error: the one place that does.
//!
//! Nothing that is printed here can make a terminal or a CI runner act, but for a [`CiCommand`], or contains a secret that this process was
//! given. A closed stream causes no panic: `poolwright plan | head` ends quietly, and an apply continues after its
//! terminal has closed.

use super::ci_command::CiCommand;
use poolwright_client::octopus::Secret;
use poolwright_core::text::{
    escape::{Escaped, Syntax, escape_line, escape_output},
    secret::redact_keys,
};

use clap::error::ContextValue;
use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether a write to standard output has failed.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether colours are let through, on standard output and on standard error.
static COLOURS: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// The secrets that are never printed.
static SECRETS: Mutex<Vec<Secret>> = Mutex::new(Vec::new());

/// A stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    /// Standard output: what scripts read.
    Out,
    /// Standard error: everything else.
    Err,
}

/// Lets colours through on the streams that show them.
pub(super) fn allow_colours(out: bool, err: bool) {
    for (allowed, stream) in [(out, Stream::Out), (err, Stream::Err)] {
        COLOURS[stream as usize].store(allowed, Ordering::Relaxed);
    }
}

/// Withholds a secret from everything that is printed from now on.
pub(super) fn withhold_secret(secret: &Secret) {
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner).push(secret.clone());
}

/// Whether a text contains a secret that is not printed.
pub(super) fn has_secret(text: &str) -> bool {
    redact_secrets(text) != text || redact_keys(text) != text
}

/// Warns that a file that was written holds a key: what was on the server has to be there whole.
pub(super) fn warn_secret_in_file(path: &Path, text: &str) {
    if has_secret(text) {
        let shown = path.display();
        errln!(
            "warning: `{shown}` contains what looks like an API key; keep the file as secret as the key"
        );
    }
}

/// Returns a text without any secret, for what reads it elsewhere than on a stream.
pub(super) fn redact_printed(text: &str) -> String {
    redact_keys(&redact_secrets(text))
}

/// Returns a text without the secrets that this process was given.
fn redact_secrets(text: &str) -> String {
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    secrets.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
}

/// Returns a text as it may be shown to anybody: nothing can make a terminal or a CI runner act, and no API key is in
/// it, except in TOML: that is a file, whose plan would write what is withheld.
pub(super) fn printable_text(text: &str, syntax: Syntax) -> String {
    let mut text = redact_secrets(text);
    if syntax != Syntax::Toml {
        text = redact_keys(&text);
    }
    escape_output(&text, syntax)
}

impl Stream {
    /// Prints lines for people, each ended by a line break.
    pub(super) fn print_text(self, text: &str) {
        self.print(text, self.text_syntax());
    }

    /// Prints a text of another language.
    pub(super) fn print(self, text: &str, syntax: Syntax) {
        self.write(&printable_text(text, syntax));
    }

    /// Prints one line for people: a line break inside it is escaped.
    pub(super) fn print_line(self, line: fmt::Arguments) {
        let mut safe = String::new();
        escape_line(&redact_secrets(&line.to_string()), self.text_syntax(), &mut safe);
        safe.push('\n');
        self.write(&safe);
    }

    /// Prints a command to the CI system that reads the log.
    pub(super) fn print_command(self, command: &CiCommand) {
        self.write(&format!("{}\n", command.as_line()));
    }

    fn text_syntax(self) -> Syntax {
        if COLOURS[self as usize].load(Ordering::Relaxed) {
            Syntax::ColouredText
        } else {
            Syntax::Text
        }
    }

    fn write(self, text: &str) {
        match self {
            Self::Out => {
                let mut out = io::stdout().lock();
                let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                // A reader that closed the pipe wants no more output, and no error either.
                if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
                    LOST.store(true, Ordering::Relaxed);
                }
            }
            Self::Err => {
                let mut err = io::stderr().lock();
                _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
            }
        }
    }
}

/// Whether the terminal, if there is one, only shows text: no colour, and no line that is drawn again.
pub(super) fn is_dumb_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether some of standard output could not be written.
pub(super) fn has_lost_output() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints a question to standard error, without a line break after it.
pub(super) fn ask(question: &str) {
    Stream::Err.print_text(question);
}

/// Prints text of the program alone to standard output, byte for byte: a completion script, a man page.
pub(super) fn print_own_text(text: &str) {
    Stream::Out.write(text);
}

/// Prints what the parser of the command line has to say: help, the version, or an error, which may quote arguments.
pub(super) fn print_usage(mut error: clap::Error) {
    let escaped = |value: &ContextValue| match value {
        ContextValue::String(text) => Some(ContextValue::String(Escaped(text).to_string())),
        ContextValue::Strings(texts) => {
            let texts = texts.iter().map(|text| Escaped(text).to_string());
            Some(ContextValue::Strings(texts.collect()))
        }
        _ => None,
    };
    let context = error.context().filter_map(|(kind, value)| Some((kind, escaped(value)?)));
    for (kind, value) in context.collect::<Vec<_>>() {
        error.insert(kind, value);
    }
    let (stream, is_terminal) = if error.use_stderr() {
        (Stream::Err, io::stderr().is_terminal())
    } else {
        (Stream::Out, io::stdout().is_terminal())
    };
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    let colour = is_terminal && !is_unwanted && !is_dumb_terminal();
    let text = error.render();
    if colour {
        stream.print(&text.ansi().to_string(), Syntax::ColouredText);
    } else {
        stream.print(&text.to_string(), Syntax::Text);
    }
}

/// Prints a panic as every other error is printed: its message may hold anything.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let message = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        errln!("error: poolwright failed at {place}: {message}");
        errln!("help: this is a bug in poolwright; report it with this message");
    }));
}

/// Receives the log: each event is one write.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogWriter(pub(super) Syntax);

impl Write for LogWriter {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut safe = String::new();
        escape_line(&redact_secrets(text.trim_end_matches('\n')), self.0, &mut safe);
        safe.push('\n');
        Stream::Err.write(&safe);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints a line to standard output.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::print::Stream::Out.print_line(format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! errln {
    ($($text:tt)*) => { $crate::cli::print::Stream::Err.print_line(format_args!($($text)*)) };
}

pub(super) use {errln, outln};
