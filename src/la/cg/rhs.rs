//! Right-hand side of a system, constant during the iteration.

use crate::la::vector::dot;
use crate::parallel::{LocalIndex, loops};

/// Owned part of b, with a checksum that detects any single flipped bit. Without a source few
/// values are other than 0; then only these are stored.
pub struct Rhs {
    /// The stored values.
    pub stored: Vec<f64>,
    /// Positions of the stored values, ascending; none where all are stored.
    positions: Option<Vec<LocalIndex>>,
    /// Number of owned values.
    owned: usize,
    checksum: u64,
}

/// Smallest ratio of all values to those other than 0 at which only these are stored.
const FEW: usize = 4;

impl Rhs {
    /// Stores the owned values with their checksum.
    pub fn new(values: Vec<f64>) -> Self {
        let owned = values.len();
        let is_stored = |(value, _): &(f64, LocalIndex)| *value != 0.0;
        let (values, positions) = if FEW * values.iter().filter(|value| **value != 0.0).count() < owned {
            let (values, positions) = values.into_iter().zip(0..).filter(is_stored).unzip();
            (values, Some(positions))
        } else {
            (values, None)
        };
        let checksum = checksum(&values, positions.as_deref());
        Self { stored: values, positions, owned, checksum }
    }

    /// Returns all owned values.
    pub fn to_vec(&self) -> Vec<f64> {
        let Some(positions) = &self.positions else { return self.stored.clone() };
        let mut all = loops::filled(self.owned, 0.0);
        for (&position, &value) in positions.iter().zip(&self.stored) {
            all[position as usize] = value;
        }
        all
    }

    /// Returns this rank's part of b.b.
    pub(crate) fn square(&self) -> f64 {
        match self.positions {
            None => dot(&self.stored, &self.stored),
            Some(_) => {
                let all = self.to_vec();
                dot(&all, &all)
            }
        }
    }

    /// Overwrites the product A x by the residual b - A x.
    pub(crate) fn subtract(&self, product: &mut [f64]) {
        loops::update(product, |range, product| {
            match self.positions {
                None => product.iter_mut().zip(&self.stored[range]).for_each(|(y, b)| *y = b - *y),
                Some(_) => product.iter_mut().for_each(|y| *y = -*y),
            }
            []
        });
        for (&position, value) in self.positions.iter().flatten().zip(&self.stored) {
            product[position as usize] += value;
        }
    }

    /// Returns whether the values still have their checksum.
    pub(crate) fn is_intact(&self) -> bool {
        checksum(&self.stored, self.positions.as_deref()) == self.checksum
    }
}

fn checksum(values: &[f64], positions: Option<&[LocalIndex]>) -> u64 {
    let values = values.iter().fold(0, |sum: u64, value| sum.wrapping_add(value.to_bits()));
    positions.unwrap_or_default().iter().fold(values, |sum, &position| sum.wrapping_add(position.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_those_of_all() {
        for values in [vec![0.0; 5], vec![0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.0], vec![1.0, 0.0, 2.0]] {
            let b = Rhs::new(values.clone());
            assert_eq!((b.stored.len() < values.len(), b.to_vec()), (values.len() > 3, values.clone()));
            assert_eq!(b.square(), values.iter().map(|b| b * b).sum::<f64>());
            let mut product = vec![0.5; values.len()];
            b.subtract(&mut product);
            assert!(product.iter().zip(values).all(|(r, b)| *r == b - 0.5) && b.is_intact());
        }
    }

    #[test]
    fn a_changed_position_is_found() {
        let mut b = Rhs::new(vec![0.0, 0.0, 3.0, 0.0, 0.0]);
        b.positions.iter_mut().flatten().for_each(|position| *position += 1);
        assert!(!b.is_intact());
    }
}
