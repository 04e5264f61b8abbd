//! Physical groups: the choice among several groups of one entity, and the groups that are ignored.

use crate::io::mesh::FormatError;
use crate::io::mesh::gmsh::elements::Block;
use crate::io::mesh::gmsh::sections::File;
use crate::system::show_point;

/// Physical groups of the entities of one dimension.
pub struct Groups<'a> {
    file: &'a File,
    dimension: i64,
    is_given: &'a dyn Fn(&str) -> bool,
    /// Choices for entities in several groups.
    decided: Vec<String>,
}

impl<'a> Groups<'a> {
    /// Prepares the groups of curves (dimension 1) or surfaces (2); `is_given` returns whether the
    /// case gives a condition or a material to a name.
    pub fn new(file: &'a File, dimension: i64, is_given: &'a dyn Fn(&str) -> bool) -> Self {
        Self { file, dimension, is_given, decided: Vec::new() }
    }

    /// Returns the tag of the group of the elements of a block: of several groups the one that the
    /// case gives a condition or a material, or else the first by name.
    pub fn choose(&mut self, block: &Block) -> Result<Option<i64>, FormatError> {
        let name = |physical: &i64| self.file.name(self.dimension, *physical);
        let mut groups = self.file.groups_of(self.dimension, block.entity).to_vec();
        groups.sort_by_key(name);
        groups.dedup_by_key(|physical| name(physical));
        let given: Vec<i64> = groups.iter().copied().filter(|physical| (self.is_given)(&name(physical))).collect();
        if let [first, second, ..] = given[..] {
            return Err(self.both_given(block, [first, second]));
        }
        let chosen = given.first().or(groups.first()).copied();
        if let (Some(chosen), [_, _, ..]) = (chosen, &groups[..]) {
            let others = groups.iter().filter(|&&physical| physical != chosen);
            let others: Vec<String> = others.map(|physical| format!("'{}'", name(physical))).collect();
            let (kind, entity) = (self.kind(), block.entity);
            let text = format!("{kind} {entity} is read as '{}', not as {}", name(&chosen), others.join(", "));
            if !self.decided.contains(&text) {
                self.decided.push(text);
            }
        }
        Ok(chosen)
    }

    /// Returns a warning about entities in several groups, if there are any.
    pub fn warning(&self) -> Option<String> {
        const MOST: usize = 3;
        let (first, rest) = self.decided.split_at_checked(MOST).unwrap_or((&self.decided, &[]));
        let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
        let (kind, given) = (self.kind(), self.given());
        (!first.is_empty()).then(|| {
            let list = first.join("; ");
            format!("of several physical groups of a {kind} one with a {given} counts: {list}{more}")
        })
    }

    fn kind(&self) -> &'static str {
        if self.dimension == 1 { "curve" } else { "surface" }
    }

    fn given(&self) -> &'static str {
        if self.dimension == 1 { "condition" } else { "material" }
    }

    fn both_given(&self, block: &Block, groups: [i64; 2]) -> FormatError {
        let [first, second] = groups.map(|physical| self.file.name(self.dimension, physical));
        let place = block.rows().next().map_or(String::new(), |(tag, nodes)| {
            format!(" (its element {tag} goes from node {} to node {})", self.node(nodes, 0), self.node(nodes, 1))
        });
        let part = format!("{} {} of Gmsh{place}", self.kind(), block.entity);
        FormatError::TwoGiven { part, given: self.given(), names: format!("'{first}' and '{second}'") }
    }

    /// Describes a node of an element by tag and coordinates.
    fn node(&self, nodes: &[u64], i: usize) -> String {
        let tag = nodes.get(i).copied().unwrap_or(0);
        let node = self.file.nodes.iter().find(|node| node.tag == tag);
        node.map_or_else(|| tag.to_string(), |node| format!("{tag} at {}", show_point([node.x, node.y])))
    }
}

/// Returns a warning about physical points, which are ignored.
pub fn ignored_points(file: &File) -> Option<String> {
    let names = file.groups(0);
    let listed: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    (!names.is_empty())
        .then(|| format!("physical points are not read ({}): conditions hold on curves", listed.join(", ")))
}

/// Returns the error of a file without quadrilaterals.
pub fn no_elements(file: &File) -> FormatError {
    let lines = file.blocks.iter().filter(|block| block.kind.is_line()).map(Block::len).sum::<usize>();
    match lines {
        0 => FormatError::Missing { what: "quadrilaterals with eight nodes".to_owned() },
        lines => FormatError::NoSurface { lines },
    }
}
