//! Values of a problem's data where the integrals need them, each checked:
//! what is not finite or has the wrong sign must not reach the system.

use std::cell::LazyCell;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::problem::{Condition, Field, OutOfRange, Problem, Range};
use crate::quad8;
use crate::quad8::{Batch, EdgePoint, LANES, Lane, edge_gauss};

/// k at the nine Gauss points of each element of a batch; 1 in lanes without one.
///
/// # Errors
/// [`Error::BadValue`] for the element with the lowest number; on this rank only, as all errors here.
pub fn conductivities(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
) -> Result<[Lane; 9]> {
    at_points(mesh, elements, batch, 1.0, ("k", Range::Positive), |region| &problem.material(region).conductivity)
}

/// f at the nine Gauss points of each element of a batch; 0 in lanes without one.
///
/// # Errors
/// [`Error::BadValue`] for the element with the lowest number.
pub fn sources(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
) -> Result<[Lane; 9]> {
    at_points(mesh, elements, batch, 0.0, ("f", Range::Any), |region| &problem.material(region).source)
}

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
            if let Err(cause) = field.checked(found[q][lane], || points[q].map(|axis| axis[lane]), range) {
                errors.push(bad(mesh, element, what, cause));
                break;
            }
        }
    }
    lowest(errors.into_iter()).map_or(Ok(values), Err)
}

/// p and gamma of an edge with a Robin condition.
pub struct Robin {
    /// The Gauss points of the edge.
    pub points: [EdgePoint; 3],
    /// p there.
    pub p: [f64; 3],
    /// gamma there.
    pub gamma: [f64; 3],
}

/// The Robin data of an edge; none where another condition holds.
///
/// # Errors
/// [`Error::BadValue`].
pub fn robin(problem: &Problem, mesh: &LocalMesh, edge: &BoundaryEdge) -> Result<Option<Robin>> {
    let Condition::Robin { p, gamma } = &problem.conditions[usize::from(edge.boundary)] else { return Ok(None) };
    let points = edge_gauss(&edge.nodes(mesh).map(|n| mesh.coordinates[n as usize]));
    let mut robin = Robin { points, p: [0.0; 3], gamma: [0.0; 3] };
    for (q, point) in points.iter().enumerate() {
        robin.p[q] = p.at(point.at, Range::NotNegative).map_err(|e| bad_on_edge(mesh, edge, "p", e))?;
        robin.gamma[q] = gamma.at(point.at, Range::Any).map_err(|e| bad_on_edge(mesh, edge, "gamma", e))?;
    }
    Ok(Some(robin))
}

/// The error of a value on an edge.
pub fn bad_on_edge(mesh: &LocalMesh, edge: &BoundaryEdge, what: &str, cause: OutOfRange) -> Error {
    let name = &mesh.boundary_names[usize::from(edge.boundary)];
    bad(mesh, edge.element as usize, &format!("{what} of boundary '{name}'"), cause)
}

fn bad(mesh: &LocalMesh, element: usize, what: &str, cause: OutOfRange) -> Error {
    Error::BadValue { element: mesh.element_ids[element], what: what.to_owned(), cause: cause.to_string() }
}

/// `f` of 0 to `n`, computed on all threads. Of several errors the one with the
/// lowest element is returned, whatever the threads.
///
/// Rayon would collect results in lists that it copies again and again, so
/// errors go beside the values, whose place `blank` takes.
pub fn for_all<T: Send + Sync + Copy>(n: usize, blank: T, f: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let split = |i| f(i).map_or_else(|e| (blank, Some(Box::new(e))), |value| (value, None));
    (0..n).into_par_iter().with_min_len(64).map(split).unzip_into_vecs(&mut values, &mut errors);
    lowest(errors.into_iter().flatten().map(|e| *e)).map_or(Ok(values), Err)
}

/// The error that names the lowest element.
pub fn lowest(errors: impl Iterator<Item = Error>) -> Option<Error> {
    errors.min_by_key(Error::place)
}
