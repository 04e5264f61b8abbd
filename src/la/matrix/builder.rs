//! Parallel construction of compressed rows, row by row and without triplets.

use std::ops::Range;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::la::matrix::{Csr, DistributedCsr};
use crate::parallel::loops::CHUNK;
use crate::parallel::{Halo, Keyed, LocalIndex, group_by_key, loops};

/// Entries of one row under construction.
pub struct Row {
    entries: Vec<(LocalIndex, f64)>,
    /// Place of each column in `entries`, if the entry there is the column's.
    places: Vec<u32>,
}

impl Row {
    /// Creates an empty row of a matrix with this number of columns.
    fn new(columns: usize) -> Self {
        Self { entries: Vec::new(), places: vec![0; columns] }
    }

    /// Adds to the entry of a column.
    pub fn add(&mut self, column: LocalIndex, value: f64) {
        let place = &mut self.places[column as usize];
        match self.entries.get_mut(*place as usize) {
            Some(entry) if entry.0 == column => entry.1 += value,
            _ => {
                *place = self.entries.len() as u32;
                self.entries.push((column, value));
            }
        }
    }
}

/// Compressed rows of one chunk, with ascending columns.
struct Part {
    /// Start of each row, and the end of the last one.
    starts: Vec<u32>,
    columns: Vec<LocalIndex>,
    values: Vec<f64>,
}

impl Part {
    fn with_capacity(rows: usize, entries: usize) -> Self {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        Self { starts, columns: Vec::with_capacity(entries), values: Vec::with_capacity(entries) }
    }

    fn push(&mut self, entries: &[(LocalIndex, f64)]) {
        self.columns.extend(entries.iter().map(|e| e.0));
        self.values.extend(entries.iter().map(|e| e.1));
        self.starts.push(self.columns.len() as u32);
    }

    fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (LocalIndex, f64)> + '_ {
        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
        self.columns[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }
}

/// Rows of one rank in the chunks in which they are built, each split at a column.
pub struct ChunkedRows {
    chunks: Vec<[Part; 2]>,
    split: usize,
}

impl ChunkedRows {
    /// Builds `rows` rows with this number of columns; `fill` adds the entries of a row. Terms of
    /// an entry are summed in the order in which `fill` adds them, for any number of threads.
    /// Columns from `split` on are stored separately.
    pub fn new(rows: usize, columns: usize, split: usize, fill: impl Fn(usize, &mut Row) + Sync) -> Self {
        // A row for each thread, and the lengths of its last chunk, which are those to expect of
        // the next.
        let start = || Mutex::new((Row::new(columns), [0; 2]));
        let scratch: Vec<_> = (0..rayon::current_num_threads()).map(|_| start()).collect();
        let build = |range: Range<usize>| {
            let thread = rayon::current_thread_index().unwrap_or(0);
            let (row, lengths) = &mut *scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
            let mut parts = lengths.map(|length| Part::with_capacity(range.len(), length + length / 8));
            for i in range {
                row.entries.clear();
                fill(i, row);
                row.entries.sort_unstable_by_key(|entry| entry.0);
                let at = row.entries.partition_point(|entry| (entry.0 as usize) < split);
                parts[0].push(&row.entries[..at]);
                parts[1].push(&row.entries[at..]);
            }
            *lengths = [0, 1].map(|half| parts[half].columns.len());
            parts
        };
        Self { chunks: loops::chunks(rows).with_max_len(1).map(build).collect(), split }
    }

