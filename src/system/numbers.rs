//! Checks of numbers from case files and options.

/// Checks a number that must be finite.
///
/// # Errors
/// States the range.
pub fn finite(value: f64) -> Result<f64, &'static str> {
    if value.is_finite() { Ok(value) } else { Err("must be finite") }
}

/// Checks a number that must be finite and more than 0.
///
/// # Errors
/// States the range.
pub fn positive(value: f64) -> Result<f64, &'static str> {
    if finite(value)? > 0.0 { Ok(value) } else { Err("must be more than 0") }
}

/// Checks a relative residual.
///
/// # Errors
/// States the range.
pub fn tolerance(value: f64) -> Result<f64, &'static str> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err("must be between 0 and 1") }
}
