//! Units of the coordinates.

use crate::mesh::{MeshSlab, extent};
use crate::parallel::Comm;
use crate::system::significant;

/// Extent (m) of a domain above which coordinates without a unit may be millimetres.
const LARGE: f64 = 100.0;

impl MeshSlab {
    /// Multiplies all coordinates by `scale`. Without a scale, adds a warning where the domain is
    /// so large that its coordinates may be millimetres. **Collective.**
    pub fn scaled(mut self, comm: &Comm, scale: Option<f64>) -> Self {
        match scale {
            Some(scale) => {
                self.coordinates.iter_mut().for_each(|point| *point = point.map(|value| value * scale));
                if self.has_unit && scale != 1.0 {
                    self.warnings.push(format!(
                        "the input states the unit of its coordinates, which are in metres without --scale: \
                         --scale {scale} multiplies them all the same"
                    ));
                }
            }
            None if !self.has_unit => {
                let ranges = extent(comm, &self.coordinates);
                let large = ranges.into_iter().zip(["x", "y"]).find(|([low, high], _)| high - low > LARGE);
                self.warnings.extend(large.map(|([low, high], axis)| {
                    format!(
                        "{axis} from {} to {} m: if these are millimetres, use --scale 0.001 (--scale 1 if metres)",
                        significant(low),
                        significant(high)
                    )
                }));
            }
            None => (),
        }
        self
    }
}
