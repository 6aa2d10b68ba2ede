//! To standard output and standard error, without a panic where nobody reads any more.
//!
//! `poolwright plan | head` ends quietly, and an apply goes on though its terminal has gone.

use std::{
    fmt,
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether standard output has failed.
static LOST: AtomicBool = AtomicBool::new(false);

/// What a script reads.
pub(super) fn print_to_stdout(text: fmt::Arguments) {
    let mut out = io::stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.flush());
    // Who has closed the pipe wants no more, and no complaint either.
    if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether something that a script was to read could not be written.
pub(super) fn has_lost_output() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// All else.
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
