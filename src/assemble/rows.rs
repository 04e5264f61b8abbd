//! Compressed rows straight from the element pattern, many rows at once.

use std::rc::Rc;

use rayon::prelude::*;
use sprs::CsMatI;

use super::ElementMatrices;
use crate::la::DistributedCsr;
use crate::mesh::{Adjacency, LocalMesh};
use crate::parallel::loops;
use crate::parallel::{Halo, Local};

/// Rows of one chunk: how many entries each has in owned and in ghost columns,
/// and the entries.
#[derive(Default)]
struct Chunk {
    owned: Part,
    ghost: Part,
}

#[derive(Default)]
struct Part {
    lengths: Vec<u32>,
    columns: Vec<Local>,
    values: Vec<f64>,
}

impl Part {
    fn push(&mut self, entries: &[(Local, f64)], first: Local) {
        self.lengths.push(entries.len() as u32);
        self.columns.extend(entries.iter().map(|e| e.0 - first));
        self.values.extend(entries.iter().map(|e| e.1));
    }
}

/// Sums the element matrices into the rows of the owned nodes. Contributions
/// to an entry are added in the order of the elements, whatever the threads.
pub fn stiffness_matrix(halo: &Rc<Halo>, mesh: &LocalMesh, elements: &ElementMatrices) -> DistributedCsr {
    let rows = mesh.owned_nodes;
    let adjacency = Adjacency::new(&mesh.elements, rows);
    let chunks: Vec<Chunk> = loops::chunks(rows)
        .map(|range| {
            let mut chunk = Chunk::default();
            let mut row: Vec<(Local, f64)> = Vec::with_capacity(64);
            for node in range {
                row.clear();
                for (element, a) in adjacency.around(node) {
                    for (&column, value) in mesh.elements[element].iter().zip(elements.row(element, a)) {
                        match row.iter_mut().find(|entry| entry.0 == column) {
                            Some(entry) => entry.1 += value,
                            None => row.push((column, value)),
                        }
                    }
                }
                row.sort_unstable_by_key(|entry| entry.0);
                let (owned, ghost) = row.split_at(row.partition_point(|entry| (entry.0 as usize) < rows));
                chunk.owned.push(owned, 0);
                chunk.ghost.push(ghost, rows as Local);
            }
            chunk
        })
        .collect();

    let (owned, ghost): (Vec<Part>, Vec<Part>) = chunks.into_iter().map(|c| (c.owned, c.ghost)).unzip();
    let ghost_rows = ghost.iter().flat_map(|part| &part.lengths).zip(0..).filter(|(n, _)| **n > 0).map(|(_, i)| i);
    let ghost_rows: Vec<Local> = ghost_rows.collect();
    let ghosts = mesh.coordinates.len() - rows;
    DistributedCsr::new(Rc::clone(halo), join(owned, rows, |_| true), join(ghost, ghosts, |n| n > 0), ghost_rows)
}

/// One matrix of all chunks' rows for whose length `keep` holds.
fn join(parts: Vec<Part>, columns: usize, keep: impl Fn(u32) -> bool) -> CsMatI<f64, Local, usize> {
    let mut pointers = vec![0];
    let mut end = 0;
    for &length in parts.iter().flat_map(|p| &p.lengths).filter(|n| keep(**n)) {
        end += length as usize;
        pointers.push(end);
    }
    let (mut indices, mut data) = (vec![0; end], vec![0.0; end]);
    let (mut index_slots, mut data_slots) = (Vec::new(), Vec::new());
    let (mut index_rest, mut data_rest) = (&mut indices[..], &mut data[..]);
    for part in &parts {
        let (slot, rest) = index_rest.split_at_mut(part.columns.len());
        index_slots.push(slot);
        index_rest = rest;
        let (slot, rest) = data_rest.split_at_mut(part.values.len());
        data_slots.push(slot);
        data_rest = rest;
    }
    parts.par_iter().zip(index_slots).zip(data_slots).for_each(|((part, index), data)| {
        index.copy_from_slice(&part.columns);
        data.copy_from_slice(&part.values);
    });
    CsMatI::new((pointers.len() - 1, columns), pointers, indices, data)
}
