//! Distribution of a mesh: elements are sent to their ranks, nodes get owners, and each rank
//! receives the ghost elements around its nodes.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::mesh::LocalNumbers;
use crate::mesh::data::receive_data;
use crate::mesh::node_owners::{NO_OWNER, pick_owners};
use crate::mesh::ordering::{Order, gathered};
use crate::mesh::quality::{BatchQuality, MeshQuality};
use crate::mesh::{LocalMesh, MeshSlab, NO_REGION, check_jacobian, not_finite};
use crate::parallel::{BlockRequests, Comm, GlobalIndex, LocalIndex, Outgoing, concat, loops};
use crate::quad8;
use crate::quad8::{Batch, Coordinates, LANES};

/// Builds this rank's [`LocalMesh`] from its slab and the parts of the slab's elements. Frees the
/// connectivity of the slab and stores the owners of its nodes. Clockwise elements are reoriented.
/// **Collective.**
///
/// # Errors
/// Coordinates are not finite, or an element is folded; the same on every rank.
pub fn distribute(comm: &Comm, slab: &mut MeshSlab, parts: &[u32]) -> Result<Distributed> {
    let mut distributed = distribute_anyway(comm, slab, parts, 1);
    comm.agree(distributed.flaws.pop().map_or(Ok(()), Err))?;
    Ok(distributed)
}

/// Part of a mesh on one rank, and the quality of its elements.
pub struct Distributed {
    /// The mesh.
    pub mesh: LocalMesh,
    /// Number of clockwise elements over all ranks, which were reoriented.
    pub reoriented: u64,
    /// Quality of all elements of all ranks.
    pub quality: MeshQuality,
    /// Errors of the first bad elements of this rank.
    pub flaws: Vec<Error>,
}

/// Distributes a mesh as [`distribute`] does, also with bad elements: each rank lists at most
/// `most` of its own. **Collective.**
pub fn distribute_anyway(comm: &Comm, slab: &mut MeshSlab, parts: &[u32], most: usize) -> Distributed {
    let mut part = Part::receive(comm, slab, parts);
    let orphans = part.resolve_nodes(comm, slab);
    let Measured { reoriented, suspects, quality } = part.measure();
    let reoriented = comm.sum(reoriented);
    let quality = quality.over_ranks(comm);
    let flaws = part.flaws(&suspects, most);
    part.add_ghosts(comm);
    let mut mesh = part.order(comm.rank() as u32);
    mesh.total_nodes = slab.nodes.total();
    mesh.total_elements = slab.elements.total();
    mesh.orphans = orphans;
    mesh.boundary_names = slab.boundary_names();
    mesh.region_names = slab.tags.region_names.clone();
    mesh.data = receive_data(comm, slab, &mesh);
    Distributed { mesh, reoriented, quality, flaws }
}

/// Result of a loop over the elements of a rank.
#[derive(Default)]
struct Measured {
    /// Number of clockwise elements, which were reoriented.
    reoriented: u64,
    /// Elements with a Jacobian determinant or a coordinate that is not valid.
    suspects: Vec<usize>,
    quality: MeshQuality,
}

impl Measured {
    /// Combines the results of two parts of the elements.
    fn and(mut self, mut other: Self) -> Self {
        self.reoriented += other.reoriented;
        self.suspects.append(&mut other.suspects);
        Self { quality: self.quality.and(other.quality), ..self }
    }
}

/// Gathers the coordinates (m) of up to eight elements.
fn gather(elements: &[[LocalIndex; 8]], coordinates: &[[f64; 2]]) -> Batch {
    Batch::gather(elements.iter().map(|nodes| nodes.map(|n| coordinates[n as usize])))
}

/// Elements of this rank, own ones first, and their nodes, in the order in which they come.
struct Part {
    elements: Vec<[LocalIndex; 8]>,
    element_ids: Vec<GlobalIndex>,
    element_owners: Vec<u32>,
    regions: Vec<u16>,
    own_elements: usize,
    nodes: LocalNumbers,
    node_owners: Vec<u32>,
    coordinates: Vec<[f64; 2]>,
}

