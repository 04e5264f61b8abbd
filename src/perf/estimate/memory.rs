//! Memory of a solve: the arrays of each rank, and the stages at which they exist.
//!
//! Sizes are those of the types in the named modules, for equal parts of elements and nodes. The
//! few rows marked *measured* are memory of the allocator and of MPI. To calibrate again, change
//! the rows.

use serde::Serialize;

use crate::fem::{OperatorKind, PreconditionerKind};
use crate::mesh::MeshSize;
use crate::perf::estimate::Plan;

/// Stages of a run with different memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading, splitting, distributing.
    Distribute,
    /// Assembling.
    Assemble,
    /// Building the preconditioner.
    Setup,
    /// Iterating.
    Solve,
    /// Recovering the derived fields.
    Recover,
    /// Writing the results file.
    Write,
}

use Stage::{Assemble, Distribute, Recover, Setup, Solve, Write};

const STAGES: [Stage; 6] = [Distribute, Assemble, Setup, Solve, Recover, Write];

/// One array, or several that belong together.
#[derive(Debug, Clone, Serialize)]
pub struct Array {
    /// Name of the array.
    pub name: &'static str,
    /// Size on one rank (bytes).
    pub bytes_per_rank: u64,
    /// Stages at which it exists.
    pub stages: &'static [Stage],
}

/// Bytes of program, libraries and MPI on one rank (measured).
const PROCESS: f64 = 28.0 * MIB;
/// Bytes of MPI for each other rank of a host (measured).
const NEIGHBOUR: f64 = 0.5 * MIB;
const MIB: f64 = (1 << 20) as f64;

/// Elements and nodes of one rank, with ghosts.
#[derive(Clone, Copy)]
struct Share {
    elements: f64,
    nodes: f64,
}

impl Share {
    /// Estimates equal parts with a layer of ghosts along half of the outline.
    fn of(size: MeshSize, ranks: usize) -> Self {
        let elements = size.elements as f64 / ranks as f64;
        let ghosts = if ranks > 1 { 2.0 * elements.sqrt() } else { 0.0 };
        let per_element = size.nodes as f64 / size.elements.max(1) as f64;
        Self { elements: elements + ghosts, nodes: (elements + ghosts) * per_element }
    }

    fn bytes(self, element: f64, node: f64) -> f64 {
        element * self.elements + node * self.nodes
    }
}

/// Lists every array of a case.
pub fn arrays(case: &Plan) -> Vec<Array> {
    let all = Share::of(case.refined(), case.ranks);
    let base = Share::of(case.base, case.ranks);
    let is_nested = case.refine > 0 && case.preconditioner == PreconditionerKind::Multigrid;
    let mut rows = vec![
        ("program and MPI", PROCESS + NEIGHBOUR * case.ranks_of_host as f64, &STAGES[..]),
        // LocalMesh: nodes, number, region; coordinates, number.
        ("mesh", all.bytes(42.0, 24.0), &STAGES),
        // CompactNodes and BatchStiffness<f64>: eight nodes, 28 numbers. They are the operator, or
        // else freed when the corners are there.
        (
            "element matrices",
            all.bytes(241.0, 0.0),
            match case.operator {
                OperatorKind::Elements => &[Assemble, Setup, Solve],
                OperatorKind::Assembled if is_nested => &[Assemble],
                OperatorKind::Assembled => &[Assemble, Setup],
            },
        ),
        // Load; without a source it is stored where it is not zero.
        ("right-hand side", all.bytes(0.0, 8.0), &[Assemble]),
        // u in two doubles, r, p, z.
        ("vectors of CG", all.bytes(0.0, 40.0), &[Solve]),
        // ElementFields and NodeFields.
        ("derived fields", all.bytes(32.0, 40.0), if case.has_flux { &[Recover, Write] } else { &[Write] }),
        // GaussVelocities, Adjacency; Sides, values. Every third node has a Patch.
        ("Gauss points and patches", all.bytes(160.0, 26.0 + 104.0 / 3.0), &[Recover]),
        // Eight numbers an element in the message and the slab, and where they go. Those of the
        // nodes take less.
        ("rows for the results file", all.bytes(76.0, 0.0), &[Write]),
    ];
    // DirichletBc and right-hand side of each.
    rows.push(("floating boundaries", case.floating as f64 * all.bytes(0.0, 9.0), &[Setup, Solve]));
    if case.has_flux {
        rows.push(("flux density", all.bytes(16.0, 16.0), &[Recover, Write]));
    }
    // MeshSlab, messages, and distribute's Element and tables (measured).
    let file = if case.is_file { 1.0 } else { 0.0 };
    rows.push(("slabs and messages", base.bytes(file * 280.0, 0.0), &[Distribute]));
    let jacobi = case.preconditioner == PreconditionerKind::Jacobi;
    let after_elements = if is_nested {
        50.0
    } else if jacobi {
        60.0
    } else {
        0.0
    };
    let after_rows = if case.operator == OperatorKind::Assembled { 170.0 } else { 0.0 };
    let kept = all.bytes(after_elements, after_rows);
    // Measured.
    rows.push(("kept by the allocator", kept, &[Setup, Solve]));
    match case.operator {
        OperatorKind::Elements => rows.push(("diagonal", all.bytes(0.0, 8.0), &[Setup])),
        OperatorKind::Assembled => {
            rows.push(("operator", all.bytes(0.0, ROW * 12.0 + 8.0), &[Assemble, Setup, Solve]));
            rows.push(("rows of the operator in chunks", all.bytes(0.0, ROW * 12.0), &[Assemble]));
        }
    }
    rows.extend(preconditioner(case, all));
    let array = |(name, bytes, stages): Row| Array { name, bytes_per_rank: bytes as u64, stages };
    rows.into_iter().map(array).filter(|array| array.bytes_per_rank > 0).collect()
}

