//! Distributed finite elements for steady potential problems on 8-node
//! quadrilaterals: -div(k grad u) = f, with Dirichlet and Robin conditions.
//!
//! The path of a solve, each step in its own module: a mesh is read in slabs,
//! split by METIS, distributed and refined ([`mesh`]); elements are integrated
//! ([`quad8`]) and summed into a distributed matrix ([`assemble`]); conjugate
//! gradients solve it ([`la`]); velocities, pressures ([`fields`]) and flows
//! ([`flow`]) follow and go to one HDF5 file ([`io`]). [`run`] tells that
//! story of a [`case`], which a [`checkpoint`] can cut in two; [`parallel`] lies under all of it. [`plot`] draws what
//! such a file holds, [`split`] stores a partition for later runs,
//! [`estimate`] says what a solve would take, [`model`] how it scales,
//! [`mod@bench`] what the machine can do, and [`report`] how far more ranks and
//! threads helped.

pub mod assemble;
pub mod bench;
mod bottleneck;
pub mod breakdown;
pub mod case;
pub mod check;
pub mod checkpoint;
pub mod cli;
mod compute;
pub mod conditions;
mod console;
mod describe;
mod digits;
mod dry_run;
pub mod error;
pub mod estimate;
pub mod expression;
mod fault;
pub mod field;
pub mod fields;
pub mod flow;
mod inputs;
pub mod io;
pub mod la;
pub mod launcher;
pub mod memory;
pub mod mesh;
pub mod model;
mod near;
pub mod parallel;
pub mod physics;
pub mod plot;
pub mod problem;
mod progress;
pub mod quad8;
mod record;
pub mod report;
pub mod run;
mod solution;
pub mod split;
pub mod streams;
pub mod timing;
mod verdict;

pub use error::{Error, ExitCode, Result};
