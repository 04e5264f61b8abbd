//! Distribution of a mesh: elements are sent to their ranks, nodes get owners, and each rank
//! receives the ghost elements around its nodes.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::mesh::ordering::Unordered;
use crate::mesh::{LocalMesh, MeshSlab, check_jacobian};
use crate::parallel::{Comm, GlobalIndex, LocalIndex};
use crate::quad8;
use crate::quad8::Coordinates;

/// Element with its nodes, their owners and coordinates.
#[derive(Clone)]
struct Element {
    id: GlobalIndex,
    owner: u32,
    region: u16,
    nodes: [GlobalIndex; 8],
    node_owners: [u32; 8],
    coordinates: Coordinates,
}

/// Builds this rank's [`LocalMesh`] from its slab and the parts of the slab's elements, and frees
/// the connectivity of the slab. Clockwise elements are reoriented; their number over all ranks is
/// returned with the mesh. **Collective.**
///
/// # Errors
/// Coordinates are not finite, or an element is folded; the same on every rank.
pub fn distribute(comm: &Comm, slab: &mut MeshSlab, parts: &[u32]) -> Result<(LocalMesh, u64)> {
    let Distributed { mesh, turned, mut flaws } = distribute_anyway(comm, slab, parts, 1);
    comm.agree(flaws.pop().map_or(Ok(()), Err))?;
    Ok((mesh, turned))
}

/// Distributed mesh whose elements may be folded.
pub struct Distributed {
    /// The mesh.
    pub mesh: LocalMesh,
    /// Number of clockwise elements over all ranks, which were reoriented.
    pub turned: u64,
    /// Errors of the first bad elements of this rank.
    pub flaws: Vec<Error>,
}

/// Distributes a mesh as [`distribute`] does, also with bad elements: each rank lists at most
/// `most` of its own. **Collective.**
pub fn distribute_anyway(comm: &Comm, slab: &mut MeshSlab, parts: &[u32], most: usize) -> Distributed {
    let received = send_elements(comm, slab, parts);
    slab.connectivity = Vec::new();
    let (mut own, orphans) = resolve_nodes(comm, slab, received);
    let turned = comm.sum(orient(&mut own));
    let flaws = own.iter().filter_map(|e| check_element(e).err()).take(most).collect();
    let ghosts = ghost_elements(comm, &own);
    let mut mesh = number(comm.rank() as u32, own, ghosts);
    mesh.total_nodes = slab.nodes.total();
    mesh.total_elements = slab.elements.total();
    mesh.orphans = orphans;
    mesh.boundary_names = slab.boundary_names();
    mesh.region_names = slab.tags.region_names.clone();
    Distributed { mesh, turned, flaws }
}

/// Own elements of this rank, ascending.
struct Received {
    ids: Vec<GlobalIndex>,
    regions: Vec<u16>,
    nodes: Vec<[GlobalIndex; 8]>,
}

fn send_elements(comm: &Comm, slab: &MeshSlab, parts: &[u32]) -> Received {
    let first = slab.elements.range(comm.rank()).start;
    let mut outgoing = vec![Vec::new(); comm.size()];
    for (i, (nodes, &part)) in slab.connectivity.iter().zip(parts).enumerate() {
        let message = &mut outgoing[part as usize];
        message.extend([first + i as GlobalIndex, GlobalIndex::from(slab.region(i))]);
        message.extend_from_slice(nodes);
    }
    let incoming = comm.all_to_all_v(outgoing);
    let records = || incoming.iter().flat_map(|m| m.chunks_exact(10));
    Received {
        ids: records().map(|r| r[0]).collect(),
        regions: records().map(|r| r[1] as u16).collect(),
        nodes: records().map(|r| std::array::from_fn(|i| r[i + 2])).collect(),
    }
}

/// Requests the coordinates and the owner of each node from the rank of its slab. That rank
/// receives requests from all parts that touch the node, selects the owner among them, and keeps
/// nodes without requests as orphans.
fn resolve_nodes(comm: &Comm, slab: &MeshSlab, received: Received) -> (Vec<Element>, Vec<(GlobalIndex, [f64; 2])>) {
    let mut used: Vec<GlobalIndex> = received.nodes.iter().flatten().copied().collect();
    used.sort_unstable();
    used.dedup();
    let mut questions = vec![Vec::new(); comm.size()];
    for &node in &used {
        questions[slab.nodes.owner(node)].push(node);
    }
    // `used` is sorted and slabs ascend, so that the answers arrive in its order.
    let questions = comm.all_to_all_v(questions);

    let range = slab.nodes.range(comm.rank());
    let count = (range.end - range.start) as usize;
    let (mut askers, mut sum) = (vec![0_u32; count], vec![0_usize; count]);
    for (rank, nodes) in questions.iter().enumerate() {
        for node in nodes {
            let i = (node - range.start) as usize;
            askers[i] += 1;
            sum[i] += rank;
        }
    }
    let owner = pick_owners(&questions, range.start, &askers, &sum);
    let orphans = (0..count).filter(|&i| askers[i] == 0).map(|i| (range.start + i as GlobalIndex, slab.coordinates[i]));
    let orphans = orphans.collect();

    let answer = |nodes: &Vec<GlobalIndex>| nodes.iter().map(|n| (n - range.start) as usize).collect::<Vec<_>>();
    let indices: Vec<Vec<usize>> = questions.iter().map(answer).collect();
    let owners = comm.all_to_all_v(indices.iter().map(|list| list.iter().map(|&i| owner[i]).collect()).collect());
    let points = comm
        .all_to_all_v(indices.iter().map(|list| list.iter().flat_map(|&i| slab.coordinates[i]).collect()).collect());
    let (owners, points) = (owners.concat(), points.concat());

    let place: FxHashMap<GlobalIndex, usize> = used.iter().zip(0..).map(|(&n, i)| (n, i)).collect();
    let Received { ids, regions, nodes } = received;
    let elements = ids.into_iter().zip(regions).zip(nodes).map(|((id, region), nodes)| {
        let at = nodes.map(|n| place[&n]);
        Element {
            id,
            owner: comm.rank() as u32,
            region,
            nodes,
            node_owners: at.map(|i| owners[i]),
            coordinates: at.map(|i| [points[2 * i], points[2 * i + 1]]),
        }
    });
    (elements.collect(), orphans)
}

