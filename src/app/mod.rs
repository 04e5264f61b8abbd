//! The commands of the program: what each one reads, does and prints.

pub mod case;
pub mod check;
pub mod checkpoint;
pub mod cli;
mod dry_run;
pub mod launcher;
pub mod partition;
pub mod solve;

pub use launcher::Launcher;
