//! Values of the field in a picture, and the range of its colours.

use crate::error::{Error, Result};
use crate::io::results::{ResultsMesh as Mesh, ResultsReader};
use crate::plot::colour_range::{ColourRange, range_of};
use crate::plot::figure::Bar;
use crate::plot::sampling::Sampling;
use crate::plot::view::{Bounds, View};
use crate::plot::{PlotField, nothing_to_show};

/// Values of a field, or of the difference of two, with their label.
pub struct Values {
    /// Value of each node or element.
    pub numbers: Vec<f64>,
    /// Whether they are values of nodes.
    pub is_nodal: bool,
    /// The field.
    pub kind: PlotField,
    scale: Scale,
    /// Name and unit.
    pub label: String,
}

/// Meaning of the values.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    /// Powers of ten.
    Logarithmic,
    /// Differences, with colours on both sides of zero.
    Difference,
}

impl Values {
    /// Reads the field of the options from one results file.
    ///
    /// # Errors
    /// The field is missing or cannot be read.
    pub fn read(reader: &ResultsReader, mesh: &Mesh, kind: PlotField) -> Result<Self> {
        let (nodes, elements) = (mesh.points.len(), mesh.elements.len());
        let dataset = kind.dataset();
        let (is_nodal, name) = describe(kind);
        let numbers = match kind {
            PlotField::Flux => {
                let flux = reader.numbers(dataset, Some(&[nodes, 2]))?;
                flux.as_chunks::<2>().0.iter().map(|[x, y]| x.hypot(*y)).collect()
            }
            _ => reader.numbers(dataset, Some(&[if is_nodal { nodes } else { elements }]))?,
        };
        let stored = if is_nodal { reader.name(dataset) } else { None };
        let name = stored.unwrap_or_else(|| name.to_owned());
        let unit = reader.unit(dataset);
        let label = if unit.is_empty() { name } else { format!("{name} ({unit})") };
        Ok(Self { numbers, is_nodal, kind, scale: Scale::Linear, label })
    }

    /// Returns the smallest and the largest value, not too close to each other; none without finite
    /// values in a finite range.
    pub fn range(&self) -> Option<[f64; 2]> {
        range_of(self.numbers.iter().copied()).map(widened)
    }

    /// Subtracts the values of the same field on the same mesh.
    #[must_use]
    pub fn minus(mut self, other: &Self) -> Self {
        self.numbers.iter_mut().zip(&other.numbers).for_each(|(value, other)| *value -= other);
        Self { scale: Scale::Difference, label: format!("difference of {}", self.label), ..self }
    }

    /// Makes the colours of errors logarithmic: errors differ by orders of magnitude.
    #[must_use]
    pub fn with_logarithms(mut self) -> Self {
        if self.kind == PlotField::Error {
            let largest = self.numbers.iter().copied().fold(0.0, f64::max);
            self.numbers.iter_mut().for_each(|v| *v = v.max(1e-5 * largest).log10());
            self.scale = Scale::Logarithmic;
        }
        self
    }

    /// Returns the colour bar, for the whole field or for the part in a window.
    ///
    /// # Errors
    /// No values are finite, none are in the window, or the field has no such range.
    pub fn bar(&self, asked: Option<&ColourRange>, mesh: &Mesh, window: Option<Bounds>) -> Result<Bar> {
        let all = range_of(self.numbers.iter().copied()).ok_or_else(|| nothing_to_show(self.kind.dataset()))?;
        if self.kind == PlotField::Partition {
            if asked.is_some() {
                return Err(Error::input(
                    "each rank has a colour of its own: --range does not go with --field partition",
                ));
            }
            return Ok(Bar::classes((all[1] as usize).saturating_add(1), &self.label));
        }
        let is_logarithmic = self.scale == Scale::Logarithmic;
        // The colours do not depend on the size of the picture.
        let view = View::coarse(window.unwrap_or_else(|| Bounds::of(mesh)));
        let sample = || self.sample(&Sampling::new(mesh, &view), mesh);
        let seen = match window {
            Some(_) => range_of(sample().into_iter().map(f64::from)).ok_or_else(no_element)?,
            None => all,
        };
        let range = asked.map_or(Ok(seen), |range| range.resolve(sample, is_logarithmic))?;
        let range = widened(if self.scale == Scale::Difference { symmetric(range) } else { range });
        let is_clipped = seen[0] < range[0] || seen[1] > range[1];
        let label = if is_clipped { format!("{}, clipped", self.label) } else { self.label.clone() };
        Ok(Bar::map(self.gradient(), range, is_logarithmic, &label))
    }

    fn gradient(&self) -> colorous::Gradient {
        match self.kind {
            // C. A. Brewer's diverging map that colour-blind readers tell apart.
            _ if self.scale == Scale::Difference => colorous::PURPLE_ORANGE,
            PlotField::Speed | PlotField::Flux => colorous::VIRIDIS,
            PlotField::Pressure | PlotField::U => colorous::CIVIDIS,
            PlotField::Error | PlotField::Partition => colorous::INFERNO,
        }
    }

    /// Interpolates the values at samples; NaN outside.
    pub fn sample(&self, sampling: &Sampling, mesh: &Mesh) -> Vec<f32> {
        if self.is_nodal { sampling.nodal(mesh, &self.numbers) } else { sampling.cells(&self.numbers) }
    }
}

fn no_element() -> Error {
    Error::input("no element is in the window of --window")
}

/// Returns whether a field is at the nodes, and its name.
fn describe(kind: PlotField) -> (bool, &'static str) {
    match kind {
        PlotField::Speed => (true, "speed"),
        PlotField::Flux => (true, "flux"),
        PlotField::Pressure => (true, "pressure"),
        PlotField::U => (true, "u"),
        PlotField::Partition => (false, "rank"),
        PlotField::Error => (false, "error estimate"),
    }
}

/// Returns the smallest range around zero that holds a range.
fn symmetric([low, high]: [f64; 2]) -> [f64; 2] {
    let largest = low.abs().max(high.abs());
    [-largest, largest]
}

/// Returns a range that is not too small for colours: a constant field gets a small one.
fn widened([low, high]: [f64; 2]) -> [f64; 2] {
    let spread = (1e-6 * low.abs().max(high.abs())).max(1e-12);
    if high - low > 1e-6 * spread { [low, high] } else { [low - spread, high + spread] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_of_a_difference_are_centred_at_zero() {
        assert_eq!(symmetric([-1.0, 3.0]), [-3.0, 3.0]);
        assert_eq!(symmetric([-5.0, -1.0]), [-5.0, 5.0]);
        assert_eq!(widened([2.0, 3.0]), [2.0, 3.0]);
        let [low, high] = widened([0.0, 0.0]);
        assert!(low < 0.0 && high == -low);
    }
}