type Row = (&'static str, f64, &'static [Stage]);

/// Entries in a row of the assembled matrix.
const ROW: f64 = 15.6;
/// Entries in a row of the matrix of the corners.
const CORNER_ROW: f64 = 9.0;

fn preconditioner(case: &Plan, all: Share) -> Vec<Row> {
    if case.preconditioner == PreconditionerKind::Jacobi {
        return vec![("preconditioner", all.bytes(0.0, 8.0), &[Setup, Solve])];
    }
    let single = match case.operator {
        OperatorKind::Elements => all.bytes(60.0, 0.0),
        OperatorKind::Assembled => all.bytes(0.0, ROW * 6.0 + 4.0),
    };
    let mut rows: Vec<Row> = vec![
        ("operator of the smoother", single, &[Setup, Solve]),
        // Both ends; d, the next d and the inverse diagonal of each level, with b and x on coarser
        // ones.
        ("vectors of multigrid", all.bytes(0.0, 18.0) + coarser(case, all.bytes(0.0, 18.0)), &[Setup, Solve]),
    ];
    if case.refine > 0 {
        // LocalMesh, conditions.
        rows.push(("coarser meshes", coarser(case, all.bytes(42.0, 25.0)), &[Setup]));
        // Nodes of the coarse elements and of their children.
        rows.push(("transfers between meshes", coarser(case, all.bytes(68.0, 0.0)), &[Setup, Solve]));
        rows.push(("operators of coarser meshes", coarser(case, all.bytes(77.0, 0.0)), &[Setup, Solve]));
    }
    // One corner and two middle nodes an element, all on the coarsest mesh.
    let corners = all.elements / 4_f64.powi(case.refine as i32);
    // Ends of three nodes an element and the nodes around each corner; the rows of the operator.
    rows.push(("corners in single precision", corners * (31.0 + 23.0), &[Setup, Solve]));
    // The matrix.
    rows.push(("corners in double precision", corners * (CORNER_ROW * 12.0 + 8.0), &[Setup]));
    // Aggregates and products while they are formed (measured).
    rows.push(("aggregates and products", corners * 145.0, &[Setup]));
    rows
}

/// Returns the bytes of the same array of all coarser meshes together: a quarter for each level.
fn coarser(case: &Plan, finest: f64) -> f64 {
    (1..=case.refine).map(|level| finest / 4_f64.powi(level as i32)).sum()
}

/// Returns the stage with the largest sum of arrays, and that sum on one rank (bytes).
pub fn peak(arrays: &[Array]) -> (Stage, u64) {
    let sum = |stage: Stage| arrays.iter().filter(|a| a.stages.contains(&stage)).map(|a| a.bytes_per_rank).sum();
    let sums = STAGES.map(|stage| (stage, sum(stage)));
    sums.into_iter().max_by_key(|&(_, bytes): &(Stage, u64)| bytes).unwrap_or((Setup, 0))
}
