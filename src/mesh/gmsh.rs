//! Gmsh MSH 4.1, as far as the built-in meshes need it.

use mshio::ElementType;

use crate::error::{Error, Result};

/// Nodes and 8-node quadrilaterals of a MSH file, nodes in file order.
pub struct GmshMesh {
    /// Coordinates (m) of each node.
    pub coordinates: Vec<[f64; 2]>,
    /// Nodes of each element, indices from 0.
    pub elements: Vec<[i64; 8]>,
}

/// Parses the bytes of a MSH 4.1 file.
///
/// # Errors
/// [`Error::BuiltIn`] with what is wrong.
pub fn parse(bytes: &[u8]) -> Result<GmshMesh> {
    let broken = |cause: String| Error::BuiltIn { cause };
    let file = mshio::parse_msh_bytes(bytes).map_err(|e| broken(e.to_string()))?;
    let nodes = file.data.nodes.ok_or_else(|| broken("it has no nodes".into()))?;
    let blocks = file.data.elements.ok_or_else(|| broken("it has no elements".into()))?.element_blocks;

    // Tags count from 1 in file order; a file with gaps lists them block by block.
    let mut coordinates = Vec::new();
    for block in &nodes.node_blocks {
        if block.node_tags.is_some() {
            return Err(broken("its node tags have gaps".into()));
        }
        coordinates.extend(block.nodes.iter().map(|n| [n.x, n.y]));
    }
    let mut elements = Vec::new();
    for block in blocks.iter().filter(|b| b.element_type == ElementType::Qua8) {
        for element in &block.elements {
            let nodes: [u64; 8] =
                element.nodes[..].try_into().map_err(|_| broken("a quadrilateral has not eight nodes".into()))?;
            elements.push(nodes.map(|tag| tag as i64 - 1));
        }
    }
    Ok(GmshMesh { coordinates, elements })
}
