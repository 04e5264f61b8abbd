//! Coefficients of a problem at the quadrature points, with checks that they are finite and have
//! the required sign.

use std::cell::LazyCell;
use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::mesh::{LocalMesh, Location, MeshData};
use crate::parallel::loops;
use crate::problem::{Coefficient, Field, OutOfRange, Problem, Range, is_positive_definite};
use crate::quad8;
use crate::quad8::{Batch, LANES, Lane, SHAPES_3X3};

/// Evaluates k times the weight of the geometry at the nine Gauss points of each element of a
/// batch, as a number (`N` = 1, for an isotropic problem) or a tensor (`N` = 3); not zero in lanes
/// without an element.
///
/// # Errors
/// If a value of k is not finite and positive (definite), for the element with the lowest number;
/// on this rank only.
pub fn conductivities<const N: usize>(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize> + Clone,
    batch: &Batch,
) -> Result<[[Lane; N]; 9]> {
    let mut values = unweighted_conductivities(problem, mesh, elements, batch)?;
    if !problem.geometry.is_plane() {
        for (values, [x, _]) in values.iter_mut().zip(quad8::gauss_points(batch)) {
            values.iter_mut().for_each(|values| multiply_by_weight(problem, values, &x));
        }
    }
    Ok(values)
}

/// Multiplies values at points with these x (m) by the weight of the geometry.
fn multiply_by_weight(problem: &Problem, values: &mut Lane, x: &Lane) {
    values.iter_mut().zip(x).for_each(|(value, &x)| *value *= problem.geometry.weight(x));
}

/// Evaluates k at the nine Gauss points of each element of a batch; 1 in lanes without an element.
///
/// # Errors
/// Those of [`conductivities`].
pub fn unweighted_conductivities<const N: usize>(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize> + Clone,
    batch: &Batch,
) -> Result<[[Lane; N]; 9]> {
    let mut values = [[[0.0; LANES]; N]; 9];
    for i in 0..N {
        let (blank, range) = (if i == 1 { 0.0 } else { 1.0 }, if N == 1 { Range::Positive } else { Range::Any });
        let component = |region| problem.material(region).conductivity.components::<N>()[i];
        let found = at_points(mesh, elements.clone(), batch, blank, ("k", range), component)?;
        values.iter_mut().zip(found).for_each(|(at, found)| at[i] = found);
    }
    lowest(indefinite(problem, mesh, elements, batch, &values).into_iter()).map_or(Ok(values), Err)
}

/// Returns the error of each element of a batch whose tensor is not positive definite at a Gauss
/// point.
fn indefinite<const N: usize>(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
    values: &[[Lane; N]; 9],
) -> Vec<Error> {
    if N == 1 {
        return Vec::new();
    }
    let tensor = |q: usize, lane: usize| -> Option<[f64; 3]> { values[q].map(|of| of[lane])[..].try_into().ok() };
    let error = |(lane, element): (usize, usize)| {
        let bad = |q: usize| tensor(q, lane).filter(|&k| !is_positive_definite(k)).map(|k| (q, k));
        let (q, [xx, xy, yy]) = (0..9).find_map(bad)?;
        let [x, y] = quad8::gauss_points(batch)[q].map(|axis| axis[lane]);
        let k = &problem.material(mesh.regions[element]).conductivity;
        let text = format!(
            "k = {k} is kxx = {xx}, kxy = {xy}, kyy = {yy} at x = {x}, y = {y}, it must be positive definite: kxx > 0 and \
             kxx kyy > kxy^2"
        );
        Some(bad_in_element(mesh, element, &text))
    };
    elements.enumerate().filter_map(error).collect()
}

/// Returns k where it is the same in a whole element.
pub fn constant_conductivity<const N: usize>(problem: &Problem, mesh: &LocalMesh, element: usize) -> Option<[f64; N]> {
    let mut values = [0.0; N];
    let components = problem.material(mesh.regions[element]).conductivity.components::<N>();
    for (value, component) in values.iter_mut().zip(components) {
        *value = match component {
            Coefficient::Field(Field::Constant(constant)) => *constant,
            Coefficient::Field(_) => return None,
            Coefficient::Data(name) => mesh.data_of(name).filter(|d| d.location == Location::Elements)?.values[element],
        };
    }
    Some(values)
}

/// Evaluates f times the weight of the geometry at the nine Gauss points of each element of a
/// batch; 0 in lanes without an element.
///
/// # Errors
/// If a value is not finite, for the element with the lowest number; on this rank only.
pub fn sources(
    problem: &Problem,
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
) -> Result<[Lane; 9]> {
    let source = |region| &problem.material(region).source;
    let mut values = at_points(mesh, elements, batch, 0.0, ("f", Range::Any), source)?;
    if !problem.geometry.is_plane() {
        for (values, [x, _]) in values.iter_mut().zip(quad8::gauss_points(batch)) {
            multiply_by_weight(problem, values, &x);
        }
    }
    Ok(values)
}

