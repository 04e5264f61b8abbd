//! Value parsers of clap for the numbers of options.

use std::time::Duration;

use clap::ValueEnum;

use crate::system::numbers;

/// Returns the name of an option's value on the command line.
pub fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Reads a number that passes a check.
fn number(text: &str, check: fn(f64) -> Result<f64, &'static str>) -> Result<f64, &'static str> {
    check(text.parse().map_err(|_| "not a number")?)
}

/// Reads a number that must be finite.
///
/// # Errors
/// States the range.
pub fn finite(text: &str) -> Result<f64, &'static str> {
    number(text, numbers::finite)
}

/// Reads a number that must be finite and more than 0.
///
/// # Errors
/// States the range.
pub fn positive(text: &str) -> Result<f64, &'static str> {
    number(text, numbers::positive)
}

/// Reads minutes, with a fraction, as a time.
///
/// # Errors
/// States the range.
pub fn minutes(text: &str) -> Result<Duration, &'static str> {
    Duration::try_from_secs_f64(60.0 * positive(text)?).map_err(|_| "too long")
}

/// Reads a relative error, as in 0.001 or 0.1%.
///
/// # Errors
/// States the range.
pub fn relative_error(text: &str) -> Result<f64, &'static str> {
    match text.strip_suffix('%') {
        Some(percent) => {
            number(percent.trim_end(), numbers::finite).and_then(|percent| numbers::tolerance(percent / 100.0))
        }
        None => tolerance(text),
    }
}

/// Reads a relative residual.
///
/// # Errors
/// States the range.
pub fn tolerance(text: &str) -> Result<f64, &'static str> {
    number(text, numbers::tolerance)
}
