//! Jacobi preconditioner: division by the diagonal.

use crate::la::{LevelSize, Preconditioner, PreconditionerStatistics, Vector};
use crate::parallel::{Profile, loops};

/// Inverse of an operator's diagonal.
pub struct Jacobi {
    inverse: Vec<f64>,
}

impl Jacobi {
    /// Inverts the owned part of the diagonal. An entry that is not positive counts as 1, so that
    /// the iteration itself detects and reports an indefinite operator.
    pub fn new(diagonal: &[f64]) -> Self {
        Self { inverse: diagonal.iter().map(|&d| if d > 0.0 { 1.0 / d } else { 1.0 }).collect() }
    }
}

impl Preconditioner for Jacobi {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        loops::update(z.owned_mut(), |range, z| {
            for ((z, r), inverse) in z.iter_mut().zip(&r.owned()[range.clone()]).zip(&self.inverse[range]) {
                *z = inverse * r;
            }
            []
        });
    }
}

impl PreconditionerStatistics for Jacobi {
    fn levels(&self) -> Vec<LevelSize> {
        Vec::new()
    }

    fn spent(&self) -> Vec<Profile> {
        Vec::new()
    }
}
