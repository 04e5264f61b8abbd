//! Small meshes for tests, and their files.

use std::path::Path;

use hdf5::{File, H5Type};

/// Mesh in the numbering of its file.
#[derive(Clone)]
pub struct Mesh {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub quad8: Vec<[i64; 8]>,
}

impl Mesh {
    /// Returns `nx` by `ny` elements over the image of the unit square. The nodes are a lattice of
    /// (2 nx + 1) by (2 ny + 1) points, row by row. It includes the centres of the elements, which
    /// belong to no element.
    pub fn grid(nx: usize, ny: usize, map: impl Fn(f64, f64) -> [f64; 2]) -> Self {
        let (columns, rows) = (2 * nx + 1, 2 * ny + 1);
        let points: Vec<[f64; 2]> = (0..rows * columns)
            .map(|n| map((n % columns) as f64 / (2 * nx) as f64, (n / columns) as f64 / (2 * ny) as f64))
            .collect();
        let element = |e: usize| {
            let (i, j) = (2 * (e % nx), 2 * (e / nx));
            let places = [(0, 0), (2, 0), (2, 2), (0, 2), (1, 0), (2, 1), (1, 2), (0, 1)];
            places.map(|(di, dj)| ((j + dj) * columns + i + di) as i64)
        };
        Self {
            x: points.iter().map(|p| p[0]).collect(),
            y: points.iter().map(|p| p[1]).collect(),
            quad8: (0..nx * ny).map(element).collect(),
        }
    }

    /// Returns a rectangle of 2 m by 1 m. The flow through it is u = gamma (2 - x).
    pub fn rectangle(nx: usize, ny: usize) -> Self {
        Self::grid(nx, ny, |s, t| [2.0 * s, t])
    }

    /// Returns a bent channel with the defects of real files: clockwise elements, orphan nodes,
    /// random numbering, and an outlet that is straight but for 1e-6. Its 91 nodes fit into every
    /// integer type. Its coordinates, multiples of 2^-20 m, fit into every floating-point type.
    pub fn channel() -> Self {
        let bulge = |s: f64| s * (1.0 - s);
        let mut mesh = Self::grid(6, 3, |s, t| {
            let jitter = if s == 1.0 { 1e-6 * (4.0 * t - 2.0) } else { 0.0 };
            let x = 3.0 * s + 0.4 * bulge(s) * (2.0 * t - 1.0) + jitter;
            let y = (1.0 - 1.2 * bulge(s)) * t + 0.5 * s * s;
            [x, y].map(|v| (v * 1_048_576.0).round() / 1_048_576.0)
        });
        for nodes in mesh.quad8.iter_mut().skip(1).step_by(3) {
            *nodes = [0, 3, 2, 1, 7, 6, 5, 4].map(|i: usize| nodes[i]);
        }
        mesh.shuffled()
    }

    /// Returns the mesh in a random numbering. Its number of nodes must not be a multiple of 37,
    /// its number of elements not one of 7.
    pub fn shuffled(&self) -> Self {
        let (nodes, elements) = (self.x.len(), self.quad8.len());
        let renumber = |n: usize| (37 * n + 11) % nodes;
        let mut mesh = self.clone();
        for n in 0..nodes {
            (mesh.x[renumber(n)], mesh.y[renumber(n)]) = (self.x[n], self.y[n]);
        }
        for e in 0..elements {
            mesh.quad8[(7 * e + 3) % elements] = self.quad8[e].map(|n| renumber(n as usize) as i64);
        }
        mesh
    }

    /// Adds the elements of another mesh, moved by `up`.
    pub fn add(&mut self, other: &Self, up: f64) {
        let first = self.x.len() as i64;
        self.x.extend(&other.x);
        self.y.extend(other.y.iter().map(|y| y + up));
        self.quad8.extend(other.quad8.iter().map(|nodes| nodes.map(|n| n + first)));
    }

    /// Adds a node and returns its number.
    pub fn add_node(&mut self, x: f64, y: f64) -> i64 {
        self.x.push(x);
        self.y.push(y);
        self.x.len() as i64 - 1
    }

    /// Writes the mesh with coordinates in f64 and nodes in i32.
    pub fn write(&self, path: &Path) {
        self.write_as(path, |x| x, |n| n as i32);
    }

    /// Writes the mesh in the types that the two functions return.
    pub fn write_as<F: H5Type, I: H5Type>(&self, path: &Path, float: impl Fn(f64) -> F, integer: impl Fn(i64) -> I) {
        let file = File::create(path).unwrap();
        for (name, values) in [("x", &self.x), ("y", &self.y)] {
            let values: Vec<F> = values.iter().map(|&v| float(v)).collect();
            write(&file, name, &[values.len()], &values);
        }
        let nodes: Vec<I> = self.quad8.iter().flatten().map(|&n| integer(n)).collect();
        write(&file, "quad8", &[self.quad8.len(), 8], &nodes);
    }
}

/// Writes one dataset.
pub fn write<T: H5Type>(file: &File, name: &str, shape: &[usize], values: &[T]) {
    file.new_dataset::<T>().shape(shape).create(name).unwrap().write_raw(values).unwrap();
}
