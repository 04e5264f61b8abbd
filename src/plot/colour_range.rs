//! Values at the two ends of a colour map.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::system::{arguments, rounded};

/// Range of the colours that `--range` asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum ColourRange {
    /// Values of the field.
    Values([f64; 2]),
    /// Percentiles of the drawn area (%).
    Percentiles([f64; 2]),
}

impl FromStr for ColourRange {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let form = || "must be LOW,HIGH: two numbers, as in 0,2.5, or two percentiles, as in 1%,99%".to_owned();
        let ends: Vec<&str> = text.split(',').collect();
        let [low, high] = ends[..] else { return Err(form()) };
        let number = |text: &str| arguments::finite(text.trim()).map_err(|_| form());
        let range = match [low, high].map(|end| end.trim().strip_suffix('%')) {
            [None, None] => Self::Values([number(low)?, number(high)?]),
            [Some(low), Some(high)] => Self::Percentiles([number(low)?, number(high)?]),
            _ => return Err(form()),
        };
        match range {
            Self::Percentiles([low, high]) if low < 0.0 || high > 100.0 => Err("must be from 0% to 100%".to_owned()),
            Self::Values([low, high]) | Self::Percentiles([low, high]) if low >= high => {
                Err("must be LOW,HIGH with LOW less than HIGH".to_owned())
            }
            range => Ok(range),
        }
    }
}

impl ColourRange {
    /// Returns the values at the ends, or their powers of ten. `sample` returns the values in the
    /// picture, NaN outside of the elements.
    ///
    /// # Errors
    /// Logarithmic colours of a value of 0 or less.
    pub fn resolve(&self, sample: impl FnOnce() -> Vec<f32>, is_logarithmic: bool) -> Result<[f64; 2]> {
        match *self {
            Self::Values([low, _]) if is_logarithmic && low <= 0.0 => Err(Error::input(format!(
                "the colours of this field are logarithmic: --range must begin above 0, not at {}",
                rounded(low, 6)
            ))),
            Self::Values(range) => Ok(if is_logarithmic { range.map(f64::log10) } else { range }),
            Self::Percentiles(percents) => {
                let mut sorted = sample();
                sorted.retain(|value| value.is_finite());
                sorted.sort_unstable_by(f32::total_cmp);
                let last = sorted.len().saturating_sub(1) as f64;
                let at = |percent: f64| sorted.get((0.01 * percent * last).round() as usize).copied();
                Ok(percents.map(|percent| at(percent).map_or(f64::NAN, f64::from)))
            }
        }
    }
}

/// Returns the smallest and the largest finite value, if their difference is finite, too.
pub fn range_of(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let finite = values.filter(|value| value.is_finite());
    let [low, high] = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
    (low <= high && (high - low).is_finite()).then_some([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_numbers_or_two_percentiles() {
        assert_eq!("-1, 2e3".parse(), Ok(ColourRange::Values([-1.0, 2000.0])));
        assert_eq!("1%,99.5%".parse(), Ok(ColourRange::Percentiles([1.0, 99.5])));
        for text in ["", "1", "1,2,3", "a,b", "1%,2", "nan,1", "0,inf"] {
            assert!(ColourRange::from_str(text).unwrap_err().contains("LOW,HIGH: two numbers"), "{text}");
        }
        for text in ["2,1", "1,1", "99%,1%"] {
            assert!(ColourRange::from_str(text).unwrap_err().contains("LOW less than HIGH"), "{text}");
        }
        assert!(ColourRange::from_str("-1%,50%").unwrap_err().contains("from 0% to 100%"));
    }

    #[test]
    fn percentiles_are_of_the_finite_samples() {
        let drawn: Vec<f32> = (0..=100).rev().map(|i| i as f32).chain([f32::NAN; 50]).collect();
        let range = |text: &str| text.parse::<ColourRange>().unwrap().resolve(|| drawn.clone(), false).unwrap();
        assert_eq!((range("0%,100%"), range("2%,98%")), ([0.0, 100.0], [2.0, 98.0]));
        let logarithmic = |text: &str| text.parse::<ColourRange>().unwrap().resolve(|| drawn.clone(), true);
        assert_eq!(logarithmic("1e-3,100").unwrap(), [-3.0, 2.0]);
        assert!(logarithmic("0,1").unwrap_err().to_string().contains("logarithmic"));
    }
}
