//! From elements to the distributed system: element matrices, compressed rows,
//! loads and boundary conditions. Each rank computes its own rows whole, from
//! every element that touches its nodes, so no matrix entry crosses a rank.

mod assemble_csr;
mod batch_coloring;
mod batch_order;
pub(crate) mod coefficients;
mod dirichlet;
mod element_batch;
mod element_matrices;
mod matrix_free;
pub mod multigrid;
mod preconditioners;
mod system;

pub use assemble_csr::assemble_csr;
pub use coefficients::{Robin, conductivities};
pub use dirichlet::{DirichletBc, check_well_posed, dirichlet_nodes};
pub(crate) use dirichlet::{check_inside, well_posed_nodes};
pub(crate) use element_matrices::source_loads;
pub use element_matrices::{ElementMatrices, load_vector};
pub use matrix_free::ElementOperator;
pub use preconditioners::{PreconditionerKind, SystemPreconditioners};
pub use system::{DiscreteSolution, ElementSystem, OperatorKind, System};
