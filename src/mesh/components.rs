//! Connected pieces: every piece of the domain must be held somewhere, or its
//! solution floats by a constant.

use super::LocalMesh;
use crate::error::{Error, Result};
use crate::parallel::{Global, Halo};

/// Checks that every piece holds a node where `held` is true (of the local
/// nodes; a rank must know it for those it owns). Pieces that share one node
/// are one piece. **Collective.**
///
/// # Errors
/// [`Error::FloatingPiece`] with the lowest element of all floating pieces.
pub fn check_components(halo: &Halo, mesh: &LocalMesh, held: &[bool]) -> Result<()> {
    let labels = label_pieces(halo, mesh, held);
    let floating = mesh.elements.iter().zip(&mesh.element_ids).filter(|(nodes, _)| labels[nodes[0] as usize] != 0);
    match floating.map(|(_, &id)| id).min() {
        Some(element) => halo.comm().agree(Err(Error::FloatingPiece { element })),
        None => halo.comm().agree(Ok(())),
    }
}

/// The number of connected pieces. **Collective.**
pub fn count_components(halo: &Halo, mesh: &LocalMesh) -> u64 {
    let labels = label_pieces(halo, mesh, &vec![false; mesh.coordinates.len()]);
    let owned = mesh.node_ids.iter().zip(&labels).take(mesh.owned_nodes);
    halo.comm().sum(owned.filter(|&(&id, &label)| label == id + 1).count() as u64)
}

/// For each local node 0 where its piece is held, else its piece's lowest node
/// plus one. **Collective.**
fn label_pieces(halo: &Halo, mesh: &LocalMesh, held: &[bool]) -> Vec<Global> {
    let pieces = local_pieces(mesh);
    let mut labels: Vec<Global> = mesh.node_ids.iter().zip(held).map(|(&id, &h)| if h { 0 } else { id + 1 }).collect();
    loop {
        halo.forward(&mut labels);
        let mut lowest = vec![Global::MAX; labels.len()];
        for (node, &piece) in pieces.iter().enumerate() {
            lowest[piece] = lowest[piece].min(labels[node]);
        }
        let mut changed = false;
        for (node, &piece) in pieces.iter().enumerate() {
            changed |= labels[node] != lowest[piece];
            labels[node] = lowest[piece];
        }
        if halo.comm().max(u8::from(changed)) == 0 {
            return labels;
        }
    }
}

/// For each local node a representative of the piece that local elements join
/// it to (union-find with path halving).
fn local_pieces(mesh: &LocalMesh) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..mesh.coordinates.len()).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    for nodes in &mesh.elements {
        for pair in nodes.windows(2) {
            let (a, b) = (root(&mut parent, pair[0] as usize), root(&mut parent, pair[1] as usize));
            parent[a.max(b)] = a.min(b);
        }
    }
    (0..parent.len()).map(|i| root(&mut parent, i)).collect()
}
