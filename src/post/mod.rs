//! Post-processing: velocity, speed and pressure from the potential, boundary flows, and an error
//! estimate.

mod boundary_flux;
mod error_estimate;
mod flux;
mod gauss_velocities;
mod interface_nodes;
mod patch;
mod patch_recovery;
mod probe;

pub use boundary_flux::{BoundaryFlow, FlowReport, flow_report};
pub use error_estimate::{ErrorEstimate, estimate_error};
pub use flux::Flux;
pub use gauss_velocities::{GaussVelocities, gauss_velocities};
pub use interface_nodes::InterfaceNodes;
pub use patch_recovery::{Recovered, recover};
pub use probe::{NodeColumn, Probe, ProbePlace, ProbeRow, check_probes, sample_probes};

use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;
use crate::fem::DiscreteSolution;
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, loops};

/// Fields that are derived from a solution.
pub struct DerivedFields {
    /// Values of the own elements.
    pub elements: Vec<ElementFields>,
    /// Values at the local nodes.
    pub nodes: Vec<NodeFields>,
    /// Flux density, if asked for.
    pub flux: Option<Flux>,
    /// Estimated errors.
    pub errors: ErrorEstimate,
    /// Flow through the named boundaries.
    pub flow: FlowReport,
}

/// Derives velocities, pressures, flows and error estimates from a solution, and the flux density
/// -k grad u if `with_flux`. **Collective.**
///
/// # Errors
/// A boundary condition without a usable value; the same on every rank.
pub fn derive(solution: &DiscreteSolution, fluid: Fluid, with_flux: bool) -> Result<DerivedFields> {
    let DiscreteSolution { hierarchy, problem, u, .. } = solution;
    let (comm, mesh, halo) = (hierarchy.comm(), &hierarchy.mesh, &hierarchy.halo);
    let sides = InterfaceNodes::new(comm, mesh, problem);
    let flow = flow_report(comm, &sides, problem, u)?;
    let gauss = gauss_velocities(mesh, u.local());
    let recovered = recover(halo, &sides, &gauss);
    let errors = estimate_error(comm, mesh, u.local(), &recovered, problem);
    let nodes = node_fields(&recovered.into_nodes(), fluid);
    let elements = element_fields(mesh, &gauss, fluid);
    let flux = with_flux.then(|| Flux::new(halo, &sides, problem, gauss));
    Ok(DerivedFields { elements, nodes, flux, errors, flow })
}

/// Constants of the fluid in the pressure.
#[derive(Debug, Clone, Copy)]
pub struct Fluid {
    /// Stagnation pressure (Pa).
    pub p0: f64,
    /// Density (kg/m^3).
    pub density: f64,
}

impl Fluid {
    /// Computes the pressure (Pa) at a speed (m/s) by Bernoulli's equation.
    fn pressure(self, speed: f64) -> f64 {
        self.p0 - 0.5 * self.density * speed * speed
    }
}

/// Derived fields in one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ElementFields {
    /// Mean of v = -grad u over the 2x2 Gauss points (m/s).
    pub velocity: [f64; 2],
    /// Mean of |v| over the same points (m/s).
    pub speed: f64,
    /// p0 - density/2 speed^2 (Pa).
    pub pressure: f64,
}

/// Returns the length of a vector. It is faster than `hypot`, but overflows beyond 1e154.
pub(crate) fn magnitude([x, y]: [f64; 2]) -> f64 {
    (x * x + y * y).sqrt()
}

/// Computes the derived fields of this rank's own elements.
pub fn element_fields(mesh: &LocalMesh, gauss: &[GaussVelocities], fluid: Fluid) -> Vec<ElementFields> {
    let field = |at: &GaussVelocities| {
        let speed = at.velocities.iter().fold(0.0, |sum, v| sum + 0.25 * magnitude(*v));
        ElementFields { velocity: at.mean(), speed, pressure: fluid.pressure(speed) }
    };
    gauss[..mesh.own_elements].par_iter().with_min_len(512).map(field).collect()
}

/// Derived fields at one node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeFields {
    /// Recovered v = -grad u (m/s).
    pub velocity: [f64; 2],
    /// |v| (m/s).
    pub speed: f64,
    /// p0 - density/2 speed^2 (Pa).
    pub pressure: f64,
}

/// Computes the derived fields of all local nodes from their recovered velocities (m/s).
pub fn node_fields(velocities: &[[f64; 2]], fluid: Fluid) -> Vec<NodeFields> {
    let field = |&velocity: &[f64; 2]| {
        let speed = magnitude(velocity);
        NodeFields { velocity, speed, pressure: fluid.pressure(speed) }
    };
    velocities.par_iter().with_min_len(4096).map(field).collect()
}

/// Range, mean and standard deviation over the owned values of all ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Smallest and largest value.
    pub range: [f64; 2],
    /// Mean.
    pub mean: f64,
    /// Standard deviation (of the population).
    pub std: f64,
}

/// Returns the smallest and the largest of `value(0)` to `value(n - 1)` over all ranks.
/// **Collective.**
pub fn range(comm: &Comm, n: usize, value: impl Fn(usize) -> f64 + Sync) -> [f64; 2] {
    const NOTHING: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];
    let of_chunk = |chunk: Range<usize>| chunk.map(&value).fold(NOTHING, |[l, h], v| [l.min(v), h.max(v)]);
    let chunks: Vec<[f64; 2]> = loops::chunks(n).map(of_chunk).collect();
    let [low, high] = chunks.into_iter().fold(NOTHING, |[l, h], [low, high]| [l.min(low), h.max(high)]);
    [comm.min(low), comm.max(high)]
}

/// Sums `term` of the values in eight interleaved sums, which the compiler keeps in vector
/// registers.
fn interleaved_sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for values in eights {
        sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += term(value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| term(value)).sum::<f64>()
}

/// Computes the statistics over all ranks. **Collective.**
pub fn statistics(comm: &Comm, values: &[f64]) -> Statistics {
    let count = comm.sum(values.len() as u64) as f64;
    let [total] = loops::sum(values.len(), |chunk| [interleaved_sum(&values[chunk], |value| value)]);
    let mean = comm.sum(total) / count;
    let [squares] = loops::sum(values.len(), |chunk| [interleaved_sum(&values[chunk], |value| (value - mean).powi(2))]);
    let variance = comm.sum(squares) / count;
    Statistics { range: range(comm, values.len(), |i| values[i]), mean, std: variance.sqrt() }
}
