//! Sides of nodes at interfaces between elements of different conductivity.
//!
//! The velocity jumps with k, so that a node at an interface has one velocity on each side. A side
//! is a node with the conductivity of some of the elements around it. Most nodes have one side,
//! which has the number of the node.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::mesh::{Adjacency, LocalMesh, Location};
use crate::parallel::{Comm, LocalIndex};
use crate::problem::{Coefficient, Problem};

/// Sides of all local nodes, with the elements around each.
pub struct InterfaceNodes<'a> {
    /// Mesh of the nodes.
    pub mesh: &'a LocalMesh,
    /// Sides of each local element, in the order of its nodes.
    pub elements: Cow<'a, [[LocalIndex; 8]]>,
    around: Adjacency<8>,
    sides: Sides,
}

/// Conductivities of the sides.
struct Sides {
    /// Number of the conductivity of the first side of each node.
    first: Vec<u16>,
    /// Node and conductivity of all further sides, ascending.
    others: Vec<(LocalIndex, u16)>,
}

const NONE: u16 = u16::MAX;

impl<'a> InterfaceNodes<'a> {
    /// Finds the sides of a mesh; regions with the same k share a side. **Collective.**
    pub fn new(comm: &Comm, mesh: &'a LocalMesh, problem: &Problem) -> Self {
        let (sides, elements) = split(comm, mesh, problem);
        Self { mesh, around: Adjacency::new(&elements, sides.count()), elements, sides }
    }

    /// Returns the number of sides.
    pub fn count(&self) -> usize {
        self.sides.count()
    }

    /// Returns the number of sides beyond the first of each node; they have the last numbers.
    pub fn further(&self) -> usize {
        self.sides.others.len()
    }

    /// Returns the node of a side.
    pub fn node(&self, side: usize) -> usize {
        let Sides { first, others } = &self.sides;
        side.checked_sub(first.len()).map_or(side, |i| others[i].0 as usize)
    }

    /// Iterates over the sides of a node.
    pub fn of(&self, node: usize) -> impl Iterator<Item = usize> + use<> {
        let Sides { first, others } = &self.sides;
        let start = others.partition_point(|other| (other.0 as usize) < node);
        let end = others.partition_point(|other| other.0 as usize <= node);
        std::iter::once(node).chain(first.len() + start..first.len() + end)
    }

    /// Iterates over the elements around a side, with the position of the node in each.
    pub fn around(&self, side: usize) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        self.around.around(side)
    }

    /// Iterates over the elements around a node, with the position of the node in each.
    pub fn elements_around(&self, node: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.of(node).flat_map(|side| self.around(side))
    }

    /// Finds the side of a node with this number of the conductivity.
    pub fn find(&self, node: LocalIndex, conductivity: u16) -> Option<LocalIndex> {
        self.sides.find(node, conductivity)
    }

    /// Returns the number of the conductivity of a side.
    pub fn conductivity(&self, side: usize) -> u16 {
        let Sides { first, others } = &self.sides;
        side.checked_sub(first.len()).map_or_else(|| first[side], |i| others[i].1)
    }

    /// Iterates over the nodes with several sides, ascending.
    pub fn split_nodes(&self) -> impl Iterator<Item = LocalIndex> {
        self.sides.others.chunk_by(|a, b| a.0 == b.0).map(|sides| sides[0].0)
    }
}

impl Sides {
    fn count(&self) -> usize {
        self.first.len() + self.others.len()
    }

    fn find(&self, node: LocalIndex, conductivity: u16) -> Option<LocalIndex> {
        if self.first[node as usize] == conductivity {
            return Some(node);
        }
        let index = self.others.binary_search(&(node, conductivity)).ok()?;
        Some((self.first.len() + index) as LocalIndex)
    }
}

