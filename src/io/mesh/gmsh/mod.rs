//! Gmsh MSH 4.1, ASCII and binary, with physical names (Gmsh Reference Manual, section *MSH file
//! format*).
//!
//! Physical curves name boundaries, physical surfaces name regions; a group without a name is
//! called by its number. Eight-node quadrilaterals are read unchanged, nine-node ones without their
//! centre. Data of elements and nodes are read where the case uses them.

mod cursor;
mod data;
mod elements;
mod groups;
mod sections;
mod tags;
#[cfg(test)]
mod tests;

pub(crate) use tags::GmshTags;

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::io::mesh::gmsh::elements::Kind;
use crate::io::mesh::gmsh::groups::Groups;
use crate::io::mesh::gmsh::sections::{File, Node};
use crate::io::mesh::{FormatError, GivenNames, SerialMesh, serial_mesh};
use crate::mesh::NO_REGION;

/// Parses the bytes of a MSH 4.1 file for a case without conditions and materials.
///
/// # Errors
/// The first [`FormatError`].
pub fn parse(bytes: &[u8]) -> Result<SerialMesh, FormatError> {
    parse_for(bytes, &())
}

/// Parses the bytes of a MSH 4.1 file. Memory is proportional to their number, whatever sizes the
/// file declares. Of several physical groups of an entity the one counts to whose name the case
/// gives a condition or a material.
///
/// # Errors
/// The first [`FormatError`].
pub(crate) fn parse_for(bytes: &[u8], given: &dyn GivenNames) -> Result<SerialMesh, FormatError> {
    let names = given.data();
    let wanted = (!given.takes_all_data()).then_some(&names[..]);
    let file = sections::read(bytes, wanted)?;
    elements::check_kinds(&file.blocks)?;
    let numbers = Numbering::new(&file)?;
    let mut mesh = SerialMesh { coordinates: numbers.coordinates(&file.nodes), ..SerialMesh::default() };
    let nine = add_elements(&file, &numbers, given, &mut mesh)?;
    add_boundaries(&file, &numbers, given, &mut mesh)?;
    add_data(&file, &numbers, wanted, &mut mesh)?;
    if nine > 0 {
        mesh.warnings.push(format!("{nine} quadrilaterals have nine nodes: they are read without their centres"));
    }
    mesh.warnings.extend(groups::ignored_points(&file));
    Ok(mesh)
}

/// Adds the quadrilaterals with their regions, the names of their physical surfaces. Returns the
/// number of nine-node ones.
fn add_elements(
    file: &File,
    numbers: &Numbering,
    given: &dyn GivenNames,
    mesh: &mut SerialMesh,
) -> Result<usize, FormatError> {
    let has_material = |name: &str| given.has_material(name);
    let mut groups = Groups::new(file, 2, &has_material);
    let mut regions: FxHashMap<i64, u16> = FxHashMap::default();
    let mut nine = 0;
    let mut heights: Option<[f64; 2]> = None;
    for block in file.blocks.iter().filter(|block| block.kind.is_quadrilateral()) {
        let region = match groups.choose(block)? {
            None => NO_REGION,
            Some(physical) => match regions.entry(physical) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    *entry.insert(serial_mesh::add_name(&mut mesh.tags.region_names, file.name(2, physical))?)
                }
            },
        };
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
            mesh.tags.regions.push(region);
        }
    }
    check_plane(&mesh.coordinates, heights)?;
    if mesh.elements.is_empty() {
        return Err(groups::no_elements(file));
    }
    if mesh.tags.region_names.is_empty() {
        mesh.tags.regions.clear();
    }
    mesh.warnings.extend(groups.warning());
    Ok(nine)
}

/// Adds the lines in physical curves, with the names of these.
fn add_boundaries(
    file: &File,
    numbers: &Numbering,
    given: &dyn GivenNames,
    mesh: &mut SerialMesh,
) -> Result<(), FormatError> {
    let has_condition = |name: &str| given.has_condition(name);
    let mut groups = Groups::new(file, 1, &has_condition);
    let mut edges: BTreeMap<i64, Vec<[i64; 2]>> = BTreeMap::new();
    for block in file.blocks.iter().filter(|block| block.kind.is_line()) {
        // A name whose curves all belong to other groups remains a name of the mesh.
        for &physical in file.groups_of(1, block.entity) {
            edges.entry(physical).or_default();
        }
        let Some(list) = groups.choose(block)?.and_then(|physical| edges.get_mut(&physical)) else { continue };
        for (element, nodes) in block.rows() {
            let mut corners = [0; 2];
            for (place, &node) in corners.iter_mut().zip(nodes) {
                *place = numbers.place[numbers.index(element, node)?];
            }
            list.push(corners);
        }
    }
    for (physical, edges) in edges {
        mesh.add_boundary(file.name(1, physical), edges.into_iter())?;
    }
    mesh.warnings.extend(groups.warning());
    Ok(())
}

