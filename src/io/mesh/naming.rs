//! Names of nodes and elements of the input in messages.

use std::cell::OnceCell;
use std::fs;

use crate::error::Error;
use crate::io::mesh::gmsh::GmshTags;
use crate::io::mesh::{Format, MeshSource};
use crate::mesh::ElementNames;
use crate::parallel::{Comm, GlobalIndex};
use crate::system::show_point;

/// Names of nodes and elements in messages, with the tags of Gmsh where the mesh comes from a .msh
/// file. Rank 0 reads the file again when the first message needs its tags, so that other runs keep
/// no tags.
pub struct Naming<'a> {
    source: &'a MeshSource,
    tags: OnceCell<Option<GmshTags>>,
}

impl<'a> Naming<'a> {
    /// Prepares messages about the mesh of this source.
    pub fn new(source: &'a MeshSource) -> Self {
        Self { source, tags: OnceCell::new() }
    }

    /// Adds tags and coordinates to an error, which is the same on every rank. **Collective.**
    pub fn explain(&self, comm: &Comm, error: Error) -> Error {
        let (elements, nodes) = error.mentioned();
        if self.source.path().is_none() || elements.is_empty() && nodes.is_empty() {
            return error;
        }
        let list = if comm.is_root() { self.describe(elements, nodes) } else { Vec::new() };
        match &comm.broadcast_strings(list)[..] {
            [] => error,
            list => error.with_note(&format!("in Gmsh: {}", list.join(", "))),
        }
    }

    /// Returns the names of elements, the same ones on every rank. **Collective.**
    pub fn elements(&self, comm: &Comm, numbers: &[GlobalIndex]) -> ElementNames {
        if numbers.is_empty() || self.source.path().is_none() {
            return ElementNames::default();
        }
        let name = |&number: &GlobalIndex| match self.tags().and_then(|tags| tags.elements.get(number as usize)) {
            Some(tag) => format!("element {number} [{tag} in Gmsh]"),
            None => ElementNames::default().of(number),
        };
        let names = if comm.is_root() { numbers.iter().map(name).collect() } else { Vec::new() };
        ElementNames::new(numbers.iter().copied().zip(comm.broadcast_strings(names)))
    }

    fn describe(&self, elements: &[GlobalIndex], nodes: &[GlobalIndex]) -> Vec<String> {
        let Some(tags) = self.tags() else { return Vec::new() };
        let elements = elements.iter().filter_map(|&element| tags.elements.get(element as usize));
        let nodes = nodes.iter().filter_map(|&node| tags.nodes.get(node as usize));
        let node = |(tag, place): &(u64, [f64; 2])| format!("node {tag} at {}", show_point(*place));
        elements.map(|tag| format!("element {tag}")).chain(nodes.map(node)).collect()
    }

    fn tags(&self) -> Option<&GmshTags> {
        self.tags.get_or_init(|| read(self.source)).as_ref()
    }
}

/// Reads the tags; none where the source is no valid .msh file.
fn read(source: &MeshSource) -> Option<GmshTags> {
    let path = source.path()?;
    let is_gmsh = Format::detect(path).is_ok_and(|format| format == Format::Gmsh);
    let bytes = if is_gmsh { fs::read(path).ok()? } else { return None };
    GmshTags::parse(&bytes).ok()
}
