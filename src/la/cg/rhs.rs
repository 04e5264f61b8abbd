//! Right-hand side of a system, constant during the iteration.

/// Owned part of b, with a checksum that detects any single flipped bit.
pub struct Rhs {
    /// The owned values.
    pub values: Vec<f64>,
    checksum: u64,
}

impl Rhs {
    /// Stores the owned values with their checksum.
    pub fn new(values: Vec<f64>) -> Self {
        let checksum = checksum(&values);
        Self { values, checksum }
    }

    /// Returns whether the values still have their checksum.
    pub(crate) fn is_intact(&self) -> bool {
        checksum(&self.values) == self.checksum
    }
}

fn checksum(values: &[f64]) -> u64 {
    values.iter().fold(0, |sum, value| sum.wrapping_add(value.to_bits()))
}
