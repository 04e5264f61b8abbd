//! Connected components of the mesh. A component without a Dirichlet or Robin condition has a
//! solution only up to a constant.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, Result};
use crate::mesh::LocalMesh;
use crate::mesh::union_find::UnionFind;
use crate::parallel::{Comm, GlobalIndex, Halo, LocalIndex, Outgoing};
use crate::system::{plural, show_point};

/// Checks that every component contains a node for which `held` is true. `held` is indexed by local
/// node, and valid for owned nodes. Components that share one node are one. **Collective.**
///
/// # Errors
/// A component has no such node. The message names the lowest element of all these components, and
/// the position of its component.
pub fn check_components(halo: &Halo, mesh: &LocalMesh, held: &[bool]) -> Result<()> {
    let pieces = label_pieces(halo, mesh, held);
    let own = || mesh.elements.iter().zip(&mesh.element_ids).take(mesh.own_elements);
    let label = |nodes: &[LocalIndex; 8]| pieces.label(nodes[0] as usize);
    let has_floating = pieces.labels.iter().any(|&label| label != 0);
    let floating = own().filter(|(nodes, _)| has_floating && label(nodes) != 0);
    let floating = floating.map(|(nodes, &id)| (id, label(nodes))).min();
    let (lowest, piece) = floating.unwrap_or((GlobalIndex::MAX, GlobalIndex::MAX));
    let element = halo.comm().min(lowest);
    if element == GlobalIndex::MAX {
        return Ok(());
    }
    let piece = halo.comm().min(if lowest == element { piece } else { GlobalIndex::MAX });
    let mut extent = describe(halo.comm(), mesh, |e| label(&mesh.elements[e]) == piece);
    let count = count_labels(halo, mesh, &pieces);
    if count > 1 {
        extent += &format!("; {count} pieces are like this");
    }
    halo.comm().agree(Err(floating_piece(element, &extent)))
}

fn floating_piece(element: GlobalIndex, extent: &str) -> Error {
    let text = format!(
        "the piece of the domain that holds element {element} touches no Dirichlet edge and no Robin edge with p > 0, \
         so its solution is not unique: {extent}; connect it, hold it by a condition, or remove it"
    );
    Error::input(text).at(element, 0).mentioning(&[element], &[])
}

/// Describes the size and the position of a component. **Collective.**
fn describe(comm: &Comm, mesh: &LocalMesh, is_in_piece: impl Fn(usize) -> bool) -> String {
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    let mut regions = vec![0; mesh.region_names.len()];
    let elements: Vec<usize> = (0..mesh.own_elements).filter(|&e| is_in_piece(e)).collect();
    for &e in &elements {
        if let Some(count) = mesh.regions.get(e).and_then(|&region| regions.get_mut(usize::from(region))) {
            *count += 1_u64;
        }
        for point in mesh.element_coordinates(e) {
            for axis in 0..2 {
                (low[axis], high[axis]) = (point[axis].min(low[axis]), point[axis].max(high[axis]));
            }
        }
    }
    let (low, high) = (comm.min_all(&low), comm.max_all(&high));
    let names = mesh.region_names.iter().zip(comm.sum_all(&regions)).filter(|(_, count)| *count > 0);
    let names: Vec<String> = names.map(|(name, _)| format!("'{name}'")).collect();
    let regions = if names.is_empty() { String::new() } else { format!(" (region {})", names.join(", ")) };
    let elements = plural(comm.sum(elements.len() as u64), "element");
    let [low, high] = [low, high].map(|corner| show_point([corner[0], corner[1]]));
    format!("it has {elements} from {low} to {high}{regions}")
}

/// Counts the connected components. **Collective.**
pub fn count_components(halo: &Halo, mesh: &LocalMesh) -> u64 {
    count_labels(halo, mesh, &label_pieces(halo, mesh, &vec![false; mesh.coordinates.len()]))
}

/// Counts the components with a label other than 0. **Collective.**
fn count_labels(halo: &Halo, mesh: &LocalMesh, pieces: &Pieces) -> u64 {
    let owned = mesh.node_ids.iter().enumerate().take(mesh.owned_nodes);
    halo.comm().sum(owned.filter(|&(node, &id)| pieces.label(node) == id + 1).count() as u64)
}

/// Connected pieces of the local elements, each with a label.
struct Pieces {
    /// Piece of each local node.
    of: Vec<u32>,
    /// Label of each piece: 0 where its component is held, else the lowest node of its component
    /// plus one.
    labels: Vec<GlobalIndex>,
}

