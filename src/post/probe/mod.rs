//! Values of nodal fields at points, along lines and along boundaries.

mod boundary;

use crate::error::{Error, Result};
use crate::mesh::{LocalMesh, PointLocation, locate};
use crate::parallel::Comm;
use crate::quad8;
use crate::system::{did_you_mean, plural, show_point};

/// Points at which values are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Name in the table.
    pub name: String,
    /// Where the points are.
    pub place: ProbePlace,
}

/// Place of the points of a probe.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbePlace {
    /// These points (m).
    Points(Vec<[f64; 2]>),
    /// So many equidistant points from one point (m) to another.
    Line([[f64; 2]; 2], u32),
    /// All nodes of a named boundary.
    Boundary(String),
}

/// Scalar field at the local nodes of a mesh.
pub struct NodeColumn<'a> {
    /// Name in the table.
    pub name: &'static str,
    /// Value at a local node.
    pub value: Box<dyn Fn(usize) -> f64 + 'a>,
}

/// Row of the table of probes.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeRow {
    /// Index of the probe.
    pub probe: usize,
    /// Position (m).
    pub point: [f64; 2],
    /// Values of the columns.
    pub values: Vec<f64>,
    /// Distance from the start of the line or of the piece of the boundary (m); NaN for points.
    pub distance: f64,
}

/// Checks that all points lie in the domain and that the boundaries exist. **Collective.**
///
/// # Errors
/// A point outside, with the nearest node, or an unknown boundary; the same on every rank.
pub fn check_probes(comm: &Comm, mesh: &LocalMesh, probes: &[Probe]) -> Result<()> {
    for probe in probes {
        match probe.place.points() {
            Some(points) => drop(find_owners(comm, mesh, &probe.name, &points)?),
            None => drop(probe.place.boundary(mesh)?),
        }
    }
    Ok(())
}

/// Evaluates the columns at the points of the probes, in their order. Rank 0 returns the rows, the
/// others none. **Collective.**
///
/// # Errors
/// As [`check_probes`].
pub fn sample_probes(comm: &Comm, mesh: &LocalMesh, columns: &[NodeColumn], probes: &[Probe]) -> Result<Vec<ProbeRow>> {
    let mut rows = Vec::new();
    for (number, probe) in probes.iter().enumerate() {
        let sampled = match probe.place.points() {
            Some(points) => sample_points(comm, mesh, columns, &probe.name, &points)?,
            None => boundary::sample(comm, mesh, columns, probe.place.boundary(mesh)?),
        };
        let start = sampled.first().map_or([0.0; 2], |row| row.point);
        rows.extend(sampled.into_iter().map(|row| match probe.place {
            ProbePlace::Line(..) => {
                let distance = (row.point[0] - start[0]).hypot(row.point[1] - start[1]);
                ProbeRow { probe: number, distance, ..row }
            }
            _ => ProbeRow { probe: number, ..row },
        }));
    }
    Ok(rows)
}

impl ProbePlace {
    /// Returns the points (m); none of a boundary.
    fn points(&self) -> Option<Vec<[f64; 2]>> {
        match self {
            Self::Points(points) => Some(points.clone()),
            Self::Line([from, to], count) => {
                let part = |i: u32| if *count < 2 { 0.0 } else { f64::from(i) / f64::from(count - 1) };
                let at = |t: f64| [0, 1].map(|axis| (1.0 - t) * from[axis] + t * to[axis]);
                Some((0..*count).map(|i| at(part(i))).collect())
            }
            Self::Boundary(_) => None,
        }
    }

    /// Returns the number of the boundary in the mesh.
    fn boundary(&self, mesh: &LocalMesh) -> Result<u16> {
        let Self::Boundary(name) = self else { return Err(Error::internal("no boundary (please report this)")) };
        let names = &mesh.boundary_names;
        names.iter().position(|known| known == name).map(|number| number as u16).ok_or_else(|| {
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            Error::input(format!("there is no boundary '{name}' to probe: {hint}the mesh has {}", names.join(", ")))
        })
    }
}

/// Locates points and keeps those that this rank evaluates: the owner of the element with the
/// lowest number at a point, so that the values do not depend on the partition. **Collective.**
fn find_owners(comm: &Comm, mesh: &LocalMesh, name: &str, points: &[[f64; 2]]) -> Result<Vec<Option<PointLocation>>> {
    let mut found = locate(mesh, points);
    let id = |location: &Option<PointLocation>| location.map_or(u64::MAX, |at| mesh.element_ids[at.element]);
    let lowest = comm.min_all(&found.iter().map(id).collect::<Vec<_>>());
    if let Some(first) = lowest.iter().position(|&element| element == u64::MAX) {
        let outside = lowest.iter().filter(|&&element| element == u64::MAX).count();
        return Err(outside_error(
            name,
            points[first],
            [outside, points.len()],
            nearest_node(comm, mesh, points[first]),
        ));
    }
    for (location, lowest) in found.iter_mut().zip(lowest) {
        if id(location) != lowest {
            *location = None;
        }
    }
    Ok(found)
}

fn sample_points(
    comm: &Comm,
    mesh: &LocalMesh,
    columns: &[NodeColumn],
    name: &str,
    points: &[[f64; 2]],
) -> Result<Vec<ProbeRow>> {
    let owned = find_owners(comm, mesh, name, points)?;
    let values: Vec<f64> = owned.iter().flat_map(|location| evaluate(mesh, columns, *location)).collect();
    // All ranks but one add zeros.
    let values = comm.sum_all(&values);
    let row = |(i, &point): (usize, &[f64; 2])| {
        let values = values[i * columns.len()..(i + 1) * columns.len()].to_vec();
        ProbeRow { probe: 0, point, values, distance: f64::NAN }
    };
    Ok(if comm.is_root() { points.iter().enumerate().map(row).collect() } else { Vec::new() })
}

/// Interpolates the columns by the shape functions; zeros without a location.
fn evaluate(mesh: &LocalMesh, columns: &[NodeColumn], location: Option<PointLocation>) -> Vec<f64> {
    let Some(PointLocation { element, local: [xi, eta] }) = location else { return vec![0.0; columns.len()] };
    let shape = quad8::shape(xi, eta);
    let nodes = mesh.elements[element];
    let value = |column: &NodeColumn| shape.iter().zip(nodes).map(|(n, node)| n * (column.value)(node as usize)).sum();
    columns.iter().map(value).collect()
}

/// Returns the node of an element nearest to a point (m). **Collective.**
fn nearest_node(comm: &Comm, mesh: &LocalMesh, [x, y]: [f64; 2]) -> [f64; 2] {
    let mine = mesh.coordinates[..mesh.owned_nodes].iter().map(|&[a, b]| [(a - x).hypot(b - y), a, b]);
    let less = |a: &[f64; 3], b: &[f64; 3]| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
    let [distance, a, b] = mine.min_by(less).unwrap_or([f64::INFINITY; 3]);
    let is_nearest = distance <= comm.min(distance);
    let rank = comm.min(if is_nearest { comm.rank() } else { comm.size() - 1 });
    [a, b].map(|value| comm.broadcast(rank, value))
}

fn outside_error(name: &str, point: [f64; 2], [outside, count]: [usize; 2], nearest: [f64; 2]) -> Error {
    let [at, node] = [point, nearest].map(show_point);
    let more = if outside > 1 {
        format!(", the first of {outside} of {} there", plural(count as u64, "point"))
    } else {
        String::new()
    };
    Error::input(format!(
        "probe '{name}': the point at {at} lies outside of the domain{more}; the nearest node is at {node}"
    ))
}
