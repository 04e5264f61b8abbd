//! Measures, predicts and reports performance.

pub mod bench;
pub mod estimate;
pub mod model;
pub mod scaling;