    /// Iterates over the entries of a row, by ascending column.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (LocalIndex, f64)> + '_ {
        self.low_row(row).chain(self.chunks[row / CHUNK][1].row(row % CHUNK))
    }

    /// Iterates over the entries of a row in columns below the split.
    pub fn low_row(&self, row: usize) -> impl Iterator<Item = (LocalIndex, f64)> + '_ {
        self.chunks[row / CHUNK][0].row(row % CHUNK)
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.chunks.iter().map(|[low, _]| low.rows()).sum()
    }

    /// Returns the transpose, with this number of rows.
    pub fn transposed(&self, rows: usize) -> Csr<f64> {
        let reach = |chunk: &[Part; 2]| {
            let columns = || chunk.iter().flat_map(|part| &part.columns).map(|&column| column as usize);
            columns().min().unwrap_or(0)..columns().max().map_or(0, |last| last + 1)
        };
        let columns = Columns { chunks: &self.chunks, reaches: self.chunks.par_iter().map(reach).collect() };
        let (pointers, entries) = group_by_key(&columns, rows, rayon::current_num_threads());
        Csr::new(
            (rows, self.rows()),
            pointers.into_iter().map(|pointer| pointer as usize).collect(),
            loops::collect(entries.len(), CHUNK, |i| entries[i].0),
            loops::collect(entries.len(), CHUNK, |i| entries[i].1),
        )
    }

    /// Returns the entries in columns from the split on, as a matrix of the rows that have any, and
    /// these rows. Its column 0 is the first one from the split on, and there are `columns` in all.
    pub fn high_rows(&self, columns: usize) -> (Csr<f64>, Vec<LocalIndex>) {
        let lengths = self.chunks.iter().flat_map(|[_, high]| high.starts.windows(2));
        let rows = lengths.zip(0..).filter(|(ends, _)| ends[1] > ends[0]).map(|(_, row)| row).collect();
        (self.join(1, [self.split, columns], |n| n > 0), rows)
    }

    /// Joins the rows on one side of the split whose length satisfies `keep`. `columns` has the
    /// first column of the matrix, and the end of its columns.
    fn join(&self, side: usize, columns: [usize; 2], keep: impl Fn(u32) -> bool) -> Csr<f64> {
        let parts: Vec<&Part> = self.chunks.iter().map(|chunk| &chunk[side]).collect();
        let mut pointers = vec![0];
        let mut end = 0;
        for length in parts.iter().flat_map(|part| part.starts.windows(2).map(|ends| ends[1] - ends[0])) {
            end += length as usize;
            if keep(length) {
                pointers.push(end);
            }
        }
        let [first, last] = columns;
        let lists: Vec<_> = parts.iter().map(|part| &part.columns[..]).collect();
        let indices = loops::concat(&lists, |column| column - first as LocalIndex);
        let lists: Vec<_> = parts.iter().map(|part| &part.values[..]).collect();
        let data = loops::concat(&lists, |value| value);
        Csr::new((pointers.len() - 1, last - first), pointers, indices, data)
    }
}

/// Rows and values of entries, with their columns as keys.
struct Columns<'a> {
    chunks: &'a [[Part; 2]],
    /// Range of the columns of each chunk.
    reaches: Vec<Range<usize>>,
}

impl Keyed for Columns<'_> {
    type Item = (LocalIndex, f64);

    fn visit(&self, columns: Range<usize>, mut put: impl FnMut(usize, (LocalIndex, f64))) {
        let meets = |reach: &Range<usize>| reach.start < columns.end && columns.start < reach.end;
        let chunks = self.chunks.iter().zip(&self.reaches).zip((0_u32..).step_by(CHUNK));
        for (([low, high], _), first) in chunks.filter(|((_, reach), _)| meets(reach)) {
            for (at, row) in (0..low.rows()).zip(first..) {
                let entries = low.row(at).chain(high.row(at));
                let inside = entries.filter(|(column, _)| columns.contains(&(*column as usize)));
                inside.for_each(|(column, value)| put(column as usize, (row, value)));
            }
        }
    }
}

impl DistributedCsr {
    /// Builds a matrix with `rows` rows on this rank and columns distributed as by `halo`; `fill`
    /// adds the entries of a row, as in [`ChunkedRows::new`].
    pub(crate) fn from_rows(halo: &Rc<Halo>, rows: usize, fill: impl Fn(usize, &mut Row) + Sync) -> Self {
        let (owned, local) = (halo.map().owned(), halo.map().local());
        let rows = ChunkedRows::new(rows, local, owned, fill);
        let (ghost, ghost_rows) = rows.high_rows(local);
        Self::new(Rc::clone(halo), rows.join(0, [0, owned], |_| true), ghost, ghost_rows)
    }
}

/// Builds a matrix local to this rank; `fill` adds the entries of a row.
pub fn local_rows(rows: usize, columns: usize, fill: impl Fn(usize, &mut Row) + Sync) -> Csr<f64> {
    ChunkedRows::new(rows, columns, columns, fill).join(0, [0, columns], |_| true)
}
