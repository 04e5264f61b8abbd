//! Fields as grids of samples with 16 bits each, compressed.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use serde::Serialize;

use crate::io::results::ResultsMesh as Mesh;
use crate::plot::PlotField;
use crate::plot::colour_range::range_of;
use crate::plot::sampling::{PER_PIXEL, Sampling};
use crate::plot::values::Values;
use crate::plot::view::{Bounds, View};

/// Samples outside the bounds on each side.
const RIM: f64 = 2.0;
/// Largest width and height (samples): browsers draw no larger images.
const LONGEST: f64 = 8192.0;
/// Largest code of a value; 0 stands for no value.
const CODES: f64 = 65_534.0;

/// Grid of samples, from the upper left.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Grid {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// x of the left edge (m).
    left: f64,
    /// y of the upper edge (m).
    top: f64,
    /// Distance of the samples (m).
    step: f64,
}

/// Field of a page.
#[derive(Debug, Serialize)]
pub struct Raster {
    key: String,
    label: String,
    /// Value of code 1.
    low: f64,
    /// Difference of the values of two codes.
    step: f64,
    /// Smallest and largest value inside the domain.
    limits: [f64; 2],
    /// Whether the values are powers of ten.
    is_logarithmic: bool,
    /// Whether values between the samples are interpolated.
    is_smooth: bool,
    /// Whether the values are whole numbers without an order.
    is_class: bool,
    /// Codes: see [`pack`].
    codes: String,
}

impl Grid {
    /// Creates a grid of about so many samples over the bounds.
    pub fn new(bounds: Bounds, samples: f64) -> Self {
        let [width, height] = bounds.size();
        let step = (width * height / samples).sqrt().max(width.max(height) / LONGEST);
        // Sampling takes whole pixels.
        let count = |size: f64| ((size / step + 2.0 * RIM) / PER_PIXEL as f64).ceil() as u32 * PER_PIXEL as u32;
        Self {
            width: count(width),
            height: count(height),
            left: bounds.low[0] - RIM * step,
            top: bounds.high[1] + RIM * step,
            step,
        }
    }

    /// Returns the view that has these samples.
    pub fn view(&self) -> View {
        let [width, height] = [self.width, self.height].map(|n| f64::from(n) * self.step);
        let bounds = Bounds { low: [self.left, self.top - height], high: [self.left + width, self.top] };
        View { bounds, corner: [0, 0], size: [self.width, self.height].map(|n| n / PER_PIXEL as u32) }
    }

    /// Returns the position of a point (m) in samples from the upper left corner.
    pub fn place(&self, [x, y]: [f64; 2]) -> [f32; 2] {
        [((x - self.left) / self.step) as f32, ((self.top - y) / self.step) as f32]
    }
}

/// Samples a field; none where no sample has a value, or without finite values in a finite range.
pub fn encode(mut values: Values, sampling: &Sampling, mesh: &Mesh) -> Option<Raster> {
    let is_class = values.kind == PlotField::Partition;
    let [low, high] = values.range()?;
    // Samples are in single precision: the differences of a large pressure keep their digits so.
    values.numbers.iter_mut().for_each(|value| *value -= low);
    let mut samples = values.sample(sampling, mesh);
    values.numbers = Vec::new();
    let finite_range = |samples: &[f32]| range_of(samples.iter().copied().map(f64::from));
    let limits = finite_range(&samples)?;
    // Samples outside stay in the range of the field.
    let range = [limits[0].min(0.0), limits[1].max(high - low)].map(|end| end as f32);
    if values.is_nodal {
        extend(&mut samples, sampling.width, |near| mean(near).clamp(range[0], range[1]));
    } else {
        extend(&mut samples, sampling.width, |near| near[0].0);
    }
    let [least, most] = finite_range(&samples)?;
    let step = if is_class { (most / CODES).max(1.0) } else { ((most - least) / CODES).max((high - low) * 1e-9) };
    let start = if is_class { 0.0 } else { least };
    let code =
        |value: &f32| if value.is_finite() { ((f64::from(*value) - start) / step).round() as u16 + 1 } else { 0 };
    let codes: Vec<u16> = samples.par_iter().map(code).collect();
    Some(Raster {
        key: values.kind.key(),
        label: values.label,
        low: low + start,
        step,
        limits: limits.map(|value| low + value),
        is_logarithmic: values.kind == PlotField::Error,
        is_smooth: values.is_nodal,
        is_class,
        codes: pack(&codes, sampling.width),
    })
}

/// A sample inside, and the next one in its direction.
type Neighbour = (f32, Option<f32>);

