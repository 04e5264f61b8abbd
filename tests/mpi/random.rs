//! Meshes from a seed, with all that real ones have: the distributed solve, by
//! multigrid and element by element, agrees with a direct one of the assembled
//! matrix. QUAD8_MPI_SEEDS is the number of meshes (24).

use std::f64::consts::PI;
use std::rc::Rc;

use quad8_mpi::la::cg::ConvergedReason;
use quad8_mpi::parallel::{Comm, GlobalIndex};
use quad8_mpi::problem::{Condition, Field, Material, Problem};
use quad8_mpi::quad8::{NODES, reoriented};

use super::meshes::Mesh;
use super::multigrid::System;
use super::pipeline::{self, Model, alone};
use crate::Check;

pub const CHECKS: &[Check] = checks![the_distributed_solution_of_a_random_mesh_is_the_direct_one];

const LIMIT: f64 = 1e-9;

/// Numbers without order (S. Vigna, SplitMix64, as in Java's SplittableRandom).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A number from `low` to `high`.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        (1..length).rev().for_each(|i| order.swap(i, self.below(i + 1)));
        order
    }
}

/// One to three pieces, graded and curved, turned as a whole, some elements
/// clockwise, some nodes of no element, all numbers permuted.
fn mesh(random: &mut Random) -> Mesh {
    let mut points = Vec::new();
    let mut elements: Vec<[usize; 8]> = Vec::new();
    for piece in 0..1 + random.below(3) {
        add_piece(random, 3.0 * piece as f64, &mut points, &mut elements);
    }
    let used = points.len();
    points.extend((0..random.below(5)).map(|k| [-7.0, k as f64]));
    let (sin, cos) = random.between(0.0, 2.0 * PI).sin_cos();
    let (number, place) = (random.permutation(points.len()), random.permutation(elements.len()));

    let mut mesh =
        Mesh { points: vec![[0.0; 2]; points.len()], elements: vec![[0; 8]; elements.len()], ..Mesh::default() };
    for (&[x, y], &n) in points.iter().zip(&number) {
        mesh.points[n] = [cos * x - sin * y, sin * x + cos * y];
    }
    for (nodes, &e) in elements.iter().zip(&place) {
        let nodes = nodes.map(|n| number[n] as i64);
        let is_clockwise = random.below(4) == 0;
        mesh.elements[e] = if is_clockwise { reoriented(nodes) } else { nodes };
        mesh.clockwise += u64::from(is_clockwise);
    }
    mesh.orphans = number[used..].iter().map(|&n| n as GlobalIndex).collect();
    mesh
}

/// n x m elements, at most 2 m wide, above `bottom`.
fn add_piece(random: &mut Random, bottom: f64, points: &mut Vec<[f64; 2]>, elements: &mut Vec<[usize; 8]>) {
    let [n, m] = [1 + random.below(5), 1 + random.below(5)];
    let [width, height] = [(); 2].map(|()| random.between(0.5, 2.0));
    let [across, along] = [(); 2].map(|()| random.between(0.75, 1.5));
    // Less than would fold: the determinant is width height - bulge[0] bulge[1] pi^2 cos cos.
    let bulge = [(); 2].map(|()| random.between(-0.2, 0.2) * width.min(height));
    let point = |i: usize, j: usize| {
        let (s, t) = ((i as f64 / (2 * n) as f64).powf(across), (j as f64 / (2 * m) as f64).powf(along));
        [width * s + bulge[0] * (PI * t).sin(), bottom + height * t + bulge[1] * (PI * s).sin()]
    };
    let first = points.len();
    let number = |i: usize, j: usize| {
        let before = j / 2 * (3 * n + 2);
        first + if j.is_multiple_of(2) { before + i } else { before + 2 * n + 1 + i / 2 }
    };
    for j in 0..=2 * m {
        points.extend((0..=2 * n).filter(|i| i % 2 == 0 || j % 2 == 0).map(|i| point(i, j)));
    }
    for e in 0..n * m {
        let corner = |x: f64| (x + 1.0) as usize;
        elements.push(NODES.map(|[x, y]| number(2 * (e % n) + corner(x), 2 * (e / n) + corner(y))));
    }
}

/// Dirichlet and Robin edges as they come, in stripes; they hold every piece.
fn stripes(points: &[[f64; 2]; 3]) -> Option<u16> {
    let [x, y] = points[1];
    Some(u16::from((2.3 * x + 1.7 * y).rem_euclid(2.0) < 1.0))
}

fn problem() -> Problem {
    let field = |text: &str| text.parse::<Field>().expect("a formula");
    let robin = Condition::Robin { p: field("1 + x^2"), gamma: field("sin(y)") };
    Problem {
        material: Material { conductivity: field("2 + sin(3*x) * cos(2*y)").into(), source: field("x - y").into() },
        conditions: vec![Condition::Dirichlet(field("x*y - 0.5*x")), robin],
        ..Problem::default()
    }
}

/// The solution by the number of the node, by the Cholesky factor of the whole
/// matrix (Golub, Van Loan, *Matrix Computations*, 4th ed., section 4.2).
fn direct(model: &Model) -> Vec<f64> {
    let pipeline::System { matrix, b: mut u, fixed } = model.system(&problem());
    let n = u.len();
    let mut factor = vec![vec![0.0; n]; n];
    for i in 0..n {
        matrix.local().row(i).for_each(|(j, value)| factor[i][j as usize] = value);
    }
    for i in 0..n {
        for j in 0..=i {
            let rest = factor[i][j] - (0..j).map(|k| factor[i][k] * factor[j][k]).sum::<f64>();
            factor[i][j] = if i == j { rest.sqrt() } else { rest / factor[j][j] };
        }
        u[i] = (u[i] - (0..i).map(|k| factor[i][k] * u[k]).sum::<f64>()) / factor[i][i];
    }
    for i in (0..n).rev() {
        u[i] = (u[i] - (i + 1..n).map(|k| factor[k][i] * u[k]).sum::<f64>()) / factor[i][i];
    }
    let (is_fixed, values) = (fixed.fixed(), fixed.values());
    (0..n).filter(|&i| is_fixed[i]).for_each(|i| u[i] = values[i]);
    model.by_number(&u)
}

fn the_distributed_solution_of_a_random_mesh_is_the_direct_one(comm: &Rc<Comm>) {
    let seeds = std::env::var("QUAD8_MPI_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    for seed in 0..seeds {
        let mesh = mesh(&mut Random(seed));
        let model = |comm: &Rc<Comm>| {
            let made = Model::new(comm, &mesh, &stripes, &problem(), 0);
            made.unwrap_or_else(|error| panic!("seed {seed}: {error}"))
        };
        let expected = direct(&model(&alone()));
        let distributed = model(comm);
        assert_eq!(distributed.reoriented, mesh.clockwise, "seed {seed}");
        let (u, report) = System::new(&distributed, &problem()).solve(1e-12);
        assert_eq!(report.outcome, ConvergedReason::Converged, "seed {seed}");
        let scale = expected.iter().filter(|value| value.is_finite()).fold(0.0_f64, |m, value| m.max(value.abs()));
        for (value, &id) in u.owned().iter().zip(distributed.owned_ids()) {
            let wanted = expected[id as usize];
            assert!((value - wanted).abs() <= LIMIT * scale, "seed {seed}, node {id}: {value} and {wanted}");
        }
    }
}
