//! Gmsh MSH 4.1, ASCII and binary, with physical names (Gmsh Reference Manual,
//! section *MSH file format*).
//!
//! Physical curves name boundaries, physical surfaces name regions; a group
//! without a name is called by its number. Eight-node quadrilaterals are read
//! as they are, nine-node ones without their centre.

mod elements;
mod numbers;
mod sections;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Flaw, WholeMesh, whole};
use crate::mesh::NO_REGION;
use elements::Kind;
use sections::{File, Node};

/// Parses the bytes of a MSH 4.1 file. Needs memory in proportion to them,
/// whatever they claim.
///
/// # Errors
/// The first [`Flaw`].
pub fn parse(bytes: &[u8]) -> Result<WholeMesh, Flaw> {
    let file = sections::read(bytes)?;
    elements::check_kinds(&file.blocks)?;
    let numbers = Numbering::new(&file)?;
    let mut mesh = WholeMesh { coordinates: numbers.coordinates(&file.nodes), ..WholeMesh::default() };
    let mut regions = Groups::new(&file, 2);
    let mut nine = 0;
    let mut heights: Option<[f64; 2]> = None;
    for block in file.blocks.iter().filter(|block| block.kind.is_quadrilateral()) {
        let region = regions.of(block.entity)?;
        nine += if block.kind == Kind::Quad9 { block.len() } else { 0 };
        for (element, nodes) in block.rows() {
            let mut row = [0; 8];
            for (place, &node) in row.iter_mut().zip(nodes) {
                let index = numbers.index(element, node)?;
                let z = file.nodes[index].z;
                heights = Some(heights.map_or([z; 2], |[low, high]| [z.min(low), z.max(high)]));
                *place = numbers.place[index];
            }
            mesh.elements.push(row);
            mesh.tags.regions.push(regions.number(&region, element)?);
        }
    }
    check_plane(&mesh.coordinates, heights)?;
    if mesh.elements.is_empty() {
        return Err(Flaw::Missing { what: "quadrilaterals with eight nodes".to_owned() });
    }
    mesh.tags.region_names = regions.names;
    if mesh.tags.region_names.is_empty() {
        mesh.tags.regions.clear();
    }
    add_boundaries(&file, &numbers, &mut mesh)?;
    if nine > 0 {
        mesh.notes.push(format!("{nine} quadrilaterals have nine nodes: they are read without their centres"));
    }
    Ok(mesh)
}

/// Named lines, by the names of their physical curves.
fn add_boundaries(file: &File, numbers: &Numbering, mesh: &mut WholeMesh) -> Result<(), Flaw> {
    let mut edges: BTreeMap<i64, Vec<[i64; 2]>> = BTreeMap::new();
    for block in file.blocks.iter().filter(|block| block.kind.is_line()) {
        for &physical in file.groups_of(1, block.entity) {
            let list = edges.entry(physical).or_default();
            for (element, nodes) in block.rows() {
                let mut corners = [0; 2];
                for (place, &node) in corners.iter_mut().zip(nodes) {
                    *place = numbers.place[numbers.index(element, node)?];
                }
                list.push(corners);
            }
        }
    }
    for (physical, edges) in edges {
        mesh.add_boundary(file.name(1, physical), edges.into_iter())?;
    }
    Ok(())
}

/// The names of the physical groups of one dimension, as elements use them.
struct Groups<'a> {
    file: &'a File,
    dimension: i64,
    names: Vec<String>,
    numbers: FxHashMap<i64, u16>,
}

impl<'a> Groups<'a> {
    fn new(file: &'a File, dimension: i64) -> Self {
        Self { file, dimension, names: Vec::new(), numbers: FxHashMap::default() }
    }

    /// The numbers of the groups of an entity.
    fn of(&mut self, entity: i64) -> Result<Vec<u16>, Flaw> {
        let mut groups = Vec::new();
        for &physical in self.file.groups_of(self.dimension, entity) {
            let number = match self.numbers.get(&physical) {
                Some(&number) => number,
                None => whole::add_name(&mut self.names, self.file.name(self.dimension, physical))?,
            };
            self.numbers.insert(physical, number);
            groups.push(number);
        }
        groups.dedup();
        Ok(groups)
    }

    /// The one group of an element.
    fn number(&self, groups: &[u16], tag: u64) -> Result<u16, Flaw> {
        match groups {
            [] => Ok(NO_REGION),
            [one] => Ok(*one),
            [first, second, ..] => {
                let [first, second] = [first, second].map(|&n| self.names[usize::from(n)].clone());
                Err(Flaw::TwoRegions { tag, first, second })
            }
        }
    }
}

/// From the tags of nodes, which may have gaps and any order, to numbers from 0
/// in the order of the file; centres of nine-node elements get none.
struct Numbering {
    /// Tag and index of each node, by tag; empty where tag i + 1 is index i.
    by_tag: Vec<(u64, usize)>,
    count: usize,
    /// Number of the node at each index; -1 for centres.
    place: Vec<i64>,
}

impl Numbering {
    fn new(file: &File) -> Result<Self, Flaw> {
        let nodes = &file.nodes;
        let mut by_tag = Vec::new();
        if nodes.iter().zip(1..).any(|(node, tag)| node.tag != tag) {
            by_tag = nodes.iter().zip(0..).map(|(node, i)| (node.tag, i)).collect();
            by_tag.sort_unstable();
            if let Some(pair) = by_tag.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(Flaw::NodeTwice { tag: pair[0].0 });
            }
        }
        let mut numbering = Self { by_tag, count: nodes.len(), place: vec![0; nodes.len()] };
        for block in file.blocks.iter().filter(|block| block.kind == Kind::Quad9) {
            for (element, nodes) in block.rows() {
                let centre = numbering.index(element, nodes[8])?;
                numbering.place[centre] = -1;
            }
        }
        // A centre may yet be a node of something else.
        for block in file.blocks.iter().filter(|block| block.kind.is_quadrilateral()) {
            for (element, nodes) in block.rows() {
                for &node in &nodes[..8] {
                    let index = numbering.index(element, node)?;
                    numbering.place[index] = 0;
                }
            }
        }
        for (place, number) in numbering.place.iter_mut().filter(|place| **place == 0).zip(0..) {
            *place = number;
        }
        Ok(numbering)
    }

    fn index(&self, element: u64, tag: u64) -> Result<usize, Flaw> {
        let unknown = Flaw::UnknownNode { tag: element, node: tag };
        if self.by_tag.is_empty() {
            return usize::try_from(tag)
                .ok()
                .filter(|tag| (1..=self.count).contains(tag))
                .map(|tag| tag - 1)
                .ok_or(unknown);
        }
        self.by_tag.binary_search_by_key(&tag, |pair| pair.0).map(|i| self.by_tag[i].1).map_err(|_| unknown)
    }

    fn coordinates(&self, nodes: &[Node]) -> Vec<[f64; 2]> {
        let kept = nodes.iter().zip(&self.place).filter(|(_, place)| **place >= 0);
        kept.map(|(node, _)| [node.x, node.y]).collect()
    }
}

/// Refuses elements that do not lie in a plane of one z.
fn check_plane(points: &[[f64; 2]], heights: Option<[f64; 2]>) -> Result<(), Flaw> {
    const TOLERANCE: f64 = 1e-6;
    let Some([low, high]) = heights else { return Ok(()) };
    let mut extent = 0.0_f64;
    if let Some(first) = points.first() {
        for point in points {
            extent = extent.max((point[0] - first[0]).abs()).max((point[1] - first[1]).abs());
        }
    }
    if high - low > TOLERANCE * extent { Err(Flaw::NotPlane { low, high }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
