//! Check of the Jacobian determinant of an element.

use crate::error::Error;
use crate::parallel::GlobalIndex;
use crate::quad8;
use crate::quad8::{Coordinates, DERIVATIVES_3X3};
use crate::system::rounded;

/// Folded or degenerate element, with a Gauss point at which its Jacobian determinant is not
/// positive.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedElement {
    /// Global number of the element.
    pub element: GlobalIndex,
    /// Number of the Gauss point, from 0.
    pub point: usize,
    /// Determinant (m^2) at the Gauss point.
    pub determinant: f64,
    /// Position (m) of the Gauss point.
    pub position: [f64; 2],
    /// Global nodes of the element.
    pub nodes: [GlobalIndex; 8],
}

impl FoldedElement {
    /// Returns the error of the element, in terms of the mesh that was read: of the element itself,
    /// or of its ancestor after `refinements` uniform refinements.
    pub fn error(&self, refinements: u32) -> Error {
        if refinements == 0 { self.folded() } else { self.folded_child(refinements) }
    }

    fn folded(&self) -> Error {
        let Self { element, point, determinant, position: [x, y], nodes } = self;
        let text = format!(
            "element {element}: the Jacobian determinant is {} m^2 at Gauss point {point} (x = {x}, y = {y}), \
             it must be positive: the element is folded or degenerate, or its nodes are in another order than four \
             corners and the middles between them; its nodes are {nodes:?}",
            rounded(*determinant, 10)
        );
        Error::input(text).at(*element, 0).mentioning(&[*element], &[])
    }

    fn folded_child(&self, refinements: u32) -> Error {
        let Self { element, determinant, position: [x, y], .. } = self;
        let parent = element >> (2 * refinements);
        let text = format!(
            "element {parent} of the mesh is folded near x = {x}, y = {y}: --refine {refinements} meets a Jacobian \
             determinant of {} m^2 there, which the Gauss points of the element itself do not see; move its \
             middle nodes nearer to the middles of their edges",
            rounded(*determinant, 10)
        );
        Error::input(text).at(parent, 0).mentioning(&[parent], &[])
    }
}

/// Checks that the Jacobian determinant of an element is positive at all nine Gauss points.
///
/// # Errors
/// The first Gauss point at which it is not.
pub fn check_jacobian(
    coordinates: &Coordinates,
    element: GlobalIndex,
    nodes: [GlobalIndex; 8],
) -> Result<(), FoldedElement> {
    for (point, derivatives) in DERIVATIVES_3X3.iter().enumerate() {
        let [[x_xi, x_eta], [y_xi, y_eta]] = quad8::jacobian(coordinates, derivatives);
        let determinant = x_xi * y_eta - x_eta * y_xi;
        if !quad8::is_valid(determinant) {
            let [xi, eta, _] = quad8::points_3x3()[point];
            let position = quad8::map(coordinates, xi, eta);
            return Err(FoldedElement { element, point, determinant, position, nodes });
        }
    }
    Ok(())
}

/// Returns the error of a node whose coordinates are not finite.
pub fn not_finite(element: GlobalIndex, node: GlobalIndex, [x, y]: [f64; 2]) -> Error {
    let text = format!("element {element}: the coordinates ({x}, {y}) of its node {node} are not finite");
    Error::input(text).at(element, 0).mentioning(&[element], &[node])
}
