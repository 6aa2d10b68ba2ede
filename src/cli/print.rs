//! To standard output and standard error, without a panic where nobody reads any more.
//!
//! `poolwright plan | head` ends quietly, and an apply goes on though its terminal has gone.

use std::{
    fmt,
    io::{self, Write as _},
};

/// What a script reads.
pub(super) fn to_out(text: fmt::Arguments) {
    // Who has closed the pipe wants no more, and no complaint either.
    _ = io::stdout().lock().write_fmt(text);
}

/// All else.
pub(super) fn to_err(text: fmt::Arguments) {
    _ = io::stderr().lock().write_fmt(text);
}

/// Prints to standard output.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::print::to_out(format_args!($($text)*)) };
}

/// Prints a line to standard output.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::print::to_out(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints to standard error.
macro_rules! err {
    ($($text:tt)*) => { $crate::cli::print::to_err(format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! errln {
    ($($text:tt)*) => { $crate::cli::print::to_err(format_args!("{}\n", format_args!($($text)*))) };
}

pub(super) use {err, errln, out, outln};
