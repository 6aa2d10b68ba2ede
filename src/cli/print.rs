//! Prints to standard output and standard error, without a panic if they are closed.
//!
//! `poolwright plan | head` ends quietly, and an apply continues after its terminal has closed.

use std::{
    fmt,
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether a write to standard output has failed.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints what scripts read to standard output.
pub(super) fn print_to_stdout(text: fmt::Arguments) {
    let mut out = io::stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.flush());
    // A reader that closed the pipe wants no more output, and no error either.
    if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether some of standard output could not be written.
pub(super) fn has_lost_output() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints everything else to standard error.
pub(super) fn print_to_stderr(text: fmt::Arguments) {
    _ = io::stderr().lock().write_fmt(text);
}

/// Prints to standard output.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::print::print_to_stdout(format_args!($($text)*)) };
}

/// Prints a line to standard output.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::print::print_to_stdout(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints to standard error.
macro_rules! err {
    ($($text:tt)*) => { $crate::cli::print::print_to_stderr(format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! errln {
    ($($text:tt)*) => { $crate::cli::print::print_to_stderr(format_args!("{}\n", format_args!($($text)*))) };
}

pub(super) use {err, errln, out, outln};
