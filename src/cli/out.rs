//! Where the command line speaks. A reader that went away (`… | head`, a closed terminal) must not end a run by a panic,
//! as `println!` would: what cannot be written is dropped.

use std::fmt::Arguments;
use std::io::Write;

/// A line on standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::out::stdout(format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! warn {
    ($($text:tt)*) => { $crate::cli::out::stderr(format_args!($($text)*)) };
}

pub(super) fn stdout(line: Arguments<'_>) {
    // Whoever read has gone: there is nobody to tell.
    writeln!(std::io::stdout(), "{line}").ok();
}

pub(super) fn stderr(line: Arguments<'_>) {
    writeln!(std::io::stderr(), "{line}").ok();
}
