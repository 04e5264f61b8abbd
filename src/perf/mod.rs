//! Performance: benchmarks, estimates, scaling studies and the scaling model.

pub mod bench;
pub(crate) mod estimate;
pub mod model;
pub mod scaling;

/// Returns the median of these values, the mean of the two in the middle for an even number; NaN of
/// none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    0.5 * (values[last / 2] + values[values.len() / 2])
}
