//! Structured meshes that are made irregular on purpose, with known properties.

use quad8_mpi::Result;
use quad8_mpi::mesh::{MeshSlab, Tags};
use quad8_mpi::parallel::{Comm, GlobalIndex};
use quad8_mpi::quad8::{NODES, reoriented};

/// Structured grid of n by m elements over the image of the unit square.
#[derive(Clone, Copy)]
pub struct Grid {
    pub n: usize,
    pub m: usize,
    /// Map from the unit square to the plane (m).
    pub map: fn(f64, f64) -> [f64; 2],
    /// Whether edges follow the map; otherwise they are straight.
    pub curved: bool,
    /// Whether nodes and elements are numbered randomly.
    pub shuffled: bool,
    /// Number of nodes that no element uses.
    pub orphans: usize,
    /// Whether every third element is clockwise.
    pub clockwise: bool,
}

/// Whole mesh, which every rank holds to compute expected values.
#[derive(Clone, Default)]
pub struct Mesh {
    pub points: Vec<[f64; 2]>,
    pub elements: Vec<[i64; 8]>,
    /// Numbers of the nodes without elements.
    pub orphans: Vec<GlobalIndex>,
    /// Number of clockwise elements.
    pub clockwise: u64,
    /// Region, 0 or 1, of each element, if there are regions.
    pub regions: Vec<u16>,
}

/// Maps the unit square to an annular sector, 1 <= r <= 2 and 0 <= angle <= [`ANGLE`], with a
/// smoothly distorted inside.
pub fn sector(s: f64, t: f64) -> [f64; 2] {
    use std::f64::consts::PI;
    let r = 1.0 + s + 0.08 * (PI * s).sin() * (3.0 * t).cos();
    let angle = ANGLE * (t + 0.07 * (PI * t).sin() * (2.5 * s).cos());
    [r * angle.cos(), r * angle.sin()]
}

/// Opening angle of [`sector`].
pub const ANGLE: f64 = 1.2;

/// Maps the unit square to itself, with a strongly distorted inside.
pub fn rough_square(s: f64, t: f64) -> [f64; 2] {
    let inside = 0.6 * s * (1.0 - s) * t * (1.0 - t);
    [s + inside * (40.0 * s + 31.0 * t).sin(), t + inside * (37.0 * s - 23.0 * t).cos()]
}

impl Grid {
    /// Returns a regular grid of curved elements over [`sector`].
    pub fn new(n: usize, m: usize) -> Self {
        Self { n, m, map: sector, curved: true, shuffled: false, orphans: 0, clockwise: false }
    }

    /// Returns a grid with all irregularities of real meshes.
    pub fn untidy(n: usize, m: usize) -> Self {
        Self { shuffled: true, orphans: 2 + n * m / 4, clockwise: true, ..Self::new(n, m) }
    }

    /// Returns a grid of straight-edged distorted elements over [`rough_square`].
    pub fn rough(n: usize, m: usize) -> Self {
        Self { map: rough_square, curved: false, shuffled: true, ..Self::new(n, m) }
    }

    /// Returns the number of nodes that elements use.
    pub fn nodes(self) -> usize {
        3 * self.n * self.m + 2 * (self.n + self.m) + 1
    }

    /// Returns the number of edges.
    pub fn edges(self) -> usize {
        self.n * (self.m + 1) + self.m * (self.n + 1)
    }

    pub fn mesh(self) -> Mesh {
        let total = self.nodes() + self.orphans;
        let number = shuffle(total, self.shuffled);
        let mut mesh = Mesh { points: vec![[0.0; 2]; total], ..Mesh::default() };
        for j in 0..=2 * self.m {
            for i in (0..=2 * self.n).filter(|i| i % 2 == 0 || j % 2 == 0) {
                mesh.points[number(self.natural(i, j))] = self.point(i, j);
            }
        }
        mesh.orphans = (self.nodes()..total).map(|k| number(k) as GlobalIndex).collect();
        for (&orphan, k) in mesh.orphans.iter().zip(0..) {
            mesh.points[orphan as usize] = [10.0 + f64::from(k), -3.0];
        }
        let position = shuffle(self.n * self.m, self.shuffled);
        mesh.elements = vec![[0; 8]; self.n * self.m];
        for e in 0..self.n * self.m {
            let (p, q) = (e % self.n, e / self.n);
            let corner = |x: f64| (x + 1.0) as usize;
            let nodes = NODES.map(|[x, y]| number(self.natural(2 * p + corner(x), 2 * q + corner(y))) as i64);
            let is_clockwise = self.clockwise && e % 3 == 1;
            mesh.elements[position(e)] = if is_clockwise { reoriented(nodes) } else { nodes };
            mesh.clockwise += u64::from(is_clockwise);
        }
        mesh
    }

