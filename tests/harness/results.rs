//! Reads results files back and compares them.

use std::path::Path;

use hdf5::{File, H5Type};

/// Datasets of a results file, row by row.
#[derive(Clone, PartialEq)]
pub struct Results {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub quad8: Vec<i32>,
    pub u: Vec<f64>,
    pub vel: Vec<f64>,
    pub abs_vel: Vec<f64>,
    pub pressure: Vec<f64>,
    pub partition: Vec<i32>,
}

impl Results {
    pub fn read(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        Self {
            x: read(&file, "x"),
            y: read(&file, "y"),
            quad8: read(&file, "quad8"),
            u: read(&file, "u"),
            vel: read(&file, "vel"),
            abs_vel: read(&file, "abs_vel"),
            pressure: read(&file, "pressure"),
            partition: read(&file, "partition"),
        }
    }

    /// Returns whether the other file holds the same mesh, bit by bit.
    pub fn has_the_mesh_of(&self, other: &Self) -> bool {
        self.quad8 == other.quad8 && bits(&self.x) == bits(&other.x) && bits(&self.y) == bits(&other.y)
    }

    /// Returns whether the other file holds the same solution, bit by bit.
    pub fn has_the_bits_of(&self, other: &Self) -> bool {
        let solution = |r: &Self| [&r.u, &r.vel, &r.abs_vel, &r.pressure].map(|values| bits(values));
        self.has_the_mesh_of(other) && solution(self) == solution(other)
    }
}

/// Reads all values of a dataset.
pub fn read<T: H5Type>(file: &File, name: &str) -> Vec<T> {
    file.dataset(name).unwrap().read_raw().unwrap()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Returns the largest difference relative to the largest value. NaN equals only NaN.
pub fn difference(got: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let scale = wanted.iter().filter(|w| !w.is_nan()).fold(0.0, |m: f64, w| m.max(w.abs()));
    let apart = got.iter().zip(wanted).map(|(g, w)| match (g.is_nan(), w.is_nan()) {
        (true, true) => 0.0,
        (false, false) => (g - w).abs() / scale,
        _ => f64::INFINITY,
    });
    apart.fold(0.0, f64::max)
}

/// Returns the smallest value, the largest value and the mean, without NaN.
pub fn summary(values: &[f64]) -> [f64; 3] {
    let values: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [low, high, values.iter().sum::<f64>() / values.len() as f64]
}
