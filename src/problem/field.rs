//! Scalar data of a problem: constants and functions of x and y.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::error::{Error, Result};
use crate::problem::expression::Expression;

/// Scalar field over the domain: conductivity, source or boundary data.
#[derive(Clone)]
pub enum Field {
    /// The same value everywhere.
    Constant(f64),
    /// A formula in x and y.
    Expression(Arc<Expression>),
    /// A function of (x, y) in metres; called from several threads at once.
    Function(Arc<dyn Fn(f64, f64) -> f64 + Send + Sync>),
}

/// Range of the values of a field, which are finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// All finite values.
    Any,
    /// Zero and more.
    NotNegative,
    /// More than zero.
    Positive,
}

impl Range {
    /// Checks a value.
    ///
    /// # Errors
    /// The range in words.
    pub(crate) fn check(self, value: f64) -> std::result::Result<(), &'static str> {
        match self {
            _ if !value.is_finite() => Err("finite"),
            Self::NotNegative if value < 0.0 => Err("0 or more"),
            Self::Positive if value <= 0.0 => Err("more than 0"),
            _ => Ok(()),
        }
    }
}

/// Error of a value out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{found}, it must be {wanted}")]
pub struct OutOfRange {
    /// The field, its value and the point.
    pub found: String,
    /// Range of the value.
    pub wanted: &'static str,
}

impl OutOfRange {
    /// Returns the error of a quantity with a value at a point.
    pub(crate) fn at(quantity: impl fmt::Display, value: f64, [x, y]: [f64; 2], wanted: &'static str) -> Self {
        Self { found: format!("{quantity} is {value} at x = {x}, y = {y}"), wanted }
    }
}

impl Field {
    /// Creates a field from a function of (x, y) in metres.
    pub fn function(f: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(f))
    }

    /// Returns the value at a point (m).
    ///
    /// # Errors
    /// [`OutOfRange`] if it is not finite or not in `range`.
    pub(crate) fn at(&self, point: [f64; 2], range: Range) -> std::result::Result<f64, OutOfRange> {
        let [value] = self.values(&[point[0]], &[point[1]]);
        self.checked(value, || point, range)
    }

    /// Returns the values at points (m) without a check of their range: see [`Field::checked`].
    pub(crate) fn values<const N: usize>(&self, x: &[f64; N], y: &[f64; N]) -> [f64; N] {
        match self {
            Self::Constant(value) => [*value; N],
            Self::Expression(expression) => expression.at(x, y),
            Self::Function(f) => std::array::from_fn(|i| f(x[i], y[i])),
        }
    }

    /// Returns the value at a point (m) if it is in the range.
    ///
    /// # Errors
    /// [`OutOfRange`] if it is not finite or not in `range`.
    pub(crate) fn checked(
        &self,
        value: f64,
        point: impl Fn() -> [f64; 2],
        range: Range,
    ) -> std::result::Result<f64, OutOfRange> {
        let Err(wanted) = range.check(value) else { return Ok(value) };
        Err(match self {
            Self::Constant(_) => OutOfRange { found: self.to_string(), wanted },
            _ => OutOfRange::at(self, value, point(), wanted),
        })
    }

    /// Returns whether the field is the constant 0.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Self::Constant(0.0))
    }
}

/// Fields are equal if they are the same number, the same text or the same function object.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => a == b,
            (Self::Expression(a), Self::Expression(b)) => a.text() == b.text(),
            (Self::Function(a), Self::Function(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// The constant 0.
impl Default for Field {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

/// Parses a number or a formula in x and y.
impl FromStr for Field {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expression = Expression::parse(text)?;
        Ok(match expression.constant() {
            Some(value) if value.is_finite() => Self::Constant(value),
            _ => Self::Expression(Arc::new(expression)),
        })
    }
}

/// Writes a number or the text of the formula.
impl Serialize for Field {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => to.serialize_f64(*value),
            Self::Expression(expression) => to.serialize_str(expression.text()),
            Self::Function(_) => Err(ser::Error::custom("a function has no text")),
        }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number or a formula in x and y")
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Field, E> {
                if value.is_finite() { Ok(Field::Constant(value)) } else { Err(E::custom("must be finite")) }
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Field, E> {
                Ok(Field::Constant(value as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Field, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Expression(expression) => write!(f, "'{}'", expression.text()),
            Self::Function(_) => write!(f, "a function"),
        }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_name_the_field_and_the_point() {
        let field: Field = "log(x-2)".parse().unwrap();
        assert_eq!(field.at([3.0, 0.0], Range::Any), Ok(0.0));
        let message = |x, range| field.at([x, 0.5], range).unwrap_err().to_string();
        assert_eq!(message(1.0, Range::Any), "'log(x-2)' is NaN at x = 1, y = 0.5, it must be finite");
        assert_eq!(message(3.0, Range::Positive), "'log(x-2)' is 0 at x = 3, y = 0.5, it must be more than 0");
        assert!(message(2.5, Range::NotNegative).ends_with("it must be 0 or more"));
        let infinite: Field = "1/0".parse().unwrap();
        let message = infinite.at([0.0; 2], Range::Any).unwrap_err().to_string();
        assert_eq!(message, "'1/0' is inf at x = 0, y = 0, it must be finite");
        let message = Field::Constant(-1.0).at([0.0; 2], Range::Positive).unwrap_err().to_string();
        assert_eq!(message, "-1, it must be more than 0");
    }
}
