//! Checks of a mesh, one property after the other.

use std::rc::Rc;

use crate::app::case::Case;
use crate::app::check::{AspectRatio, Boundary, MOST, MeshReport, Quality, Region, Report};
use crate::error::{Error, Result};
use crate::fem::{ElementMatrices, check_interior_edges, dirichlet_nodes, load_vector, well_posed_nodes};
use crate::io::mesh::Naming;
use crate::io::record::{BoundaryCondition, UNNAMED, conditions};
use crate::mesh::partition::{PartitionOptions, Partitioner};
use crate::mesh::{BoundaryEdge, BoundarySummary, Distributed, LocalMesh, MeshSlab, NO_REGION};
use crate::parallel::{Comm, Halo};
use crate::problem::Problem;
use crate::quad8::EDGES;
use crate::{mesh, quad8};

/// Checks the mesh with the default conditions, or with those of a case `from_file`.
/// **Collective.**
///
/// # Errors
/// A mesh that cannot be distributed.
pub fn survey(comm: &Rc<Comm>, case: &Case, from_file: bool, slab: &mut MeshSlab) -> Result<Report> {
    let parts = crate::mesh::partition::partition(comm, slab, &PartitionOptions::ranks(comm, Partitioner::Auto))?.parts;
    let Distributed { mut mesh, reoriented, quality, flaws } = mesh::distribute_anyway(comm, slab, &parts, MOST);
    let halo = mesh.halo(comm)?;
    let mut errors = lowest(comm, flaws);
    let (free, torn) = mesh::survey(comm, &mesh);
    errors.extend(torn);
    let summary = match mesh::name_edges(comm, slab, &mut mesh, &free) {
        Ok(summary) => summary,
        Err(error) => {
            errors.push(error);
            BoundarySummary::default()
        }
    };
    let mut warnings = slab.warnings.clone();
    let mut conditions = Vec::new();
    if !boundary_is_bad(&errors, &mesh, comm) {
        let with_values = from_file && errors.is_empty();
        match hold(&halo, case, &mesh, &summary, with_values) {
            Ok((held, flaws)) => {
                conditions = held;
                errors.extend(flaws);
            }
            // The conditions of a mesh without a case may follow.
            Err(error) if !from_file => warnings.push(error.to_string()),
            Err(error) => errors.push(error),
        }
    }
    let naming = Naming::new(&case.mesh);
    let errors = errors.into_iter().map(|error| naming.explain(comm, error).to_string()).collect();
    let names = naming.elements(comm, &quality.named_elements());
    let duplicates = mesh::find_duplicates(comm, &mesh, &free);
    let (boundaries, unnamed) = measure_boundaries(comm, &mesh, &free);
    let of_conditions = conditions::warnings(&conditions);
    let report = MeshReport {
        nodes: mesh.total_nodes,
        elements: mesh.total_elements,
        orphan_nodes: comm.sum(mesh.orphans.len() as u64),
        duplicate_nodes: duplicates.count,
        clockwise_elements: reoriented,
        pieces: mesh::count_components(&halo, &mesh),
        aspect_ratio_max: quality.aspect_ratio_max(),
        folded_elements: quality.folded_elements(),
        scaled_jacobian: Quality::new(&quality, &names),
        aspect_ratio: AspectRatio::new(&quality, &names),
        guess: conditions::guess(&summary),
        conditions,
        boundaries,
        unnamed,
        regions: measure_regions(comm, &mesh),
    };
    warnings.extend(mesh::warnings(reoriented, report.orphan_nodes));
    warnings.extend(of_conditions);
    warnings.extend(duplicates.warning());
    warnings.extend(quality.warning(&names));
    Ok(Report::new(case.mesh.name(), errors, warnings, Some(report)))
}

fn boundary_is_bad(errors: &[Error], mesh: &LocalMesh, comm: &Comm) -> bool {
    !errors.is_empty() && comm.sum(mesh.boundary.len() as u64) == 0
}

/// Returns the errors of all ranks in the order of their elements, up to [`MOST`]. **Collective.**
fn lowest(comm: &Comm, flaws: Vec<Error>) -> Vec<Error> {
    let mut rest = flaws.into_iter().peekable();
    let mut found = Vec::new();
    while found.len() < MOST {
        let place = rest.peek().and_then(Error::place);
        let lowest = comm.min(place.map_or(u64::MAX, |[element, _]| element));
        let next = if place.is_some_and(|[element, _]| element == lowest) { rest.next() } else { None };
        match comm.agree(next.map_or(Ok(()), Err)) {
            Ok(()) => break,
            Err(error) => found.push(error),
        }
    }
    found
}

