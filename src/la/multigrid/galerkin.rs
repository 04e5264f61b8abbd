//! Galerkin product P'AP: the coarse operator of a prolongation, computed on all ranks.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::la::LinearOperator;
use crate::la::matrix::{ChunkedRows, DistributedCsr, entries};
use crate::la::multigrid::transfer::Prolongation;
use crate::parallel::{GlobalIndex, Halo, LocalIndex, Outgoing};

/// Computes P'AP, with the coarse unknowns distributed as the columns of the prolongation.
/// Contributions to coarse rows of other ranks are sent to their owners. **Collective.**
pub fn galerkin(matrix: &DistributedCsr, prolongation: &Prolongation) -> DistributedCsr {
    let Prolongation { columns: coarse, rows: p, transposed } = prolongation;
    let mut columns = Columns::new(coarse);

    // Rows of P for the ghosts of A, in the local numbering of `columns`.
    let (a, fine) = (matrix.local(), matrix.halo());
    let rows = a.rows();
    let numbered = |row| p.row(row).flat_map(|(column, _)| columns.number(column)).collect();
    let numbers = fine.scatter_fwd_lists(numbered);
    let weights = fine.scatter_fwd_lists(|row| p.row(row).map(|(_, weight)| weight).collect());
    let ghost_rows: Vec<Vec<(LocalIndex, f64)>> = numbers
        .iter()
        .zip(weights)
        .map(|(numbers, weights)| numbers.as_chunks().0.iter().map(|&n| columns.local(n)).zip(weights).collect())
        .collect();

    let width = columns.len();
    let product = ChunkedRows::new(rows, width, width, |row, sums| {
        a.row(row).for_each(|(k, a)| match (k as usize).checked_sub(rows) {
            None => p.row(k as usize).for_each(|(c, p)| sums.add(c, a * p)),
            Some(ghost) => ghost_rows[ghost].iter().for_each(|&(c, p)| sums.add(c, a * p)),
        });
    });
    let local = ChunkedRows::new(transposed.rows(), width, width, |row, sums| {
        entries(transposed, row).for_each(|(i, r)| product.row(i as usize).for_each(|(c, v)| sums.add(c, r * v)));
    });
    gather_rows(coarse, columns, &local)
}

/// Local numbering of coarse unknowns: those of the prolongation, then others in the order of their
/// occurrence.
struct Columns {
    /// Global number and owner of each.
    numbers: Vec<[GlobalIndex; 2]>,
    local: FxHashMap<GlobalIndex, LocalIndex>,
}

impl Columns {
    fn new(halo: &Halo) -> Self {
        let numbers: Vec<_> =
            halo.owners().enumerate().map(|(i, rank)| [halo.global(i), rank as GlobalIndex]).collect();
        let local = numbers.iter().zip(0..).map(|(&[global, _], i)| (global, i)).collect();
        Self { numbers, local }
    }

    fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the global number and the owner of a local column.
    fn number(&self, column: LocalIndex) -> [GlobalIndex; 2] {
        self.numbers[column as usize]
    }

    /// Returns the local column of a global number and its owner.
    fn local(&mut self, number: [GlobalIndex; 2]) -> LocalIndex {
        *self.local.entry(number[0]).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() as LocalIndex - 1
        })
    }
}

/// Sends the rows of ghosts to their owners and builds the sum of all contributions.
/// **Collective.**
fn gather_rows(coarse: &Halo, mut columns: Columns, local: &ChunkedRows) -> DistributedCsr {
    let (owned, range) = (coarse.map().owned(), coarse.map().range());
    let mut outgoing = Outgoing::new();
    for ghost in owned..coarse.map().local() {
        let [row, owner] = columns.number(ghost as LocalIndex);
        for (column, value) in local.row(ghost) {
            let [column, of] = columns.number(column);
            outgoing.to(owner as usize).extend([row, column, of, value.to_bits()]);
        }
    }
    let mut received: Vec<Vec<(LocalIndex, f64)>> = vec![Vec::new(); owned];
    let incoming = coarse.comm().sparse_exchange(outgoing);
    for &[row, column, of, value] in incoming.iter().flat_map(|(_, message)| message.as_chunks().0) {
        let entry = (columns.local([column, of]), f64::from_bits(value));
        received[(row - range.start) as usize].push(entry);
    }

    // Number the ghosts that occur in the owned rows, by owner.
    let mut used = vec![false; columns.len()];
    for row in 0..owned {
        local.row(row).for_each(|(c, _)| used[c as usize] = true);
        received[row].iter().for_each(|&(c, _)| used[c as usize] = true);
    }
    let others = columns.numbers.iter().zip(&used).skip(owned).filter(|(_, used)| **used);
    let mut ghosts: Vec<(GlobalIndex, usize)> = others.map(|(&[global, rank], _)| (global, rank as usize)).collect();
    ghosts.sort_unstable();
    let index: FxHashMap<GlobalIndex, LocalIndex> =
        ghosts.iter().zip(owned as LocalIndex..).map(|(&(global, _), i)| (global, i)).collect();
    let new_ghost = |[global, _]: &[GlobalIndex; 2]| index.get(global).copied().unwrap_or(LocalIndex::MAX);
    let new_column: Vec<LocalIndex> =
        (0..owned as LocalIndex).chain(columns.numbers[owned..].iter().map(new_ghost)).collect();
    let halo = Rc::new(Halo::of_range(coarse.comm(), range, coarse.map().total(), &ghosts));
    DistributedCsr::from_rows(&halo, owned, |row, sums| {
        for (c, v) in local.row(row).chain(received[row].iter().copied()) {
            sums.add(new_column[c as usize], v);
        }
    })
}
