//! Difference of two results on the same mesh.

use std::path::Path;

use crate::error::{Error, Result};
use crate::io::results::{ResultsMesh as Mesh, ResultsReader};
use crate::plot::values::Values;
use crate::plot::view::Bounds;
use crate::plot::{PlotField, not_converged};
use crate::system::plural;

/// Distance between nodes that count as the same, in proportion to the size of the mesh.
const TOLERANCE: f64 = 1e-9;

/// Results to subtract.
pub struct Subtrahend<'a> {
    path: &'a Path,
    reader: ResultsReader,
}

impl<'a> Subtrahend<'a> {
    /// Opens the results.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &'a Path) -> Result<Self> {
        Ok(Self { path, reader: ResultsReader::open(path)? })
    }

    /// Subtracts a field of these results from `values` on `mesh`.
    ///
    /// # Errors
    /// The field cannot be read or subtracted, or these results are on another mesh.
    pub fn subtract(&self, values: Values, mesh: &Mesh, kind: PlotField) -> Result<Values> {
        if kind == PlotField::Partition {
            return Err(Error::input("numbers of ranks have no difference: choose another --field for --minus"));
        }
        let path = self.path.display();
        if let Some(why) = mismatch(mesh, &self.reader.mesh()?) {
            return Err(Error::input(format!("{path} is on another mesh, so that there is no difference: {why}")));
        }
        let others = Values::read(&self.reader, mesh, kind)?;
        if others.label != values.label {
            let (found, expected) = (&others.label, &values.label);
            return Err(Error::input(format!("{path} holds {found}, not {expected}: there is no difference")));
        }
        Ok(values.minus(&others))
    }

    /// Returns the title of the difference to `results`, with the mark of the one that did not
    /// converge, and whether there is such a mark.
    pub fn title(&self, results: &Path, mark: Option<String>) -> (String, bool) {
        let title = format!("{} minus {}", results.display(), self.path.display());
        match mark.or_else(|| not_converged(&self.reader)) {
            Some(mark) => (format!("{title}: {mark}"), true),
            None => (title, false),
        }
    }
}

/// Returns the first difference between two meshes, if there is one.
fn mismatch(ours: &Mesh, theirs: &Mesh) -> Option<String> {
    let size = |mesh: &Mesh| {
        let [nodes, elements] = [mesh.points.len(), mesh.elements.len()].map(|count| count as u64);
        format!("{} and {}", plural(nodes, "node"), plural(elements, "element"))
    };
    if size(ours) != size(theirs) {
        return Some(format!("it has {} instead of {}", size(theirs), size(ours)));
    }
    if let Some(element) = ours.elements.iter().zip(&theirs.elements).position(|(a, b)| a != b) {
        return Some(format!("element {element} has other nodes, its mesh is numbered in another way"));
    }
    let size = Bounds::of(ours).size();
    let is_far =
        |(a, b): (&[f64; 2], &[f64; 2])| (0..2).any(|i| (a[i] - b[i]).abs() > TOLERANCE * size[0].max(size[1]));
    let node = ours.points.iter().zip(&theirs.points).position(is_far)?;
    let ([x, y], [u, v]) = (ours.points[node], theirs.points[node]);
    Some(format!("node {node} is at ({u}, {v}) instead of ({x}, {y})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::NODES;

    #[test]
    fn another_mesh_is_named_by_its_first_difference() {
        let mesh = |points: Vec<[f64; 2]>, elements| Mesh { points, elements };
        let ours = || mesh(NODES.to_vec(), vec![[0, 1, 2, 3, 4, 5, 6, 7]]);
        assert_eq!(mismatch(&ours(), &ours()), None);
        let mut moved = NODES.to_vec();
        moved[2][1] += 1e-6;
        let others = [
            (mesh(NODES.to_vec(), vec![[0; 8]; 2]), "it has 8 nodes and 2 elements instead of 8 nodes and 1 element"),
            (mesh(NODES.to_vec(), vec![[1, 2, 3, 0, 5, 6, 7, 4]]), "element 0 has other nodes"),
            (mesh(moved, vec![[0, 1, 2, 3, 4, 5, 6, 7]]), "node 2 is at (1, 1.000001) instead of (1, 1)"),
        ];
        for (other, expected) in others {
            let found = mismatch(&ours(), &other).unwrap();
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
