//! Numbers of separators, and their Schur complements on the ranks that solve them.

use std::ops::Range;

use crate::la::direct::cholesky;
use crate::la::multigrid::lines::shared_lines::rank_of;
use crate::parallel::{GlobalIndex, Halo, LocalIndex, Outgoing};

/// Most separators that are coupled: the Schur complement is dense.
const MOST_TOGETHER: usize = 512;

/// Schur complement of coupled separators.
pub struct System {
    /// Their positions.
    pub range: Range<usize>,
    /// Cholesky factor.
    pub factor: Vec<f64>,
}

/// Numbers of the separators: those of a line are consecutive, on the rank that solves it.
pub struct Numbering {
    /// Halo of the separators.
    pub halo: Halo,
    /// Global number of each local unknown that is a separator.
    numbers: Vec<GlobalIndex>,
    /// Global numbers of the ghosts, ascending.
    ghosts: Vec<GlobalIndex>,
    /// Number of separators of each line that this rank solves.
    lengths: Vec<usize>,
}

impl Numbering {
    /// Numbers the separators by their labels; `touched` are those that this rank has a part in.
    /// **Collective.**
    pub fn new(halo: &Halo, labels: &[u64], touched: &[LocalIndex]) -> Self {
        let (comm, owned) = (halo.comm(), halo.map().owned());
        let solver = |i: LocalIndex| rank_of(labels[i as usize]);
        let mut outgoing = Outgoing::new();
        for &i in touched.iter().filter(|&&i| (i as usize) < owned) {
            outgoing.to(solver(i)).extend([labels[i as usize], u64::from(i)]);
        }
        let mut separators: Vec<(u64, usize, u64)> = Vec::new();
        for (rank, message) in comm.sparse_exchange(outgoing) {
            separators.extend(message.as_chunks().0.iter().map(|&[label, unknown]| (label, rank, unknown)));
        }
        separators.sort_unstable();
        let (count, start) = (separators.len() as u64, comm.exclusive_sum(separators.len() as u64));
        let mut answers = Outgoing::new();
        for (&(_, rank, unknown), number) in separators.iter().zip(start..) {
            answers.to(rank).extend([unknown, number]);
        }
        let mut numbers = vec![GlobalIndex::MAX; halo.map().local()];
        for &[unknown, number] in comm.sparse_exchange(answers).iter().flat_map(|(_, message)| message.as_chunks().0) {
            numbers[unknown as usize] = number;
        }
        halo.scatter_fwd(&mut numbers);
        let others = touched.iter().filter(|&&i| solver(i) != comm.rank());
        let mut ghosts: Vec<(GlobalIndex, usize)> = others.map(|&i| (numbers[i as usize], solver(i))).collect();
        ghosts.sort_unstable();
        Self {
            halo: Halo::of_range(comm, start..start + count, comm.sum(count), &ghosts),
            numbers,
            ghosts: ghosts.into_iter().map(|ghost| ghost.0).collect(),
            lengths: separators.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).collect(),
        }
    }

    /// Returns the position of a separator in the vectors of the halo.
    pub fn position(&self, separator: LocalIndex) -> u32 {
        let (range, number) = (self.halo.map().range(), self.numbers[separator as usize]);
        let ghost = || self.halo.map().owned() + self.ghosts.partition_point(|&ghost| ghost < number);
        (if range.contains(&number) { (number - range.start) as usize } else { ghost() }) as u32
    }

    /// Sums the entries of the Schur complements on the ranks that solve them, and factorises them.
    /// **Collective.**
    pub fn systems(&self, labels: &[u64], entries: &[([LocalIndex; 2], f64)]) -> Vec<System> {
        let comm = self.halo.comm();
        let mut outgoing = Outgoing::new();
        for &(pair, value) in entries {
            let [i, j] = pair.map(|separator| labels[separator as usize]);
            let [row, column] = pair.map(|separator| self.numbers[separator as usize]);
            // Each entry off the diagonal is there twice: of row i, and of row j.
            if i == j && row >= column {
                outgoing.to(rank_of(i)).extend([row, column, value.to_bits()]);
            }
        }
        let incoming = comm.sparse_exchange(outgoing);
        let (mut systems, mut start) = (Vec::new(), 0);
        for &length in &self.lengths {
            let size = if length > MOST_TOGETHER { 1 } else { length };
            let ranges = (start..start + length).step_by(size).map(|start| start..start + size);
            systems.extend(ranges.map(|range| System { range, factor: vec![0.0; size * size] }));
            start += length;
        }
        let first = self.halo.map().range().start;
        for &[row, column, value] in incoming.iter().flat_map(|(_, message)| message.as_chunks().0) {
            let [row, column] = [row, column].map(|number| (number - first) as usize);
            let at = systems.partition_point(|system| system.range.end <= row);
            let System { range, factor } = &mut systems[at];
            if range.contains(&column) {
                factor[(row - range.start) * range.len() + column - range.start] += f64::from_bits(value);
            }
        }
        systems.iter_mut().for_each(|System { range, factor }| cholesky::factorise(factor, range.len()));
        systems
    }
}
