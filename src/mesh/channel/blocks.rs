//! Mesh of curved blocks: transfinite interpolation between the edges of each block (Gordon and
//! Hall, Int. J. Numer. Methods Eng. 7, 1973). Nodes and elements are functions of their numbers,
//! so that each rank makes its own.

use crate::error::Result;
use crate::mesh::channel::layout::{Curve, Layout};
use crate::mesh::{MeshSize, MeshSlab, TaggedEdge, Tags};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

/// Name of the only region.
pub const REGION: &str = "fluid";
/// Name of the boundary of all edges without another name.
const WALL: &str = "wall";

/// Edge of one block or of two.
struct Edge {
    ends: [usize; 2],
    curve: Curve,
    divisions: u64,
    blocks: u32,
    /// Its first node inside.
    first_node: GlobalIndex,
}

/// Edge of a block in the direction of the block's coordinates.
#[derive(Clone, Copy)]
struct Side {
    edge: usize,
    is_reversed: bool,
}

/// Block of `size` elements. Its lattice has two steps an element; sides and corners are ordered
/// bottom, right, top, left.
struct Block {
    corners: [usize; 4],
    sides: [Side; 4],
    size: [u64; 2],
    first_node: GlobalIndex,
    first_element: GlobalIndex,
}

/// Mesh of curved blocks. Nodes are numbered at the corners of blocks, then along the edges, then
/// inside the blocks.
pub struct BlockMesh {
    layout: Layout,
    edges: Vec<Edge>,
    blocks: Vec<Block>,
    size: MeshSize,
}

impl BlockMesh {
    /// Divides the blocks of a layout into elements of about this size (m).
    pub fn new(layout: Layout, element_size: f64) -> Self {
        let layout = layout.without_unused_points();
        let mut mesh = Self { layout, edges: Vec::new(), blocks: Vec::new(), size: MeshSize { nodes: 0, elements: 0 } };
        for i in 0..mesh.layout.blocks.len() {
            let corners @ [a, b, c, d] = mesh.layout.blocks[i];
            let sides = [[a, b], [b, c], [d, c], [a, d]].map(|ends| mesh.side(ends, element_size));
            mesh.blocks.push(Block { corners, sides, size: [1; 2], first_node: 0, first_element: 0 });
        }
        mesh.match_divisions();
        mesh.number();
        mesh
    }

    /// Finds the edge between two points, or adds it.
    fn side(&mut self, ends: [usize; 2], element_size: f64) -> Side {
        let reversed = [ends[1], ends[0]];
        let edge = self.edges.iter().position(|edge| [ends, reversed].contains(&edge.ends)).unwrap_or_else(|| {
            let curve = self.layout.curves.iter().find(|(pair, _)| [ends, reversed].contains(pair));
            let curve = curve.map_or(Curve::Straight, |(_, curve)| *curve);
            let length = curve.length(ends.map(|point| self.layout.points[point]));
            let divisions = (length / element_size).round().max(1.0) as u64;
            self.edges.push(Edge { ends, curve, divisions, blocks: 0, first_node: 0 });
            self.edges.len() - 1
        });
        self.edges[edge].blocks += 1;
        Side { edge, is_reversed: self.edges[edge].ends != ends }
    }

    /// Gives opposite sides of each block the larger number of divisions, until no number changes.
    fn match_divisions(&mut self) {
        let mut is_matched = false;
        while !is_matched {
            is_matched = true;
            for block in &mut self.blocks {
                for (direction, opposite) in [[0, 2], [1, 3]].into_iter().enumerate() {
                    let [a, b] = opposite.map(|side: usize| block.sides[side].edge);
                    let divisions = self.edges[a].divisions.max(self.edges[b].divisions);
                    is_matched &= self.edges[a].divisions == self.edges[b].divisions;
                    (self.edges[a].divisions, self.edges[b].divisions) = (divisions, divisions);
                    block.size[direction] = divisions;
                }
            }
        }
    }

