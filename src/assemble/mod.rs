//! From elements to the distributed system: element matrices, compressed rows,
//! loads and boundary conditions. Each rank computes its own rows whole, from
//! every element that touches its nodes, so no matrix entry crosses a rank.

mod batch;
mod chunks;
mod coarsen;
pub(crate) mod coefficients;
mod conditions;
mod corners;
mod elements;
mod family;
mod nested;
mod operator;
mod order;
mod preconditioners;
mod rows;
mod system;

pub use conditions::{Fixed, check_inside, fixed_nodes, held_nodes};
pub use corners::Corners;
pub use elements::{ElementMatrices, load_vector, source_loads};
pub use family::{CoarseMesh, Family};
pub use nested::{Nested, children};
pub use operator::ElementOperator;
pub use preconditioners::{JACOBI_ALONE, MULTIGRID, SystemPreconditioners};
pub use rows::sum_elements;
pub use system::Stiffness;
