//! Conditions with a given total flow.

use crate::error::{Error, Result};
use crate::fem::robin_data::robin;
use crate::mesh::LocalMesh;
use crate::parallel::Comm;
use crate::problem::{Condition, Field, Problem};

/// Returns the problem with each total flow Q as the uniform flux density Q / L, where L is the
/// length (m) of the boundary, or its area (m^2) around the axis. **Collective.**
///
/// # Errors
/// Those of Robin conditions, or a flow through a boundary that lies on the axis; the same on every
/// rank.
pub fn with_uniform_flux(comm: &Comm, mesh: &LocalMesh, problem: &Problem) -> Result<Problem> {
    let mut resolved = problem.clone();
    if !problem.conditions.iter().any(|condition| matches!(condition, Condition::Flow(_))) {
        return Ok(resolved);
    }
    // The length is the flow of a uniform flux density of 1, integrated as that of the solution.
    resolved.conditions.iter_mut().for_each(|condition| *condition = with_density(condition, |_| 1.0));
    let sums = comm.sum_all(comm.agree(loads(mesh, &resolved))?.as_flattened());
    for (number, &[length, edges]) in sums.as_chunks().0.iter().enumerate() {
        let given = &problem.conditions[number];
        if let Condition::Flow(flow) = given
            && *flow != 0.0
            && edges > 0.0
            && length <= 0.0
        {
            let name = &mesh.boundary_names[number];
            return Err(Error::input(format!(
                "boundary '{name}' lies on the axis and has no area, so that no flow of {flow} can pass through it; give \
                 it another condition (--bc \"{name}=natural\"), or move it off the axis"
            )));
        }
        // A boundary without edges has no length.
        resolved.conditions[number] = with_density(given, |flow| if length > 0.0 { flow / length } else { 0.0 });
    }
    Ok(resolved)
}

/// Replaces a total flow by the flux density that `density` gives for it.
fn with_density(condition: &Condition, density: impl Fn(f64) -> f64) -> Condition {
    match condition {
        Condition::Flow(flow) => Condition::Robin { p: Field::Constant(0.0), gamma: Field::Constant(density(*flow)) },
        other => other.clone(),
    }
}

/// Integrates gamma over the edges of each Robin boundary whose middle node this rank owns. Returns
/// the integral and the number of edges.
fn loads(mesh: &LocalMesh, problem: &Problem) -> Result<Vec<[f64; 2]>> {
    let mut loads = vec![[0.0; 2]; problem.conditions.len()];
    for edge in mesh.boundary.iter().filter(|edge| (edge.nodes(mesh)[1] as usize) < mesh.owned_nodes) {
        if matches!(problem.conditions[usize::from(edge.boundary)], Condition::Robin { .. })
            && let Some(robin) = robin(problem, mesh, edge)?
        {
            let terms = robin.points.iter().zip(robin.gamma);
            let [load, edges] = &mut loads[usize::from(edge.boundary)];
            *load += terms.map(|(point, gamma)| gamma * point.length).sum::<f64>();
            *edges += 1.0;
        }
    }
    Ok(loads)
}