impl Part {
    /// Sends each element of the slab to the rank of its part, and frees the connectivity of the
    /// slab. Returns the elements of this rank, ascending. **Collective.**
    fn receive(comm: &Comm, slab: &mut MeshSlab, parts: &[u32]) -> Self {
        let first = slab.elements.range(comm.rank()).start;
        let ranks = || parts.iter().map(|&part| part as usize);
        // The number of each element, and its nodes.
        let mut outgoing: Outgoing<GlobalIndex> = Outgoing::with_capacity(ranks(), 9);
        for ((nodes, part), id) in std::mem::take(&mut slab.connectivity).iter().zip(ranks()).zip(first..) {
            let message = outgoing.to(part);
            message.push(id);
            message.extend_from_slice(nodes);
        }
        let messages = comm.sparse_exchange(outgoing);
        let count = messages.iter().map(|(_, message)| message.len() / 9).sum();
        let regions = Self::receive_regions(comm, slab, parts, count);

        // A structured mesh has three nodes an element.
        let mut nodes = LocalNumbers::with_capacity(3 * count);
        let (mut elements, mut element_ids) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (_, message) in messages {
            for &[id, ref ids @ ..] in message.as_chunks::<9>().0 {
                element_ids.push(id);
                elements.push(std::array::from_fn(|i| nodes.add(ids[i])));
            }
        }
        Self {
            own_elements: elements.len(),
            element_owners: vec![comm.rank() as u32; elements.len()],
            elements,
            element_ids,
            regions,
            nodes,
            node_owners: Vec::new(),
            coordinates: Vec::new(),
        }
    }

    /// Sends the regions of the elements to the ranks of their parts. Returns the regions of this
    /// rank's `own` elements. **Collective.**
    fn receive_regions(comm: &Comm, slab: &MeshSlab, parts: &[u32], own: usize) -> Vec<u16> {
        if slab.tags.region_names.is_empty() {
            return vec![NO_REGION; own];
        }
        let mut outgoing = Outgoing::with_capacity(parts.iter().map(|&part| part as usize), 1);
        for (i, &part) in parts.iter().enumerate() {
            outgoing.to(part as usize).push(slab.region(i));
        }
        concat(comm.sparse_exchange(outgoing))
    }

    /// Requests the coordinates and the owner of each node from the rank of its slab. That rank
    /// receives requests from all parts that touch the node, selects the owner among them, and
    /// stores it in the slab. Returns the nodes of the slab without requests, which no element has.
    /// **Collective.**
    fn resolve_nodes(&mut self, comm: &Comm, slab: &mut MeshSlab) -> Vec<(GlobalIndex, [f64; 2])> {
        let requests = BlockRequests::new(comm, slab.nodes, self.nodes.ids().iter().copied());
        let owners = pick_owners(&requests);
        self.node_owners = requests.answer(comm, |i| owners[i]);
        self.coordinates = requests.answer_rows(comm, |i| slab.coordinates[i]);
        let range = slab.nodes.range(comm.rank());
        let nodes = range.zip(&slab.coordinates).zip(&owners);
        let orphans = nodes.filter(|(_, owner)| **owner == NO_OWNER).map(|((id, &point), _)| (id, point)).collect();
        slab.node_owners = owners;
        orphans
    }

    /// Returns the coordinates (m) of the nodes of an element.
    fn element_coordinates(&self, element: usize) -> Coordinates {
        self.elements[element].map(|n| self.coordinates[n as usize])
    }

    /// Returns the global numbers of the nodes of an element.
    fn global_nodes(&self, element: usize) -> [GlobalIndex; 8] {
        self.elements[element].map(|n| self.nodes.ids()[n as usize])
    }

    /// Reorients clockwise elements and measures all.
    fn measure(&mut self) -> Measured {
        let coordinates = &self.coordinates;
        let of_batch =
            |mut sum: Measured, (batch, (elements, ids)): (usize, (&mut [[LocalIndex; 8]], &[GlobalIndex]))| {
                let reoriented = sum.reoriented;
                let mut points = gather(elements, coordinates);
                let mut qualities = BatchQuality::of(&points);
                if !(0..elements.len()).all(|lane| qualities.is_integrable(lane)) {
                    for nodes in elements.iter_mut() {
                        let points = nodes.map(|n| coordinates[n as usize]);
                        if quad8::gradients(&points, 0.0, 0.0).determinant < 0.0 {
                            *nodes = quad8::reoriented(*nodes);
                            sum.reoriented += 1;
                        }
                    }
                    if sum.reoriented > reoriented {
                        points = gather(elements, coordinates);
                        qualities = BatchQuality::of(&points);
                    }
                    let refused = (0..elements.len()).filter(|&lane| !qualities.is_integrable(lane));
                    sum.suspects.extend(refused.map(|lane| batch * LANES + lane));
                }
                sum.quality.add_batch(ids, &points, &qualities);
                sum
            };
        let batches = self.elements.par_chunks_mut(LANES).zip(self.element_ids.par_chunks(LANES)).enumerate();
        batches
            .with_min_len(loops::CHUNK / LANES)
            .fold(Measured::default, of_batch)
            .reduce(Measured::default, Measured::and)
    }