/// Evaluates a coefficient at the nine Gauss points of each element of a batch; `blank` in lanes
/// without an element.
fn at_points<'a>(
    mesh: &LocalMesh,
    elements: impl Iterator<Item = usize>,
    batch: &Batch,
    blank: f64,
    (what, range): (&str, Range),
    coefficient: impl Fn(u16) -> &'a Coefficient,
) -> Result<[Lane; 9]> {
    let (mut values, mut errors) = ([[blank; LANES]; 9], Vec::new());
    let points = LazyCell::new(|| quad8::gauss_points(batch));
    let mut latest: Option<(&Field, [Lane; 9])> = None;
    for (lane, element) in elements.enumerate() {
        let coefficient = coefficient(mesh.regions[element]);
        match coefficient {
            Coefficient::Field(field) => {
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
            }
            Coefficient::Data(name) => {
                let data = find(mesh, name)?;
                for (values, shapes) in values.iter_mut().zip(&SHAPES_3X3) {
                    values[lane] = mesh.value_of(data, element, shapes);
                }
            }
        }
        let different = if is_constant(mesh, coefficient) { 1 } else { 9 };
        let check = |q: usize| coefficient.checked(values[q][lane], || points[q].map(|axis| axis[lane]), range);
        errors.extend((0..different).find_map(|q| check(q).err()).map(|cause| match coefficient {
            Coefficient::Field(_) => bad(mesh, element, what, cause),
            Coefficient::Data(_) => bad_in_element(mesh, element, &format!("{what} = {cause}")),
        }));
    }
    lowest(errors.into_iter()).map_or(Ok(values), Err)
}

/// Returns whether a coefficient is constant in each element.
fn is_constant(mesh: &LocalMesh, coefficient: &Coefficient) -> bool {
    match coefficient {
        Coefficient::Field(field) => matches!(field, Field::Constant(_)),
        Coefficient::Data(name) => mesh.data_of(name).is_some_and(|data| data.location == Location::Elements),
    }
}

/// Returns the data of this name.
fn find<'a>(mesh: &'a LocalMesh, name: &str) -> Result<&'a MeshData> {
    mesh.data_of(name).ok_or_else(|| Error::input(format!("the mesh has no data '{name}' for k or f")))
}

/// Evaluates k in one element at points (m), where the shape functions have these values, without a
/// check of its range.
pub fn conductivity_at<const N: usize, const W: usize>(
    problem: &Problem,
    mesh: &LocalMesh,
    element: usize,
    [x, y]: [&[f64; W]; 2],
    shapes: &[[f64; 8]; W],
) -> [[f64; W]; N] {
    problem.material(mesh.regions[element]).conductivity.components::<N>().map(|component| match component {
        Coefficient::Field(field) => field.values(x, y),
        Coefficient::Data(name) => {
            let data = mesh.data_of(name);
            shapes.map(|shapes| data.map_or(f64::NAN, |data| mesh.value_of(data, element, &shapes)))
        }
    })
}

/// Distance from the axis of axisymmetric geometry, in lengths of the element or edge, that counts
/// as a rounding error.
pub const AXIS_ROUNDING: f64 = 1e-6;

/// Checks that no element lies beyond the axis of axisymmetric geometry, by more than rounding.
///
/// # Errors
/// The first node of the lowest element with x < 0; on this rank only.
pub fn check_axis(mesh: &LocalMesh, problem: &Problem) -> Result<()> {
    if problem.geometry.is_plane() {
        return Ok(());
    }
    let error = |element: usize| {
        let points = mesh.element_coordinates(element);
        let length = points.iter().map(|point| (point[0] - points[0][0]).abs()).fold(0.0, f64::max);
        let beyond = points.iter().position(|point| point[0] < -AXIS_ROUNDING * length)?;
        let ([x, y], node, id) = (points[beyond], mesh.global_nodes(element)[beyond], mesh.element_ids[element]);
        let text = format!(
            "element {id}: its node {node} lies at ({x}, {y}), but in axisymmetric geometry x is the distance from the axis, \
             0 or more (indices start at 0)"
        );
        Some(Error::input(text).at(id, node).mentioning(&[id], &[node]))
    };
    lowest((0..mesh.elements.len()).filter_map(error)).map_or(Ok(()), Err)
}

/// Creates the error of a value in an element.
pub fn bad(mesh: &LocalMesh, element: usize, what: &str, cause: OutOfRange) -> Error {
    Error::input(format!("{what} = {cause}")).at(mesh.element_ids[element], 0)
}

/// Creates the error of a value in an element, with the number of the element in the input.
fn bad_in_element(mesh: &LocalMesh, element: usize, text: &str) -> Error {
    let input = mesh.element_ids[element] >> (2 * mesh.refinements);
    Error::input(format!("element {input}: {text}")).at(mesh.element_ids[element], 0).mentioning(&[input], &[])
}

/// Returns `n` values that `f` sets, from `blank` on, on all threads. Of several errors, returns
/// the one with the lowest element, for any number of threads.
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
    let values = loops::collect(n, 64, evaluate);
    let errors = errors.into_inner().unwrap_or_default();
    lowest(errors.into_iter()).map_or(Ok(values), Err)
}

/// Returns the error with the lowest element.
pub fn lowest(errors: impl Iterator<Item = Error>) -> Option<Error> {
    errors.min_by_key(Error::place)
}
