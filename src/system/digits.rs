//! Formats numbers with significant digits, and with an exponent where they need one.

/// Returns the value with six significant digits, as C's `%.6g` does.
pub fn significant(value: f64) -> String {
    rounded(value, 6)
}

/// Returns the coordinates of a point with six significant digits: "x = 0.5, y = -1.2".
pub fn show_point([x, y]: [f64; 2]) -> String {
    format!("x = {}, y = {}", significant(x), significant(y))
}

/// Returns the value as [`significant`] does, with a sign before positive values and zero, too.
pub fn signed(value: f64) -> String {
    let text = significant(value);
    if text.starts_with('-') { text } else { format!("+{text}") }
}

/// Returns the value with so many significant digits (1 or more), without zeros at the end. Values
/// below 1e-4 and from 1e6 on have an exponent.
pub fn rounded(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    // Adding 0 removes the sign of a zero.
    let scientific = format!("{:.*e}", digits - 1, value + 0.0);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    match power {
        -4..6 => {
            let decimals = (digits as i32 - 1 - power).max(0);
            without_zeros(&format!("{:.*}", decimals as usize, value + 0.0)).to_owned()
        }
        _ => format!("{}e{exponent}", without_zeros(mantissa)),
    }
}

/// Returns a number with its noun: "1 rank", "2 ranks", "1,000 ranks".
pub fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", group(count), if count == 1 { "" } else { "s" })
}

/// Returns a number with its digits in groups of three.
pub fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the text without zeros at the end of its decimals.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        let shown = [0, 1, 2, 200_000].map(|n| plural(n, "rank"));
        assert_eq!(shown, ["0 ranks", "1 rank", "2 ranks", "200,000 ranks"]);
        assert_eq!([100, 1_026_193].map(group), ["100", "1,026,193"]);
    }

    #[test]
    fn numbers_of_every_size_keep_their_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-2.5e-6, "-2.5e-6"),
            (1e-4, "0.0001"),
            (0.357_703_959_9, "0.357704"),
            (11.825_326_4, "11.8253"),
            (9.999_999_6, "10"),
            (101_328.828_1, "101329"),
            (999_999.6, "1e6"),
            (1.234_567_8e9, "1.23457e9"),
            (5e-324, "4.94066e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(significant(value), expected);
        }
        assert_eq!(show_point([0.499_999_999_998_692_1, -12_345_678.9]), "x = 0.5, y = -1.23457e7");
        assert_eq!([3e-8, 0.0, -3.0, f64::NAN].map(signed), ["+3e-8", "+0", "-3", "+NaN"]);
        assert_eq!([0.0, 0.0342, 3.46, 47.6, 1234.0].map(|v| rounded(v, 2)), ["0", "0.034", "3.5", "48", "1234"]);
    }
}
