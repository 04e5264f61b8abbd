//! Gmsh tags of the nodes and elements of a mesh.

use crate::io::mesh::FormatError;
use crate::io::mesh::gmsh::{Numbering, elements, sections};

/// Gmsh tags in the order in which [`parse`](crate::io::mesh::gmsh::parse) numbers nodes and
/// elements.
pub struct GmshTags {
    /// Tag of each element.
    pub elements: Vec<u64>,
    /// Tag and coordinates (m) of each node.
    pub nodes: Vec<(u64, [f64; 2])>,
}

impl GmshTags {
    /// Reads the tags from the bytes of a MSH 4.1 file.
    ///
    /// # Errors
    /// As [`parse`](crate::io::mesh::gmsh::parse).
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let file = sections::read(bytes, &[])?;
        elements::check_kinds(&file.blocks)?;
        let numbers = Numbering::new(&file)?;
        let quadrilaterals = file.blocks.iter().filter(|block| block.kind.is_quadrilateral());
        let kept = file.nodes.iter().zip(&numbers.place).filter(|(_, place)| **place >= 0);
        Ok(Self {
            elements: quadrilaterals.flat_map(|block| block.rows().map(|(tag, _)| tag)).collect(),
            nodes: kept.map(|(node, _)| (node.tag, [node.x, node.y])).collect(),
        })
    }
}