/// Returns the conditions and their errors: edges inside the domain, values out of range (if asked
/// for), and pieces without a unique solution. **Collective.**
///
/// # Errors
/// Those of [`Case::problem`].
fn hold(
    halo: &Halo,
    case: &Case,
    mesh: &LocalMesh,
    summary: &BoundarySummary,
    with_values: bool,
) -> Result<(Vec<BoundaryCondition>, Vec<Error>)> {
    let names = &mesh.boundary_names;
    let problem = case.problem(names, &mesh.region_names)?;
    let conditions = case.conditions(names, &problem);
    let interior = check_interior_edges(halo.comm(), mesh, &problem, summary);
    let values = if with_values { check_values(halo, mesh, &problem) } else { Ok(()) };
    let held = values.and_then(|()| halo.comm().agree(well_posed_nodes(mesh, &problem)));
    let pieces = held.and_then(|held| mesh::check_components(halo, mesh, &held));
    let flaws = [interior, pieces].into_iter().filter_map(Result::err).collect();
    Ok((BoundaryCondition::count(&conditions, summary), flaws))
}

/// Checks the values of k, f and the data of the conditions. **Collective.**
fn check_values(halo: &Halo, mesh: &LocalMesh, problem: &Problem) -> Result<()> {
    let comm = halo.comm();
    comm.agree(ElementMatrices::new(mesh, problem).map(drop))?;
    comm.agree(load_vector(mesh, problem).map(drop))?;
    dirichlet_nodes(halo, mesh, problem).map(drop)
}

/// Measures edges and length of each named boundary and of the rest. **Collective.**
fn measure_boundaries(comm: &Comm, mesh: &LocalMesh, free: &[(usize, usize)]) -> (Vec<Boundary>, Boundary) {
    let names = mesh.boundary_names.iter().map(String::as_str).chain([UNNAMED]);
    let names: Vec<&str> = names.collect();
    let mut counts = vec![0; names.len()];
    let mut lengths = vec![0.0; names.len()];
    let place = |edge: &BoundaryEdge| (edge.element as usize, edge.side as usize);
    let named = mesh.boundary.iter().map(|edge| (place(edge), usize::from(edge.boundary)));
    let unnamed = free.iter().filter(|edge| mesh.boundary.binary_search_by_key(*edge, place).is_err());
    let unnamed = unnamed.map(|&edge| (edge, names.len() - 1));
    for ((element, side), number) in named.chain(unnamed).filter(|((element, _), _)| *element < mesh.own_elements) {
        counts[number] += 1;
        lengths[number] += edge_length(mesh, element, side);
    }
    let (counts, lengths) = (comm.sum_all(&counts), comm.sum_all(&lengths));
    let measured = names.iter().zip(counts).zip(lengths);
    let mut all: Vec<Boundary> =
        measured.map(|((&name, edges), length)| Boundary { name: name.to_owned(), edges, length }).collect();
    let unnamed = all.pop().unwrap_or(Boundary { name: UNNAMED.to_owned(), edges: 0, length: 0.0 });
    (all, unnamed)
}

/// Returns the length (m) of a curved edge.
fn edge_length(mesh: &LocalMesh, element: usize, side: usize) -> f64 {
    let points = EDGES[side].map(|i| mesh.coordinates[mesh.elements[element][i] as usize]);
    let tangent = |dn: &[f64; 3]| {
        let along = |axis: usize| (0..3).map(|i| dn[i] * points[i][axis]).sum::<f64>();
        along(0).hypot(along(1))
    };
    quad8::edge_points().into_iter().map(|(_, dn, weight)| weight * tangent(&dn)).sum()
}

fn measure_regions(comm: &Comm, mesh: &LocalMesh) -> Vec<Region> {
    let mut counts = vec![0; mesh.region_names.len()];
    let mut areas = vec![0.0; mesh.region_names.len()];
    for e in (0..mesh.own_elements).filter(|&e| mesh.regions[e] != NO_REGION) {
        let coordinates = mesh.element_coordinates(e);
        let at = |[xi, eta, weight]: [f64; 3]| weight * quad8::gradients(&coordinates, xi, eta).determinant;
        counts[mesh.regions[e] as usize] += 1;
        areas[mesh.regions[e] as usize] += quad8::points_3x3().map(at).iter().sum::<f64>();
    }
    let (counts, areas) = (comm.sum_all(&counts), comm.sum_all(&areas));
    let measured = mesh.region_names.iter().zip(counts).zip(areas);
    measured.map(|((name, elements), area)| Region { name: name.clone(), elements, area }).collect()
}
