//! Colour maps.

use colorous::{Gradient, TABLEAU10};

use crate::plot::scene::Colour;

/// Map from values to colours.
#[derive(Debug, Clone, Copy)]
pub enum Colours {
    /// Perceptually uniform map between a smallest and a largest value.
    Map {
        /// Gradient of colours.
        gradient: Gradient,
        /// Values at its two ends.
        range: [f64; 2],
    },
    /// One colour for each whole number.
    Classes,
}

/// Number of classes with different colours.
pub const CLASSES: usize = 10;

impl Colours {
    /// Returns the colour of a value.
    pub fn of(&self, value: f64) -> [u8; 3] {
        let colour = match *self {
            Self::Map { gradient, range: [low, high] } => {
                gradient.eval_continuous(((value - low) / (high - low)).clamp(0.0, 1.0))
            }
            Self::Classes => TABLEAU10[value as usize % CLASSES],
        };
        [colour.r, colour.g, colour.b]
    }
}

/// Colour of axes and text.
pub const INK: Colour = [38, 38, 38, 255];
/// Colour of limits and warnings.
pub const RED: Colour = [200, 60, 50, 255];
/// Colour of the frame and of grid lines.
pub const FAINT: Colour = [205, 205, 205, 255];
