//! 8-node serendipity quadrilateral (Quad8): shape functions, quadrature, and integrals over
//! elements and edges, independent of the mesh and of MPI.
//!
//! ```text
//!      eta
//!       ^
//!  3----6----2        corners 0-3 counter-clockwise,
//!  |    |    |        then the middles of the edges
//!  7    +----5--> xi  0-1, 1-2, 2-3, 3-0
//!  |         |
//!  0----4----1        reference square [-1, 1] x [-1, 1]
//! ```
//!
//! Zienkiewicz, Taylor, Zhu, *The Finite Element Method: Its Basis and Fundamentals*, 7th ed.,
//! section 6.2 (serendipity family).

mod conductivity;
mod edge;
mod gradient;
mod inverse;
mod quadrature;
mod shape;
mod stiffness;

pub(crate) use conductivity::{bilinear_form, multiply};
pub use edge::robin;
pub(crate) use edge::{EdgePoint, edge_gauss, edge_length};
pub(crate) use gradient::{gradient_distance, gradients_2x2};
pub(crate) use inverse::{bounding_box, inverse_map};
pub(crate) use quadrature::{DERIVATIVES_2X2, DERIVATIVES_3X3, SHAPES_2X2, SHAPES_3X3};
pub(crate) use quadrature::{edge_points, points_3x3};
pub use shape::{EDGES, NODES, edges_of, gradients, is_valid, map, reoriented, shape};
pub(crate) use shape::{Gradients, derivatives, edge_shape, jacobian};
pub use stiffness::{Batch, BatchStiffness, load, pair};
pub(crate) use stiffness::{LANES, Lane, PAIRS, gauss_points, slopes, stiffness};

/// Coordinates (m) of the eight nodes of one element.
pub type Coordinates = [[f64; 2]; 8];
