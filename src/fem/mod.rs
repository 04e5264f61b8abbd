//! Finite elements: element matrices, assembly, loads and boundary conditions of the distributed
//! system. Each rank computes its own rows completely, from all elements that touch its nodes, so
//! that assembly sends no matrix entries.

mod assemble_csr;
mod batch_coloring;
mod batch_order;
mod coefficients;
mod conductivity_range;
mod dirichlet;
mod element_batch;
mod element_matrices;
mod fixed_point;
mod matrix_free;
pub mod multigrid;
mod operator_storage;
mod preconditioners;
mod robin_data;
mod smoother_precision;
mod strength_of_connection;
mod system;
mod total_flow;
mod wells;

pub use assemble_csr::assemble_csr;
pub use coefficients::conductivities;
pub(crate) use coefficients::{conductivity_at, constant_conductivity};
pub use conductivity_range::conductivity_range;
pub use dirichlet::{DirichletBc, check_well_posed, dirichlet_nodes};
pub(crate) use dirichlet::{check_interior_edges, well_posed_nodes};
pub(crate) use element_matrices::source_loads;
pub use element_matrices::{ElementMatrices, load_vector};
pub use matrix_free::ElementOperator;
pub use preconditioners::{PreconditionerKind, SystemPreconditioners};
pub use robin_data::Robin;
pub(crate) use robin_data::{edge_points, robin};
pub use system::{DiscreteSolution, ElementSystem, OperatorKind, System};
pub use total_flow::with_uniform_flux;
pub(crate) use wells::{WellLoad, well_loads};
