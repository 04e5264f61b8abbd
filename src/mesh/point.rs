//! Points of the plane in messages.

/// Formats the coordinates (m) with six significant digits.
pub fn show([x, y]: [f64; 2]) -> String {
    format!("x = {}, y = {}", rounded(x), rounded(y))
}

/// Rounds a number to six significant digits.
pub fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_shown() {
        assert_eq!(show([0.499_999_999_998_692_1, -12_345_678.9]), "x = 0.5, y = -12345700");
        assert!(rounded(f64::NAN).is_nan());
    }
}