/// Fills the samples around the domain, so that values at its edge can be interpolated. `fill` gets
/// the neighbours inside, each with the next one in its direction where that is inside, too.
fn extend(samples: &mut [f32], width: usize, fill: impl Fn(&[Neighbour]) -> f32 + Sync) {
    let inside = |row: Option<usize>, column: Option<usize>| {
        let column = column.filter(|column| *column < width)?;
        samples.get(row? * width + column).copied().filter(|value| value.is_finite())
    };
    let filled = |i: usize| {
        let (row, column) = (i / width, i % width);
        let at = |down: isize, right: isize| inside(row.checked_add_signed(down), column.checked_add_signed(right));
        let directions = (-1..=1).flat_map(|down| (-1..=1).map(move |right| (down, right)));
        let near = directions.filter_map(|(down, right)| at(down, right).map(|value| (value, at(2 * down, 2 * right))));
        let near: Vec<Neighbour> = near.collect();
        (!near.is_empty()).then(|| (i, fill(&near)))
    };
    let outside = (0..samples.len()).into_par_iter().filter(|&i| !samples[i].is_finite());
    let filled: Vec<(usize, f32)> = outside.filter_map(filled).collect();
    for (i, value) in filled {
        samples[i] = value;
    }
}

/// Returns the mean of the values that continue pairs of samples linearly; without a pair the mean
/// of the neighbours.
fn mean(near: &[Neighbour]) -> f32 {
    let linear: Vec<f32> = near.iter().filter_map(|&(value, next)| Some(2.0 * value - next?)).collect();
    let values = if linear.is_empty() { near.iter().map(|near| near.0).collect() } else { linear };
    values.iter().sum::<f32>() / values.len() as f32
}

/// Compresses codes (zlib, base64): the low bytes of all, then the high bytes, of the differences
/// to left + upper - upper left neighbour, with the sign in the lowest bit.
fn pack(codes: &[u16], width: usize) -> String {
    let at = |row: usize, column: usize| codes[row * width + column];
    let difference = |i: usize| {
        let (row, column) = (i / width, i % width);
        let left = if column > 0 { at(row, column - 1) } else { 0 };
        let upper = if row > 0 { at(row - 1, column) } else { 0 };
        let corner = if row > 0 && column > 0 { at(row - 1, column - 1) } else { 0 };
        let signed = codes[i].wrapping_sub(left.wrapping_add(upper).wrapping_sub(corner)) as i16;
        ((signed << 1) ^ (signed >> 15)) as u16
    };
    let bytes = |byte: usize| -> Vec<u8> {
        (0..codes.len()).into_par_iter().map(|i| difference(i).to_le_bytes()[byte]).collect()
    };
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(&bytes(0)).and_then(|()| encoder.write_all(&bytes(1)));
    // A vector takes all bytes.
    let packed = written.and_then(|()| encoder.finish()).unwrap_or_default();
    BASE64_STANDARD.encode(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Reads codes as the page does.
    fn unpack(text: &str, width: usize) -> Vec<u16> {
        let mut bytes = Vec::new();
        let packed = BASE64_STANDARD.decode(text).unwrap();
        flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        let (low, high) = bytes.split_at(bytes.len() / 2);
        let mut codes: Vec<u16> = Vec::new();
        for (i, (&low, &high)) in low.iter().zip(high).enumerate() {
            let packed = u16::from_le_bytes([low, high]);
            let difference = (packed >> 1) ^ (packed & 1).wrapping_neg();
            let left = if i % width > 0 { codes[i - 1] } else { 0 };
            let upper = if i >= width { codes[i - width] } else { 0 };
            let corner = if i >= width && i % width > 0 { codes[i - width - 1] } else { 0 };
            codes.push(difference.wrapping_add(left).wrapping_add(upper).wrapping_sub(corner));
        }
        codes
    }

    #[test]
    fn codes_are_read_as_they_were_packed() {
        let codes: Vec<u16> = (0..35_u32).map(|i| (i * i * 40_503 % 65_536) as u16).collect();
        assert_eq!(unpack(&pack(&codes, 7), 7), codes);
    }

    #[test]
    fn a_linear_field_is_continued_around_the_domain() {
        let (width, nan) = (6, f32::NAN);
        let inside = |row: usize, column: usize| (1..4).contains(&row) && (1..5).contains(&column);
        let value = |i: usize| 2.0 * (i % width) as f32 - (i / width) as f32;
        let mut samples: Vec<f32> =
            (0..30).map(|i| if inside(i / width, i % width) { value(i) } else { nan }).collect();
        extend(&mut samples, width, mean);
        assert!((0..30).all(|i| (samples[i] - value(i)).abs() < 1e-5), "{samples:?}");
    }

    #[test]
    fn a_grid_holds_its_bounds_and_is_not_too_long() {
        let bounds = Bounds { low: [1.0, -2.0], high: [4.0, -1.0] };
        let grid = Grid::new(bounds, 3e4);
        assert!(grid.width.abs_diff(304) <= 2 && grid.height.abs_diff(104) <= 2, "{grid:?}");
        let [left, top] = grid.place([1.0, -1.0]);
        assert!((left - 2.0).abs() < 1e-4 && (top - 2.0).abs() < 1e-4);
        let thin = Grid::new(Bounds { low: [0.0, 0.0], high: [1e4, 1.0] }, 1e6);
        assert!(thin.width <= LONGEST as u32 + 6 && thin.height >= 4, "{thin:?}");
    }
}
