//! Channels that are made of curved blocks at a wanted size, each rank its own part.

mod blocks;
mod layout;
mod shapes;

use crate::error::{Error, Result};
use crate::mesh::channel::blocks::{BlockMesh, REGION};
use crate::mesh::channel::layout::Layout;
use crate::mesh::channel::shapes::{SHAPES, Shape};
use crate::mesh::{MeshHeader, MeshSize, MeshSlab};
use crate::parallel::Comm;
use crate::system::did_you_mean;

/// Keys of the size of the elements (m) before refinement, and of the number of nodes after it.
const SIZES: [&str; 2] = ["element_size", "nodes"];
/// Nodes of a channel before refinement where no size is given.
const USUAL: f64 = 16_000.0;
/// Most nodes of a channel before refinement.
const MOST: f64 = 1e12;
/// Fewest elements of a channel that is to be refined, so that its curves stay smooth.
const COARSEST: f64 = 4_000.0;

/// Channel with its dimensions and its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    shape: &'static Shape,
    /// Value of each parameter of the shape.
    values: Vec<f64>,
    /// None for the usual one.
    size: Option<Size>,
}

/// Size of a mesh.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Size {
    /// Size of its elements (m) before refinement.
    Elements(f64),
    /// Number of its nodes after refinement.
    Nodes(f64),
}

impl Channel {
    /// Returns the names and descriptions of all channels, with their parameters.
    pub fn list() -> impl Iterator<Item = (&'static str, &'static str, String)> {
        SHAPES.iter().map(|shape| {
            let parameters = shape.parameters.iter().map(|p| format!("{} {}", p.name, p.default));
            (shape.name, shape.description, parameters.collect::<Vec<_>>().join(", "))
        })
    }

    /// Returns the channel of this name with its default dimensions.
    pub fn find(name: &str) -> Option<Self> {
        let shape = SHAPES.iter().find(|shape| shape.name == name)?;
        let values = shape.parameters.iter().map(|parameter| parameter.default).collect();
        Some(Self { shape, values, size: None })
    }

