//! Coefficients of a problem at the quadrature points, with checks that they are finite and have
//! the required sign.

use std::cell::LazyCell;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::parallel::Comm;
use crate::problem::{Condition, Field, OutOfRange, Problem, Range};
use crate::quad8;
use crate::quad8::{Batch, EdgePoint, LANES, Lane, edge_gauss};

/// Evaluates k at the nine Gauss points of each element of a batch; 1 in lanes without an element.
///
/// # Errors
/// If a value is not finite and positive, for the element with the lowest number; on this rank
/// only.
pub fn conductivities(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
) -> Result<[Lane; 9]> {
    at_points(mesh, elements, batch, 1.0, ("k", Range::Positive), |region| &problem.material(region).conductivity)
}

/// Returns the smallest and the largest k at the Gauss points of all elements. **Collective.**
///
/// # Errors
/// If a value is not finite and positive; the same on every rank.
pub fn conductivity_range(comm: &Comm, mesh: &LocalMesh, problem: &Problem) -> Result<[f64; 2]> {
    let constant = |element: usize| match problem.material(mesh.regions[element]).conductivity {
        Field::Constant(value) => Some([value; 2]),
        _ => None,
    };
    let batch = |b: usize, range: &mut [f64; 2]| {
        let elements = b * LANES..mesh.elements.len().min((b + 1) * LANES);
        if let Some(found) = elements.clone().try_fold(NOTHING, |range, e| Some(widened(range, constant(e)?))) {
            *range = found;
            return Ok(());
        }
        let count = elements.len();
        let batch = Batch::gather(elements.clone().map(|e| mesh.element_coordinates(e)));
        let k = conductivities(problem, mesh, elements, &batch)?;
        *range = k.iter().flat_map(|lanes| &lanes[..count]).fold(NOTHING, |range, &value| widened(range, [value; 2]));
        Ok(())
    };
    let ranges = for_all(mesh.elements.len().div_ceil(LANES), NOTHING, batch);
    let [least, largest] = comm.agree(ranges)?.into_iter().fold(NOTHING, widened);
    Ok([comm.min(least), comm.max(largest)])
}

/// Range without values.
const NOTHING: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

fn widened(range: [f64; 2], other: [f64; 2]) -> [f64; 2] {
    [range[0].min(other[0]), range[1].max(other[1])]
}

/// Evaluates f at the nine Gauss points of each element of a batch; 0 in lanes without an element.
///
/// # Errors
/// If a value is not finite, for the element with the lowest number; on this rank only.
pub fn sources(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
) -> Result<[Lane; 9]> {
    at_points(mesh, elements, batch, 0.0, ("f", Range::Any), |region| &problem.material(region).source)
}

/// Evaluates a field at the nine Gauss points of each element of a batch; `blank` in lanes without
/// an element.
fn at_points<'a>(
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
    blank: f64,
    (what, range): (&str, Range),
    field: impl Fn(u16) -> &'a Field,
) -> Result<[Lane; 9]> {
    let (mut values, mut errors) = ([[blank; LANES]; 9], Vec::new());
    let points = LazyCell::new(|| quad8::gauss_points(batch));
    let mut latest: Option<(&Field, [Lane; 9])> = None;
    for (lane, element) in elements.enumerate() {
        let field = field(mesh.regions[element]);
        if !latest.is_some_and(|(last, _)| std::ptr::eq(last, field)) {
            let found = match field {
                Field::Constant(value) => [[*value; LANES]; 9],
                _ => points.map(|[x, y]| field.values(&x, &y)),
            };
            latest = Some((field, found));
        }
        let Some((_, found)) = &latest else { continue };
        for q in 0..9 {
            values[q][lane] = found[q][lane];
        }
        let different = if matches!(field, Field::Constant(_)) { 1 } else { 9 };
        let check = |q: usize| field.checked(found[q][lane], || points[q].map(|axis| axis[lane]), range);
        errors.extend((0..different).find_map(|q| check(q).err()).map(|cause| bad(mesh, element, what, cause)));
    }
    lowest(errors.into_iter()).map_or(Ok(values), Err)
}

/// Robin data of an edge.
pub struct Robin {
    /// Gauss points of the edge.
    pub points: [EdgePoint; 3],
    /// p at the Gauss points.
    pub p: [f64; 3],
    /// gamma at the Gauss points.
    pub gamma: [f64; 3],
}

/// Evaluates the Robin data of an edge; none for another condition.
///
/// # Errors
/// If p is negative, or p or gamma is not finite; on this rank only.
pub fn robin(problem: &Problem, mesh: &LocalMesh, edge: &BoundaryEdge) -> Result<Option<Robin>> {
    let (p, gamma) = match &problem.conditions[usize::from(edge.boundary)] {
        Condition::Robin { p, gamma } => (p, gamma),
        Condition::Dirichlet(_) | Condition::Natural => return Ok(None),
        unresolved => {
            let text =
                format!("an internal check failed: the condition {unresolved} is not resolved (please report this)");
            return Err(Error::internal(text));
        }
    };
    let points = edge_gauss(&edge.nodes(mesh).map(|n| mesh.coordinates[n as usize]));
    let mut robin = Robin { points, p: [0.0; 3], gamma: [0.0; 3] };
    for (q, point) in points.iter().enumerate() {
        robin.p[q] = p.at(point.at, Range::NotNegative).map_err(|e| bad_on_edge(mesh, edge, "p", e))?;
        robin.gamma[q] = gamma.at(point.at, Range::Any).map_err(|e| bad_on_edge(mesh, edge, "gamma", e))?;
    }
    Ok(Some(robin))
}

/// Creates the error of a value on an edge.
pub fn bad_on_edge(mesh: &LocalMesh, edge: &BoundaryEdge, what: &str, cause: OutOfRange) -> Error {
    let name = &mesh.boundary_names[usize::from(edge.boundary)];
    bad(mesh, edge.element as usize, &format!("{what} of boundary '{name}'"), cause)
}

/// Creates the error of a value in an element.
fn bad(mesh: &LocalMesh, element: usize, what: &str, cause: OutOfRange) -> Error {
    Error::input(format!("{what} = {cause}")).at(mesh.element_ids[element], 0)
}

/// Returns `n` values that `f` sets, from `blank` on, on all threads. Of several errors, returns the
/// one with the lowest element, for any number of threads.
pub fn for_all<T: Send + Sync + Copy>(
    n: usize,
    blank: T,
    f: impl Fn(usize, &mut T) -> Result<()> + Sync,
) -> Result<Vec<T>> {
    let errors = Mutex::new(Vec::new());
    let evaluate = |i| {
        let mut value = blank;
        if let (Err(error), Ok(mut errors)) = (f(i, &mut value), errors.lock()) {
            errors.push(error);
        }
        value
    };
    let values = (0..n).into_par_iter().with_min_len(64).map(evaluate).collect();
    let errors = errors.into_inner().unwrap_or_default();
    lowest(errors.into_iter()).map_or(Ok(values), Err)
}

/// Returns the error with the lowest element.
pub fn lowest(errors: impl Iterator<Item = Error>) -> Option<Error> {
    errors.min_by_key(Error::place)
}