    fn number(&mut self) {
        let (mut node, mut element) = (self.layout.points.len() as GlobalIndex, 0);
        for edge in &mut self.edges {
            edge.first_node = node;
            node += 2 * edge.divisions - 1;
        }
        for block in &mut self.blocks {
            (block.first_node, block.first_element) = (node, element);
            let [columns, rows] = block.size;
            // Corners of elements, middles of horizontal edges and middles of vertical edges.
            node += (columns - 1) * (rows - 1) + columns * (rows - 1) + (columns - 1) * rows;
            element += columns * rows;
        }
        self.size = MeshSize { nodes: node, elements: element };
    }

    /// Returns the number of nodes and elements.
    pub fn size(&self) -> MeshSize {
        self.size
    }

    /// Returns the number of nodes after this many uniform refinements, which may be too large for
    /// an integer.
    pub fn refined_nodes(&self, levels: u32) -> f64 {
        let free: u64 = self.edges.iter().filter(|edge| edge.blocks == 1).map(|edge| edge.divisions).sum();
        let mut elements = self.size.elements as f64;
        let mut edges = 0.5 * (4.0 * elements + free as f64);
        let mut corners = self.size.nodes as f64 - edges;
        // More levels exceed all numbers.
        for _ in 0..levels.min(500) {
            corners += edges + elements;
            edges = 2.0 * edges + 4.0 * elements;
            elements *= 4.0;
        }
        corners + edges
    }

    /// Makes this rank's slab of the mesh. **Collective.**
    ///
    /// # Errors
    /// Those of [`MeshSlab::generate`].
    pub fn slab(&self, comm: &Comm) -> Result<MeshSlab> {
        let MeshSize { nodes, elements } = self.size;
        let (point, connectivity) = (|node| self.coordinates(node), |element| self.connectivity(element));
        let slab = MeshSlab::generate(comm, nodes, elements, point, connectivity)?;
        let tags = Tags {
            boundary_names: self.boundary_names(),
            edges: self.named_edges(comm),
            region_names: vec![REGION.to_owned()],
            regions: vec![0; slab.connectivity.len()],
        };
        Ok(MeshSlab { has_unit: true, ..slab.with_tags(comm, tags)? })
    }

    /// Returns the names of the boundaries.
    pub fn boundary_names(&self) -> Vec<String> {
        let mut names = vec![WALL.to_owned()];
        for (name, _) in &self.layout.boundaries {
            if !names.iter().any(|other| other == name) {
                names.push((*name).to_owned());
            }
        }
        names
    }

    /// Returns this rank's share of the edges of elements on each boundary.
    fn named_edges(&self, comm: &Comm) -> Vec<TaggedEdge> {
        let names = self.boundary_names();
        let mut edges = Vec::new();
        for edge in self.edges.iter().filter(|edge| edge.blocks == 1) {
            let [from, to] = edge.ends;
            let named = self.layout.boundaries.iter().find(|(_, ends)| [[from, to], [to, from]].contains(ends));
            let name = named.map_or(WALL, |(name, _)| name);
            let boundary = names.iter().take_while(|other| *other != name).count() as u16;
            let share = BlockDistribution::new(edge.divisions, comm.size()).range(comm.rank());
            edges.extend(share.map(|i| TaggedEdge { nodes: [2 * i, 2 * i + 2].map(|step| edge.node(step)), boundary }));
        }
        edges
    }

    /// Returns the coordinates (m) of a node.
    pub fn coordinates(&self, node: GlobalIndex) -> [f64; 2] {
        if let Some(point) = self.layout.points.get(node as usize) {
            return *point;
        }
        let block = self.blocks.partition_point(|block| block.first_node <= node);
        if block > 0 {
            let block = &self.blocks[block - 1];
            return self.interpolate(block, block.steps(node - block.first_node));
        }
        let edge = &self.edges[self.edges.partition_point(|edge| edge.first_node <= node) - 1];
        self.on_edge(edge, (node - edge.first_node + 1) as f64 / (2 * edge.divisions) as f64)
    }

