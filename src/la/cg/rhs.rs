//! The right side of a system, which stays as it is while the iteration runs.

/// This rank's part of b, one value an owned unknown, with a checksum that every bit changes.
pub struct Rhs {
    /// The owned values.
    pub values: Vec<f64>,
    checksum: u64,
}

impl Rhs {
    /// From the owned values, as they are now.
    pub fn new(values: Vec<f64>) -> Self {
        let checksum = checksum(&values);
        Self { values, checksum }
    }

    /// Whether the values are still those of the start.
    pub fn is_intact(&self) -> bool {
        checksum(&self.values) == self.checksum
    }
}

fn checksum(values: &[f64]) -> u64 {
    values.iter().fold(0, |sum, value| sum.wrapping_add(value.to_bits()))
}