    /// Returns the errors of the first bad elements among `suspects`, at most `most`.
    fn flaws(&self, suspects: &[usize], most: usize) -> Vec<Error> {
        suspects.iter().filter_map(|&element| self.check_element(element).err()).take(most).collect()
    }

    /// Checks the coordinates of an element and the determinant at its nine Gauss points.
    fn check_element(&self, element: usize) -> Result<()> {
        let (id, nodes, coordinates) =
            (self.element_ids[element], self.global_nodes(element), self.element_coordinates(element));
        for (&[x, y], &node) in coordinates.iter().zip(&nodes) {
            if !(x.is_finite() && y.is_finite()) {
                return Err(not_finite(id, node, [x, y]));
            }
        }
        check_jacobian(&coordinates, id, nodes).map_err(|folded| folded.error(0))
    }

    /// Sends each own element to the other owners of its nodes and adds the received ones.
    /// **Collective.**
    fn add_ghosts(&mut self, comm: &Comm) {
        let rank = comm.rank() as u32;
        let (mut numbers, mut points) = (Outgoing::new(), Outgoing::new());
        for (element, nodes) in self.elements.iter().enumerate() {
            let owners = nodes.map(|n| self.node_owners[n as usize]);
            for (i, &target) in owners.iter().enumerate() {
                if target != rank && !owners[..i].contains(&target) {
                    let message: &mut Vec<GlobalIndex> = numbers.to(target as usize);
                    message.extend([self.element_ids[element], GlobalIndex::from(self.regions[element])]);
                    message.extend(self.global_nodes(element));
                    message.extend(owners.map(GlobalIndex::from));
                    points.to(target as usize).extend(self.element_coordinates(element).into_iter().flatten());
                }
            }
        }
        let numbers = comm.sparse_exchange(numbers);
        let expected: Vec<_> = numbers.iter().map(|(rank, records)| (*rank, records.len() / 18 * 16)).collect();
        let points = comm.neighbor_exchange(points.into_messages(), &expected);
        for ((owner, numbers), (_, points)) in numbers.iter().zip(&points) {
            let (records, coordinates) = (numbers.as_chunks::<18>().0, points.as_chunks::<2>().0.as_chunks::<8>().0);
            for (&[id, region, ref rest @ ..], coordinates) in records.iter().zip(coordinates) {
                let (nodes, owners) = rest.split_at(8);
                self.add_ghost(id, *owner as u32, region as u16, nodes, owners, coordinates);
            }
        }
    }

    /// Appends an element of another rank.
    fn add_ghost(
        &mut self,
        id: GlobalIndex,
        owner: u32,
        region: u16,
        nodes: &[GlobalIndex],
        owners: &[GlobalIndex],
        coordinates: &Coordinates,
    ) {
        self.element_ids.push(id);
        self.element_owners.push(owner);
        self.regions.push(region);
        self.elements.push(std::array::from_fn(|i| {
            let node = self.nodes.add(nodes[i]);
            if node as usize == self.coordinates.len() {
                self.node_owners.push(owners[i] as u32);
                self.coordinates.push(coordinates[i]);
            }
            node
        }));
    }

    /// Orders elements and nodes.
    fn order(self, rank: u32) -> LocalMesh {
        let Self { elements, element_ids, element_owners, regions, own_elements, nodes, node_owners, coordinates } =
            self;
        let node_ids = nodes.into_ids();
        let foreign = |node: LocalIndex| {
            let owner = node_owners[node as usize];
            (owner != rank).then(|| (owner, node_ids[node as usize]))
        };
        let order = Order::new(&elements, own_elements, node_ids.len(), foreign, false);
        LocalMesh {
            elements: order.renumbered(&elements),
            element_ids: gathered(&order.elements, &element_ids),
            element_owners: order.elements.iter().map(|&e| element_owners[e as usize]).collect(),
            regions: gathered(&order.elements, &regions),
            own_elements,
            coordinates: gathered(&order.nodes, &coordinates),
            node_ids: gathered(&order.nodes, &node_ids),
            node_owners: order.nodes.iter().map(|&n| node_owners[n as usize]).collect(),
            owned_nodes: order.owned_nodes,
            ..LocalMesh::default()
        }
    }
}