    fn on_edge(&self, edge: &Edge, t: f64) -> [f64; 2] {
        edge.curve.point(edge.ends.map(|point| self.layout.points[point]), t)
    }

    /// Interpolates between the four sides of a block.
    fn interpolate(&self, block: &Block, steps: [u64; 2]) -> [f64; 2] {
        let [u, v] = [0, 1].map(|i| steps[i] as f64 / (2 * block.size[i]) as f64);
        let side = |i: usize, t: f64| {
            let Side { edge, is_reversed } = block.sides[i];
            self.on_edge(&self.edges[edge], if is_reversed { 1.0 - t } else { t })
        };
        let [bottom, right, top, left] = [side(0, u), side(1, v), side(2, u), side(3, v)];
        let corners = block.corners.map(|point| self.layout.points[point]);
        [0, 1].map(|i| {
            let [a, b, c, d] = corners.map(|corner| corner[i]);
            let bilinear = (1.0 - v) * ((1.0 - u) * a + u * b) + v * ((1.0 - u) * d + u * c);
            (1.0 - v) * bottom[i] + v * top[i] + (1.0 - u) * left[i] + u * right[i] - bilinear
        })
    }

    /// Returns the nodes of an element.
    pub fn connectivity(&self, element: GlobalIndex) -> [i64; 8] {
        const STEPS: [[u64; 2]; 8] = [[0, 0], [2, 0], [2, 2], [0, 2], [1, 0], [2, 1], [1, 2], [0, 1]];
        let block = &self.blocks[self.blocks.partition_point(|block| block.first_element <= element) - 1];
        let number = element - block.first_element;
        let (column, row) = (number % block.size[0], number / block.size[0]);
        STEPS.map(|[i, j]| self.node(block, [2 * column + i, 2 * row + j]) as i64)
    }

    /// Returns the node of a block at a place of its lattice.
    fn node(&self, block: &Block, [i, j]: [u64; 2]) -> GlobalIndex {
        let [columns, rows] = block.size.map(|elements| 2 * elements);
        let (side, step) = match (i, j) {
            (_, 0) => (0, i),
            (_, j) if j == rows => (2, i),
            (0, _) => (3, j),
            (i, _) if i == columns => (1, j),
            _ => return block.first_node + block.inner(i, j),
        };
        let Side { edge, is_reversed } = block.sides[side];
        let edge = &self.edges[edge];
        edge.node(if is_reversed { 2 * edge.divisions - step } else { step })
    }
}

impl Edge {
    /// Returns the node at a step from 0 to twice the number of divisions.
    fn node(&self, step: u64) -> GlobalIndex {
        match step {
            0 => self.ends[0] as GlobalIndex,
            step if step == 2 * self.divisions => self.ends[1] as GlobalIndex,
            step => self.first_node + step - 1,
        }
    }
}

impl Block {
    /// Returns the number of inner nodes on two rows of the lattice: one through the centres of
    /// elements, which are no nodes, and one along their edges.
    fn inner_row_pair(&self) -> u64 {
        3 * self.size[0] - 2
    }

    /// Returns the number of an inner node among those of the block.
    fn inner(&self, i: u64, j: u64) -> u64 {
        let first = (j - 1) / 2 * self.inner_row_pair();
        if j % 2 == 1 { first + i / 2 - 1 } else { first + self.size[0] - 1 + i - 1 }
    }

    /// Returns the place of an inner node in the lattice.
    fn steps(&self, inner: u64) -> [u64; 2] {
        let (pair, rest) = (inner / self.inner_row_pair(), inner % self.inner_row_pair());
        match rest.checked_sub(self.size[0] - 1) {
            None => [2 * rest + 2, 2 * pair + 1],
            Some(rest) => [rest + 1, 2 * pair + 2],
        }
    }
}