impl Pieces {
    /// Returns the label of the component of a node.
    fn label(&self, node: usize) -> GlobalIndex {
        self.labels[self.of[node] as usize]
    }
}

/// Label of a piece, and the owner of the node whose number it is.
type Label = (GlobalIndex, u32);

/// Finds the pieces of the local elements and their labels. **Collective.**
///
/// In each round a label spreads to the neighbours, then takes the label of its own node (pointer
/// jumping: Y. Shiloach, U. Vishkin, *An O(log n) parallel connectivity algorithm*, J. Algorithms 3
/// (1982)), so that the rounds grow like the logarithm of the ranks.
fn label_pieces(halo: &Halo, mesh: &LocalMesh, held: &[bool]) -> Pieces {
    let (of, count) = local_pieces(mesh);
    let mut lowest: Vec<Label> = vec![(GlobalIndex::MAX, 0); count];
    for (node, owner) in mesh.node_owners.iter().enumerate() {
        let is_held = node < mesh.owned_nodes && held[node];
        let lowest = &mut lowest[of[node] as usize];
        *lowest = (if is_held { 0 } else { mesh.node_ids[node] + 1 }, owner).min(*lowest);
    }
    loop {
        jump(halo.comm(), mesh, &of, &mut lowest);
        let labels = halo.ghost_values(|node| lowest[of[node] as usize].0);
        let owners = halo.ghost_values(|node| lowest[of[node] as usize].1);
        let mut has_changed = false;
        for (&piece, label) in of[mesh.owned_nodes..].iter().zip(labels.into_iter().zip(owners)) {
            let lowest = &mut lowest[piece as usize];
            has_changed |= label.0 != lowest.0;
            *lowest = label.min(*lowest);
        }
        if halo.comm().max(u8::from(has_changed)) == 0 {
            return Pieces { of, labels: lowest.into_iter().map(|label| label.0).collect() };
        }
    }
}

/// Replaces the label of each piece by that of the node whose number it is. `pieces` has the piece
/// of each local node. **Collective.**
fn jump(comm: &Comm, mesh: &LocalMesh, pieces: &[u32], labels: &mut [Label]) {
    let asking: Vec<usize> = (0..labels.len()).filter(|&piece| labels[piece].0 != 0).collect();
    let mut requests = Outgoing::new();
    for &piece in &asking {
        let (label, owner) = labels[piece];
        requests.to(owner as usize).push(label - 1);
    }
    let expected: Vec<_> = requests.lengths().into_iter().map(|(rank, nodes)| (rank, 2 * nodes)).collect();
    let requests = comm.sparse_exchange(requests);

    let requested: FxHashSet<GlobalIndex> = requests.iter().flat_map(|message| &message.1).copied().collect();
    let owned = mesh.node_ids.iter().zip(pieces).take(mesh.owned_nodes);
    let found = owned.filter(|(id, _)| requested.contains(id));
    let found: FxHashMap<GlobalIndex, Label> = found.map(|(&id, &piece)| (id, labels[piece as usize])).collect();
    let answer = |(label, owner): Label| [label, GlobalIndex::from(owner)];
    let outgoing =
        requests.into_iter().map(|(rank, nodes)| (rank, nodes.iter().flat_map(|node| answer(found[node])).collect()));
    let answers = comm.neighbor_exchange(outgoing.collect(), &expected);
    let mut answers: FxHashMap<usize, _> =
        answers.iter().map(|(rank, answers)| (*rank, answers.as_chunks::<2>().0.iter())).collect();
    for piece in asking {
        let next = answers.get_mut(&(labels[piece].1 as usize)).and_then(Iterator::next);
        if let Some(&[label, owner]) = next {
            labels[piece] = (label, owner as u32);
        }
    }
}

/// Finds the connected pieces of the local elements. Returns the piece of each local node and the
/// number of pieces.
fn local_pieces(mesh: &LocalMesh) -> (Vec<u32>, usize) {
    let mut pieces = UnionFind::new(mesh.coordinates.len());
    for nodes in &mesh.elements {
        let mut piece = pieces.root(nodes[0]);
        for &node in &nodes[1..] {
            // Mostly another element has put the node into the piece.
            if pieces.parent(node) != piece {
                piece = pieces.join(piece, node);
            }
        }
    }
    pieces.numbered()
}