/// Map from the tags of nodes, in any order and with gaps, to numbers from 0 in the order of the
/// file; centres of nine-node elements get none.
struct Numbering {
    /// Tag and index of each node, by tag; empty where tag i + 1 is index i.
    by_tag: Vec<(u64, usize)>,
    count: usize,
    /// Number of the node at each index; -1 for centres.
    place: Vec<i64>,
}

impl Numbering {
    fn new(file: &File) -> Result<Self, FormatError> {
        let nodes = &file.nodes;
        let mut by_tag = Vec::new();
        if nodes.iter().zip(1..).any(|(node, tag)| node.tag != tag) {
            by_tag = nodes.iter().zip(0..).map(|(node, i)| (node.tag, i)).collect();
            by_tag.sort_unstable();
            if let Some(pair) = by_tag.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(FormatError::NodeTwice { tag: pair[0].0 });
            }
        }
        let mut numbering = Self { by_tag, count: nodes.len(), place: vec![0; nodes.len()] };
        for block in file.blocks.iter().filter(|block| block.kind == Kind::Quad9) {
            for (element, nodes) in block.rows() {
                let centre = numbering.index(element, nodes[8])?;
                numbering.place[centre] = -1;
            }
        }
        // A centre may also be a node of another element.
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

    fn index(&self, element: u64, tag: u64) -> Result<usize, FormatError> {
        let unknown = FormatError::UnknownNode { tag: element, node: tag };
        if self.by_tag.is_empty() {
            return usize::try_from(tag)
                .ok()
                .filter(|tag| (1..=self.count).contains(tag))
                .map(|tag| tag - 1)
                .ok_or(unknown);
        }
        self.by_tag.binary_search_by_key(&tag, |pair| pair.0).map(|i| self.by_tag[i].1).map_err(|_| unknown)
    }

    /// Iterates over the nodes that have a number, in its order.
    fn kept<'a>(&'a self, nodes: &'a [Node]) -> impl Iterator<Item = &'a Node> {
        nodes.iter().zip(&self.place).filter(|(_, place)| **place >= 0).map(|(node, _)| node)
    }

    fn coordinates(&self, nodes: &[Node]) -> Vec<[f64; 2]> {
        self.kept(nodes).map(|node| [node.x, node.y]).collect()
    }
}

/// Adds the data of these names (or all that have values), of several steps the last. An element or
/// node without a value gets NaN, which is an error where it is used.
fn add_data(
    file: &File,
    numbers: &Numbering,
    wanted: Option<&[&str]>,
    mesh: &mut SerialMesh,
) -> Result<(), FormatError> {
    let mut with_values: Vec<&str> = file.views.iter().filter(|v| !v.values.is_empty()).map(|v| &v.name[..]).collect();
    with_values.sort_unstable();
    with_values.dedup();
    for &name in wanted.unwrap_or(&with_values) {
        let Some(view) = file.views.iter().rev().find(|view| view.name == name) else {
            let found: Vec<&str> = file.views.iter().map(|view| view.name.as_str()).collect();
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            return Err(FormatError::NoData { name: name.to_owned(), found });
        };
        let value =
            |tag: u64| i64::try_from(tag).ok().and_then(|tag| view.values.get(&tag)).copied().unwrap_or(f64::NAN);
        let values = if view.is_nodal {
            numbers.kept(&file.nodes).map(|node| value(node.tag)).collect()
        } else {
            let blocks = file.blocks.iter().filter(|block| block.kind.is_quadrilateral());
            blocks.flat_map(|block| block.rows().map(|(tag, _)| value(tag))).collect()
        };
        mesh.add_data(name, values)?;
    }
    Ok(())
}

/// Refuses elements outside a plane of constant z.
fn check_plane(points: &[[f64; 2]], heights: Option<[f64; 2]>) -> Result<(), FormatError> {
    const TOLERANCE: f64 = 1e-6;
    let Some([low, high]) = heights else { return Ok(()) };
    let mut extent = 0.0_f64;
    if let Some(first) = points.first() {
        for point in points {
            extent = extent.max((point[0] - first[0]).abs()).max((point[1] - first[1]).abs());
        }
    }
    if high - low > TOLERANCE * extent { Err(FormatError::NotPlane { low, high }) } else { Ok(()) }
}