/// Finds the conductivities of the sides, and the sides of each element. **Collective.**
fn split<'a>(comm: &Comm, mesh: &'a LocalMesh, problem: &Problem) -> (Sides, Cow<'a, [[LocalIndex; 8]]>) {
    let nodes = mesh.coordinates.len();
    let mut sides = Sides { first: vec![0; nodes], others: Vec::new() };
    let numbers = conductivities(problem);
    let of_material = |element: usize| numbers.get(usize::from(mesh.regions[element]) + 1).copied().unwrap_or(0);
    let of_data = piecewise_constant(comm, mesh, problem, of_material);
    if of_data.is_empty() && numbers.iter().all(|&number| number == 0) {
        return (sides, Cow::Borrowed(&mesh.elements));
    }
    let number = |element: usize| of_data.get(element).copied().unwrap_or_else(|| of_material(element));
    sides.first.fill(NONE);
    for (e, nodes) in mesh.elements.iter().enumerate() {
        let number = number(e);
        for &node in nodes {
            match &mut sides.first[node as usize] {
                first if *first == NONE => *first = number,
                first if *first != number => sides.others.push((node, number)),
                _ => (),
            }
        }
    }
    sides.others.sort_unstable();
    sides.others.dedup();
    if sides.others.is_empty() {
        return (sides, Cow::Borrowed(&mesh.elements));
    }
    let of = |(e, nodes): (usize, &[LocalIndex; 8])| nodes.map(|n| sides.find(n, number(e)).unwrap_or(n));
    let elements = mesh.elements.iter().enumerate().map(of).collect();
    (sides, Cow::Owned(elements))
}

/// Numbers the conductivities outside of regions and of each region: equal ones have the number of
/// the first.
fn conductivities(problem: &Problem) -> Vec<u16> {
    let all: Vec<_> = problem.materials().map(|m| &m.conductivity).collect();
    all.iter().map(|k| all.iter().zip(0..).find(|(other, _)| *other == k).map_or(NONE, |(_, i)| i)).collect()
}

/// Largest number of different values of k that count as materials rather than as samples of a
/// field.
const MATERIALS: usize = 256;

/// Numbers the conductivities of all local elements where k has few different values in data of the
/// elements; returns nothing elsewhere. `of_material` is the number of the material of an element.
/// **Collective.**
fn piecewise_constant(
    comm: &Comm,
    mesh: &LocalMesh,
    problem: &Problem,
    of_material: impl Fn(usize) -> u16,
) -> Vec<u16> {
    let value = |component: &Coefficient, element: usize| {
        let data = mesh.data_of(component.data()?).filter(|data| data.location == Location::Elements)?;
        Some(data.values[element].to_bits())
    };
    let mut given = problem.materials().flat_map(|material| material.conductivity.given());
    if !given.any(|component| component.data().is_some()) {
        return Vec::new();
    }
    let key = |element: usize| -> [u64; 4] {
        let components = problem.material(mesh.regions[element]).conductivity.components::<3>();
        let [xx, xy, yy] = components.map(|component| value(component, element).unwrap_or(0));
        [u64::from(of_material(element)), xx, xy, yy]
    };
    let mut keys = BTreeSet::new();
    for element in 0..mesh.elements.len() {
        keys.insert(key(element));
        if keys.len() > MATERIALS {
            break;
        }
    }
    let all = unite(comm, keys);
    if all.len() > MATERIALS {
        return Vec::new();
    }
    let numbers: BTreeMap<[u64; 4], u16> = all.into_iter().zip(0..).collect();
    (0..mesh.elements.len()).map(|element| numbers.get(&key(element)).copied().unwrap_or(NONE)).collect()
}

/// Returns the union of the keys of all ranks, or more than [`MATERIALS`] of them where it is
/// larger: a binomial tree. **Collective.**
fn unite(comm: &Comm, mut keys: BTreeSet<[u64; 4]>) -> BTreeSet<[u64; 4]> {
    /// The number of keys, and the keys.
    const LENGTH: usize = 1 + 4 * (MATERIALS + 1);
    let message = |keys: &BTreeSet<[u64; 4]>| {
        let mut message = vec![keys.len().min(MATERIALS + 1) as u64];
        message.extend(keys.iter().take(MATERIALS + 1).flatten());
        message.resize(LENGTH, 0);
        message
    };
    let insert = |keys: &mut BTreeSet<[u64; 4]>, message: &[u64]| {
        let (received, _) = message[1..].as_chunks();
        keys.extend(&received[..message[0] as usize]);
    };
    let (rank, mut step) = (comm.rank(), 1);
    while step < comm.size() {
        let (mut outgoing, mut expected) = (Vec::new(), Vec::new());
        if rank % (2 * step) == step {
            outgoing.push((rank - step, message(&keys)));
        } else if rank.is_multiple_of(2 * step) && rank + step < comm.size() {
            expected.push((rank + step, LENGTH));
        }
        comm.neighbor_exchange(outgoing, &expected).iter().for_each(|(_, message)| insert(&mut keys, message));
        step *= 2;
    }
    let mut all = if comm.is_root() { message(&keys) } else { vec![0; LENGTH] };
    comm.broadcast_into(0, &mut all);
    insert(&mut keys, &all);
    keys
}