    /// Returns the name.
    pub fn name(&self) -> &'static str {
        self.shape.name
    }

    /// Returns the dimensions and the size that are not the defaults.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let values = self.shape.parameters.iter().zip(&self.values);
        let values = values.filter(|(parameter, value)| parameter.default != **value);
        let size = self.size.map(|size| match size {
            Size::Elements(size) => (SIZES[0], size),
            Size::Nodes(nodes) => (SIZES[1], nodes),
        });
        values.map(|(parameter, value)| (parameter.name, *value)).chain(size)
    }

    /// Sets parameters by name, lengths in m and angles in degrees, and the size as `element_size`
    /// or as `nodes`.
    ///
    /// # Errors
    /// A parameter that the channel does not have, or a value that is out of range or that the
    /// other parameters do not allow.
    pub fn set<'a>(&mut self, values: impl IntoIterator<Item = (&'a str, f64)>) -> Result<()> {
        let mut sizes = Vec::new();
        for (name, value) in values {
            match SIZES.iter().position(|key| *key == name) {
                Some(key) => sizes.push([Size::Elements(value), Size::Nodes(value)][key]),
                None => self.set_parameter(name, value)?,
            }
        }
        self.check_parameters()?;
        match sizes[..] {
            [] => Ok(()),
            [size] => self.set_size(size),
            _ => Err(self.error("give element_size or nodes, not both")),
        }
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<()> {
        let known = || self.shape.parameters.iter().map(|parameter| parameter.name);
        let Some(index) = known().position(|parameter| parameter == name) else {
            let (near, list) = (did_you_mean(name, known()), known().collect::<Vec<_>>().join(", "));
            return Err(self.error(&format!("there is no parameter '{name}': {near}the parameters are {list}")));
        };
        if !(1e-6..=1e6).contains(&value) {
            return Err(self.error(&format!("{name} = {value} must be from 1e-6 to 1e6")));
        }
        self.values[index] = value;
        Ok(())
    }

    fn check_parameters(&self) -> Result<()> {
        let all = self.shape.parameters.iter();
        let mut pairs = all.flat_map(|lower| lower.below.iter().map(|upper| (lower.name, *upper)));
        if let Some((lower, upper)) = pairs.find(|(lower, upper)| self.value(lower) >= self.value(upper)) {
            let [low, high] = [lower, upper].map(|name| format!("{name} = {}", self.value(name)));
            return Err(self.error(&format!("{low} must be less than {high}")));
        }
        let angle = self.value("angle");
        if angle >= 180.0 { Err(self.error(&format!("angle = {angle} must be less than 180"))) } else { Ok(()) }
    }

    fn set_size(&mut self, size: Size) -> Result<()> {
        let (key, value, is_countable) = match size {
            // The number of divisions of an edge stays below ten million.
            Size::Elements(size) => (SIZES[0], size, size >= 1e-6 * self.reach() && self.nodes(size, 0) <= MOST),
            Size::Nodes(nodes) => (SIZES[1], nodes, (1.0..=MOST).contains(&nodes)),
        };
        self.size = Some(size);
        if is_countable {
            return Ok(());
        }
        Err(self.error(&format!("{key} = {value} must give from 1 to {MOST:e} nodes")))
    }

    fn error(&self, text: &str) -> Error {
        Error::input(format!("channel {}: {text}", self.name()))
    }

    /// Returns a parameter; no number where the channel does not have it.
    fn value(&self, name: &str) -> f64 {
        let mut all = self.shape.parameters.iter().zip(&self.values);
        all.find(|(parameter, _)| parameter.name == name).map_or(f64::NAN, |(_, value)| *value)
    }

    /// Replaces a number of nodes by the size of the elements that comes nearest to it after
    /// `refine` uniform refinements, or after as many as leave at least 4,000 elements before them.
    /// Returns these refinements; none where the size of the elements was given.
    pub fn resolve_size(&mut self, refine: Option<u32>) -> Option<u32> {
        let Some(Size::Nodes(nodes)) = self.size else { return None };
        // A mesh has about three nodes an element.
        let most = (nodes / (3.0 * COARSEST)).log(4.0).floor().max(0.0) as u32;
        let levels = refine.unwrap_or(most);
        self.size = Some(Size::Elements(self.size_for(nodes, levels)));
        Some(levels)
    }

    /// Finds the size of the elements (m) that gives the number of nodes nearest to `nodes`.
    fn size_for(&self, nodes: f64, levels: u32) -> f64 {
        let (mut fine, mut coarse) = (self.reach(), 2.0 * self.reach());
        while self.nodes(fine, levels) < nodes {
            (fine, coarse) = (0.5 * fine, fine);
        }
        for _ in 0..50 {
            let middle = 0.5 * (fine + coarse);
            if self.nodes(middle, levels) < nodes { coarse = middle } else { fine = middle }
        }
        let miss = |size: f64| (self.nodes(size, levels) - nodes).abs();
        if miss(coarse) < miss(fine) { coarse } else { fine }
    }

    fn nodes(&self, element_size: f64, levels: u32) -> f64 {
        BlockMesh::new(self.layout(), element_size).refined_nodes(levels)
    }

    /// Returns the largest coordinate (m) without its sign.
    fn reach(&self) -> f64 {
        self.layout().points.iter().flatten().fold(0.0, |reach, x| reach.max(x.abs()))
    }

    fn layout(&self) -> Layout {
        (self.shape.layout)(&|name| self.value(name))
    }

    fn blocks(&self) -> BlockMesh {
        let size = match self.size {
            Some(Size::Elements(size)) => size,
            Some(Size::Nodes(nodes)) => self.size_for(nodes, 0),
            None => self.size_for(USUAL, 0),
        };
        BlockMesh::new(self.layout(), size)
    }

    /// Returns the number of nodes and elements, before refinement.
    pub fn size(&self) -> MeshSize {
        self.blocks().size()
    }

    /// Returns the size and the names of the mesh.
    pub fn header(&self) -> MeshHeader {
        let blocks = self.blocks();
        MeshHeader::new(blocks.size(), blocks.boundary_names(), vec![REGION.to_owned()])
    }

    /// Makes this rank's slab of the mesh. **Collective.**
    ///
    /// # Errors
    /// A mesh that does not fit the numbers of this program; the same on every rank.
    pub fn read(&self, comm: &Comm) -> Result<MeshSlab> {
        self.blocks().slab(comm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::quality::MeshQuality;

    fn channel(name: &str, values: &[(&str, f64)]) -> Channel {
        let mut channel = Channel::find(name).unwrap();
        channel.set(values.iter().copied()).unwrap();
        channel
    }

    /// Returns the elements of a mesh with their coordinates, and checks that each node is used.
    fn elements(mesh: &BlockMesh) -> Vec<[[f64; 2]; 8]> {
        let mut is_used = vec![false; mesh.size().nodes as usize];
        let element = |number: u64| {
            mesh.connectivity(number).map(|node| {
                is_used[node as usize] = true;
                mesh.coordinates(node as u64)
            })
        };
        let elements = (0..mesh.size().elements).map(element).collect();
        assert!(is_used.iter().all(|is_used| *is_used));
        elements
    }

    #[test]
    fn every_channel_has_good_elements_and_about_the_usual_size() {
        for (name, ..) in Channel::list() {
            let mesh = channel(name, &[]).blocks();
            assert!((mesh.size().nodes as f64 / USUAL - 1.0).abs() < 0.05, "{name}: {:?}", mesh.size());
            assert_eq!(mesh.refined_nodes(0), mesh.size().nodes as f64);
            let mut quality = MeshQuality::default();
            elements(&mesh).iter().zip(0..).for_each(|(element, number)| quality.add(number, element));
            let (lowest, largest) = (quality.lowest.value, quality.slenderest.value);
            assert!(lowest > 0.7 && largest < 4.0, "{name}: {lowest}, {largest}");
            for boundary in ["inlet", "outlet", "wall"] {
                assert!(mesh.boundary_names().iter().any(|name| name.starts_with(boundary)), "{name}: {boundary}");
            }
        }
    }

    #[test]
    fn nodes_on_curves_lie_on_the_true_curves() {
        let on_circle = |mesh: &BlockMesh, centre: [f64; 2], radius: f64| {
            let points: Vec<[f64; 2]> = elements(mesh).concat();
            points.iter().filter(|p| ((p[0] - centre[0]).hypot(p[1] - centre[1]) - radius).abs() < 1e-14).count()
        };
        let cylinder = channel("cylinder", &[("element_size", 0.1)]).blocks();
        // Three nodes of each of the edges around it, and corners once more in the next element.
        assert_eq!(on_circle(&cylinder, [1.2, 0.5], 0.2), 3 * 4 * 7);
        let elbow = channel("elbow", &[("element_size", 0.25), ("angle", 120.0)]).blocks();
        assert_eq!(on_circle(&elbow, [0.0; 2], 1.5), 3 * 13 + 2);
    }

    #[test]
    fn the_size_that_comes_nearest_is_found() {
        for (nodes, refine, expected) in [(1e6, None, 3), (5e4, None, 1), (1e4, None, 0), (1e4, Some(2), 2)] {
            let mut venturi = channel("venturi", &[("nodes", nodes), ("throat", 0.4)]);
            assert_eq!(venturi.resolve_size(refine), Some(expected));
            let found = venturi.blocks().refined_nodes(expected);
            assert!((found / nodes - 1.0).abs() < 0.05, "{nodes}: {found}");
            assert_eq!(venturi.resolve_size(refine), None);
        }
        let coarse = channel("t-junction", &[("nodes", 1.0)]).blocks().size();
        assert_eq!(coarse, MeshSize { nodes: 23, elements: 4 });
    }

    #[test]
    fn values_that_make_no_channel_are_errors() {
        for (name, values, expected) in [
            (
                "venturi",
                &[("trhoat", 0.4)][..],
                "no parameter 'trhoat': did you mean throat? the parameters are height, ",
            ),
            ("venturi", &[("throat", 1.0)], "channel venturi: throat = 1 must be less than height = 1"),
            ("cylinder", &[("before", 0.3)], "diameter = 0.4 must be less than before = 0.3"),
            ("elbow", &[("angle", 180.0)], "angle = 180 must be less than 180"),
            ("channel", &[("length", 0.0)], "length = 0 must be from 1e-6 to 1e6"),
            ("channel", &[("length", f64::NAN)], "length = NaN must be"),
            ("channel", &[("nodes", 1e13)], "nodes = 10000000000000 must give from 1 to 1e12 nodes"),
            ("channel", &[("element_size", 1e-300)], "must give from 1 to 1e12 nodes"),
            ("channel", &[("element_size", f64::NAN)], "must give from 1 to 1e12 nodes"),
            ("channel", &[("nodes", 1e5), ("element_size", 0.1)], "not both"),
        ] {
            let message = Channel::find(name).unwrap().set(values.iter().copied()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