/// Selects the owner of a node: of the ranks that touch it, the one at position (sum of their
/// numbers) mod (their count). It is always the same one of a pair, so that one part owns the whole
/// interface of two parts, and each part owns half of its interfaces on average.
fn pick_owners(questions: &[Vec<GlobalIndex>], first: GlobalIndex, askers: &[u32], sum: &[usize]) -> Vec<u32> {
    let mut owner = vec![0; askers.len()];
    let mut position: Vec<i64> = askers.iter().zip(sum).map(|(&n, &s)| (s % n.max(1) as usize) as i64).collect();
    for (rank, nodes) in questions.iter().enumerate() {
        for node in nodes {
            let i = (node - first) as usize;
            if position[i] == 0 {
                owner[i] = rank as u32;
            }
            position[i] -= 1;
        }
    }
    owner
}

/// Reorients clockwise elements and returns their number.
fn orient(elements: &mut [Element]) -> u64 {
    let mut count = 0;
    for e in elements {
        if quad8::gradients(&e.coordinates, 0.0, 0.0).determinant < 0.0 {
            e.nodes = quad8::reoriented(e.nodes);
            e.node_owners = quad8::reoriented(e.node_owners);
            e.coordinates = quad8::reoriented(e.coordinates);
            count += 1;
        }
    }
    count
}

/// Checks the coordinates of an element and the determinant at its nine Gauss points.
fn check_element(e: &Element) -> Result<()> {
    for (&[x, y], &node) in e.coordinates.iter().zip(&e.nodes) {
        if !(x.is_finite() && y.is_finite()) {
            return Err(not_finite(e.id, node, [x, y]));
        }
    }
    check_jacobian(&e.coordinates, e.id, e.nodes).map_err(|folded| folded.error(0))
}

/// Returns the error of a node whose coordinates are not finite.
pub fn not_finite(element: GlobalIndex, node: GlobalIndex, [x, y]: [f64; 2]) -> Error {
    let text = format!("element {element}: the coordinates ({x}, {y}) of its node {node} are not finite");
    Error::input(text).at(element, 0).mentioning(&[element], &[node])
}

/// Sends each own element to the other owners of its nodes and returns the received ones.
fn ghost_elements(comm: &Comm, own: &[Element]) -> Vec<Element> {
    let mut numbers = vec![Vec::new(); comm.size()];
    let mut points = vec![Vec::new(); comm.size()];
    for e in own {
        let mut targets = e.node_owners;
        targets.sort_unstable();
        for (i, &target) in targets.iter().enumerate() {
            if target != e.owner && (i == 0 || targets[i - 1] != target) {
                let message = &mut numbers[target as usize];
                message.extend([e.id, GlobalIndex::from(e.region)]);
                message.extend_from_slice(&e.nodes);
                message.extend(e.node_owners.map(GlobalIndex::from));
                points[target as usize].extend(e.coordinates.into_iter().flatten());
            }
        }
    }
    let (numbers, points) = (comm.all_to_all_v(numbers), comm.all_to_all_v(points));
    let mut ghosts = Vec::new();
    for (rank, (numbers, points)) in numbers.iter().zip(&points).enumerate() {
        for (n, p) in numbers.chunks_exact(18).zip(points.chunks_exact(16)) {
            ghosts.push(Element {
                id: n[0],
                owner: rank as u32,
                region: n[1] as u16,
                nodes: std::array::from_fn(|i| n[2 + i]),
                node_owners: std::array::from_fn(|i| n[10 + i] as u32),
                coordinates: std::array::from_fn(|i| [p[2 * i], p[2 * i + 1]]),
            });
        }
    }
    ghosts
}

/// Numbers elements and nodes locally.
fn number(rank: u32, own: Vec<Element>, ghosts: Vec<Element>) -> LocalMesh {
    let own_elements = own.len();
    let elements: Vec<Element> = own.into_iter().chain(ghosts).collect();
    let mut local: FxHashMap<GlobalIndex, LocalIndex> = FxHashMap::default();
    let (mut nodes, mut coordinates) = (Vec::new(), Vec::new());
    let mut connectivity = Vec::with_capacity(elements.len());
    for e in &elements {
        connectivity.push(std::array::from_fn(|i| {
            *local.entry(e.nodes[i]).or_insert_with(|| {
                nodes.push((e.nodes[i], e.node_owners[i]));
                coordinates.push(e.coordinates[i]);
                nodes.len() as LocalIndex - 1
            })
        }));
    }
    let unordered = Unordered {
        elements: connectivity,
        element_ids: elements.iter().map(|e| e.id).collect(),
        element_owners: elements.iter().map(|e| e.owner).collect(),
        regions: elements.iter().map(|e| e.region).collect(),
        own_elements,
        nodes,
    };
    let (mesh, order) = unordered.order(rank);
    LocalMesh { coordinates: order.nodes.iter().map(|&n| coordinates[n as usize]).collect(), ..mesh }
}