    /// Returns the number, row by row, of lattice point (i, j). i and j must not both be odd.
    fn natural(self, i: usize, j: usize) -> usize {
        let before = j / 2 * (3 * self.n + 2);
        if j.is_multiple_of(2) { before + i } else { before + 2 * self.n + 1 + i / 2 }
    }

    fn point(self, i: usize, j: usize) -> [f64; 2] {
        let mean = |a: [f64; 2], b: [f64; 2]| [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])];
        match (i % 2, j % 2) {
            (1, _) if !self.curved => mean(self.point(i - 1, j), self.point(i + 1, j)),
            (_, 1) if !self.curved => mean(self.point(i, j - 1), self.point(i, j + 1)),
            _ => (self.map)(i as f64 / (2 * self.n) as f64, j as f64 / (2 * self.m) as f64),
        }
    }
}

/// Returns a permutation of `0..total`, the identity unless shuffled.
fn shuffle(total: usize, shuffled: bool) -> impl Fn(usize) -> usize {
    fn gcd(a: usize, b: usize) -> usize {
        if b == 0 { a } else { gcd(b, a % b) }
    }
    let start = 618 * total / 1000 + 1;
    let factor = (start..).find(|&f| gcd(f, total) == 1).expect("some number is coprime");
    move |k| if shuffled { (k * factor + total / 3) % total } else { k }
}

impl Mesh {
    pub fn slab(&self, comm: &Comm) -> Result<MeshSlab> {
        let (points, elements) = (&self.points, &self.elements);
        let (nodes, count) = (points.len() as GlobalIndex, elements.len() as GlobalIndex);
        let slab = MeshSlab::generate(comm, nodes, count, |n| points[n as usize], |e| elements[e as usize])?;
        if self.regions.is_empty() {
            return Ok(slab);
        }
        let regions = slab.elements.range(comm.rank()).map(|e| self.regions[e as usize]).collect();
        slab.with_tags(comm, Tags { region_names: ["a", "b"].map(str::to_owned).to_vec(), regions, ..Tags::default() })
    }

    /// Returns the nodes of an element, counter-clockwise.
    pub fn oriented(&self, element: GlobalIndex) -> [GlobalIndex; 8] {
        let nodes = self.elements[element as usize];
        let [a, b, d] = [0, 1, 3].map(|i| self.points[nodes[i] as usize]);
        let cross = (b[0] - a[0]) * (d[1] - a[1]) - (b[1] - a[1]) * (d[0] - a[0]);
        (if cross < 0.0 { reoriented(nodes) } else { nodes }).map(|n| n as GlobalIndex)
    }

    /// Returns the number of elements around each node.
    pub fn valences(&self) -> Vec<usize> {
        let mut counts = vec![0; self.points.len()];
        self.elements.iter().flatten().for_each(|&n| counts[n as usize] += 1);
        counts
    }

    /// Adds an element. Its nodes at the places in `known` exist already. The others are new: `map`
    /// takes them from the reference square to the plane.
    pub fn add(&mut self, known: &[(usize, i64)], map: impl Fn([f64; 2]) -> [f64; 2]) {
        let nodes = std::array::from_fn(|i| match known.iter().find(|(place, _)| *place == i) {
            Some(&(_, node)) => node,
            None => {
                self.points.push(map(NODES[i]));
                self.points.len() as i64 - 1
            }
        });
        self.elements.push(nodes);
    }
}

/// Returns the map from the reference square to a square of half a metre.
pub fn square(low: [f64; 2]) -> impl Fn([f64; 2]) -> [f64; 2] {
    move |[xi, eta]| [low[0] + 0.25 * (xi + 1.0), low[1] + 0.25 * (eta + 1.0)]
}
