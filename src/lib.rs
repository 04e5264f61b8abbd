//! Solves steady potential problems, -div(k grad u) = f, on 8-node quadrilaterals with distributed
//! finite elements.
//!
//! This example is `examples/solve.rs`: `mpirun -n 2 target/release/examples/solve` runs it after
//! `cargo build --release --example solve`.
//!
//! ```
#![doc = include_str!("../examples/solve.rs")]
//! ```
//!
//! Read from top to bottom, the modules are the path of a solve. [`app`] holds the commands:
//! `app::solve` reads a [`app::case`], partitions, assembles, iterates, post-processes and writes.
//! [`perf`] measures and predicts performance, and [`plot`] draws. [`io`] reads meshes and writes
//! results. [`post`] recovers velocities and estimates errors. [`fem`] integrates the elements and
//! assembles the system, [`la`] solves it. [`mesh`] distributes and refines the mesh. [`problem`]
//! holds the equation and its data, [`quad8`] the reference element. [`parallel`] is the
//! communicator with all that builds on it, and [`system`] what the machine gives.

pub mod app;
pub mod error;
pub mod fem;
pub mod io;
pub mod la;
pub mod mesh;
pub mod parallel;
pub mod perf;
pub mod plot;
pub mod post;
pub mod problem;
pub mod quad8;
pub mod system;

pub use error::{Error, ExitCode, Result};
