//! Scalar data of a problem: one value everywhere, or a function of place.

use std::fmt;
use std::sync::Arc;

/// A scalar over the domain, as used for conductivity, source and boundary data.
#[derive(Clone)]
pub enum Field {
    /// The same value everywhere.
    Constant(f64),
    /// A function of (x, y) in metres; called from several threads at once.
    Function(Arc<dyn Fn(f64, f64) -> f64 + Send + Sync>),
}

impl Field {
    /// A field that varies with (x, y).
    pub fn function(f: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(f))
    }

    /// The value at a point (m).
    pub fn at(&self, [x, y]: [f64; 2]) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Function(f) => f(x, y),
        }
    }

    /// Whether the field vanishes everywhere by construction.
    pub fn is_zero(&self) -> bool {
        matches!(self, Self::Constant(0.0))
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "Constant({value})"),
            Self::Function(_) => write!(f, "Function"),
        }
    }
}
