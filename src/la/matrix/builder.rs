//! Parallel construction of compressed rows, row by row and without triplets.

use std::rc::Rc;

use rayon::prelude::*;

use crate::la::matrix::{Csr, DistributedCsr};
use crate::parallel::{Halo, LocalIndex, loops};

/// Entries of one row under construction.
#[derive(Default)]
pub struct Row {
    entries: Vec<(LocalIndex, f64)>,
}

impl Row {
    /// Adds to the entry of a column. A linear search is fastest for the short rows of finite
    /// element matrices.
    pub fn add(&mut self, column: LocalIndex, value: f64) {
        match self.entries.iter_mut().find(|entry| entry.0 == column) {
            Some(entry) => entry.1 += value,
            None => self.entries.push((column, value)),
        }
    }
}

/// Compressed rows of one chunk.
#[derive(Default)]
struct Part {
    lengths: Vec<u32>,
    columns: Vec<LocalIndex>,
    values: Vec<f64>,
}

impl Part {
    fn push(&mut self, entries: &[(LocalIndex, f64)], first: LocalIndex) {
        self.lengths.push(entries.len() as u32);
        self.columns.extend(entries.iter().map(|e| e.0 - first));
        self.values.extend(entries.iter().map(|e| e.1));
    }
}

impl DistributedCsr {
    /// Builds a matrix with `rows` rows on this rank and columns distributed as by `halo`; `fill`
    /// adds the entries of a row. Terms of an entry are summed in the order in which `fill` adds
    /// them, for any number of threads.
    pub(crate) fn from_rows(halo: &Rc<Halo>, rows: usize, fill: impl Fn(usize, &mut Row) + Sync) -> Self {
        let (owned_columns, ghosts) = (halo.map().owned(), halo.map().ghosts());
        let parts = fill_chunks(rows, owned_columns, fill);
        let (owned, ghost): (Vec<Part>, Vec<Part>) = parts.into_iter().unzip();
        let lengths = ghost.iter().flat_map(|part| &part.lengths);
        let ghost_rows = lengths.zip(0..).filter(|(n, _)| **n > 0).map(|(_, i)| i).collect();
        Self::new(Rc::clone(halo), join(owned, owned_columns, |_| true), join(ghost, ghosts, |n| n > 0), ghost_rows)
    }
}

/// Builds a matrix local to this rank; `fill` adds the entries of a row.
pub fn local_rows(rows: usize, columns: usize, fill: impl Fn(usize, &mut Row) + Sync) -> Csr<f64> {
    let parts = fill_chunks(rows, columns, fill);
    join(parts.into_iter().map(|(part, _)| part).collect(), columns, |_| true)
}

/// Builds the rows in chunks, each split at column `split`.
fn fill_chunks(rows: usize, split: usize, fill: impl Fn(usize, &mut Row) + Sync) -> Vec<(Part, Part)> {
    loops::chunks(rows)
        .map(|range| {
            let (mut low, mut high) = (Part::default(), Part::default());
            let mut row = Row::default();
            for i in range {
                row.entries.clear();
                fill(i, &mut row);
                row.entries.sort_unstable_by_key(|entry| entry.0);
                let at = row.entries.partition_point(|entry| (entry.0 as usize) < split);
                low.push(&row.entries[..at], 0);
                high.push(&row.entries[at..], split as LocalIndex);
            }
            (low, high)
        })
        .collect()
}

/// Joins the rows of all chunks whose length satisfies `keep`.
fn join(parts: Vec<Part>, columns: usize, keep: impl Fn(u32) -> bool) -> Csr<f64> {
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
    Csr::new((pointers.len() - 1, columns), pointers, indices, data)
}
