//! Commands of the program: their options, their work and their output.

pub mod case;
pub mod check;
pub mod checkpoint;
pub mod cli;
pub mod convert;
mod dry_run;
mod launcher;
pub mod partition;
pub mod probe;
pub mod solve;

pub use launcher::Launcher;
