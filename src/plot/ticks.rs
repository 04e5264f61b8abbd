//! Tick marks of an axis, and their labels.

/// Tick marks of an axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ticks {
    /// Values of the marks.
    pub values: Vec<f64>,
    /// Label of each mark.
    pub labels: Vec<String>,
    /// Power of ten by which the labels are divided.
    pub exponent: i32,
}

impl Ticks {
    /// Returns the first tick alone.
    #[must_use]
    pub fn first(mut self) -> Self {
        self.values.truncate(1);
        self.labels.truncate(1);
        self
    }
}

/// Returns about `count` round values (1, 2 or 5 times a power of ten apart) from `low` to `high`.
pub fn linear(low: f64, high: f64, count: usize) -> Ticks {
    let step = round_step((high - low) / count.max(1) as f64);
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let values: Vec<f64> = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
    let largest = low.abs().max(high.abs());
    let magnitude = largest.log10().floor() as i32;
    let exponent = if (-3..6).contains(&magnitude) { 0 } else { magnitude };
    let scale = 10_f64.powi(-exponent);
    let decimals = (-((step * scale).log10() + 1e-9).floor()).max(0.0) as usize;
    let labels = values.iter().map(|v| number(v * scale, decimals)).collect();
    Ticks { values, labels, exponent }
}

/// Returns about `count` round whole numbers from 0 to `last`.
pub fn whole(last: usize, count: usize) -> Ticks {
    let step = round_step(last as f64 / count.max(1) as f64).max(1.0) as usize;
    let (values, labels) = (0..=last).step_by(step).map(|i| (i as f64, i.to_string())).unzip();
    Ticks { values, labels, exponent: 0 }
}

/// Returns powers of ten from `low` to `high`, at most about `count` of them.
pub fn logarithmic(low: f64, high: f64, count: usize) -> Ticks {
    let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
    let every = ((last - first) / count.max(1) as i32 + 1).max(1);
    let powers = (first..=last).filter(|p| p % every == 0);
    let (values, labels) = powers.map(|p| (10_f64.powi(p), power_of_ten(p))).unzip();
    Ticks { values, labels, exponent: 0 }
}

/// Formats a power of ten, as "10⁻⁴".
pub fn power_of_ten(power: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |c: char| if c == '-' { '⁻' } else { c.to_digit(10).map_or(c, |d| DIGITS[d as usize]) };
    format!("10{}", power.to_string().chars().map(raised).collect::<String>())
}

/// Formats a number with a typographic minus sign, and none before zero.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = linear(-0.05, 3.05, 7);
        assert_eq!(ticks.labels, ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"].map(String::from));
        let ticks = linear(101_306.5, 101_328.8, 5);
        assert_eq!(ticks.labels, ["101310", "101315", "101320", "101325"]);
        let ticks = linear(-1.0, 1.0, 4);
        assert_eq!(ticks.labels, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn very_small_and_very_large_values_lose_a_power_of_ten() {
        let ticks = linear(0.0, 6.1e-5, 4);
        assert_eq!((ticks.exponent, ticks.labels.last().map(String::as_str)), (-5, Some("6")));
        assert_eq!(linear(0.0, 2.4e7, 3).exponent, 7);
    }

    #[test]
    fn iterations_are_whole_numbers() {
        assert_eq!(whole(8, 10).values.len(), 9);
        assert_eq!(whole(5031, 10).labels[..3], ["0", "1000", "2000"].map(String::from));
    }

    #[test]
    fn powers_of_ten_are_thinned_out() {
        assert_eq!(logarithmic(1e-3, 1.0, 5).labels, ["10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        assert!(logarithmic(1e-16, 1.0, 5).values.len() <= 6);
    }
}
