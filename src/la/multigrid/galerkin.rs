//! Galerkin product P'AP: the coarse operator of a prolongation, computed on all ranks.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::la::LinearOperator;
use crate::la::matrix::{ChunkedRows, DistributedCsr, entries};
use crate::la::multigrid::transfer::Prolongation;
use crate::parallel::{Comm, GlobalIndex, Halo, LocalIndex};

/// Computes P'AP, with the coarse unknowns distributed as the columns of the prolongation.
/// Contributions to coarse rows of other ranks are sent to their owners. **Collective.**
///
/// # Errors
/// If the ranks disagree about the owners of unknowns.
pub fn galerkin(matrix: &DistributedCsr, prolongation: &Prolongation) -> Result<DistributedCsr> {
    let Prolongation { columns: coarse, rows: p, transposed } = prolongation;
    let mut columns = Columns::new(coarse);

    // Rows of P for the ghosts of A, in the local numbering of `columns`.
    let (a, fine) = (matrix.local(), matrix.halo());
    let rows = a.rows();
    let ghost_rows: Vec<Vec<(LocalIndex, f64)>> = fine
        .scatter_fwd_lists(|row| p.row(row).map(|(c, _)| coarse.global(c as usize)).collect())
        .into_iter()
        .zip(fine.scatter_fwd_lists(|row| p.row(row).map(|(_, v)| v).collect()))
        .map(|(numbers, weights)| numbers.into_iter().map(|n| columns.local(n)).zip(weights).collect())
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
    globals: Vec<GlobalIndex>,
    local: FxHashMap<GlobalIndex, LocalIndex>,
}

impl Columns {
    fn new(halo: &Halo) -> Self {
        let globals: Vec<GlobalIndex> = (0..halo.map().local()).map(|i| halo.global(i)).collect();
        let local = globals.iter().zip(0..).map(|(&g, i)| (g, i)).collect();
        Self { globals, local }
    }

    fn len(&self) -> usize {
        self.globals.len()
    }

    fn local(&mut self, global: GlobalIndex) -> LocalIndex {
        *self.local.entry(global).or_insert_with(|| {
            self.globals.push(global);
            self.globals.len() as LocalIndex - 1
        })
    }
}

/// Sends the rows of ghosts to their owners and builds the sum of all contributions.
/// **Collective.**
fn gather_rows(coarse: &Halo, mut columns: Columns, local: &ChunkedRows) -> Result<DistributedCsr> {
    let (comm, owned) = (coarse.comm(), coarse.map().owned());
    let starts = comm.all_gather(coarse.map().range().start);
    let (mut numbers, mut values) = (vec![Vec::new(); comm.size()], vec![Vec::new(); comm.size()]);
    for ghost in owned..coarse.map().local() {
        let number = coarse.global(ghost);
        let owner = owner_of(&starts, number);
        for (column, value) in local.row(ghost) {
            numbers[owner].extend([number, columns.globals[column as usize]]);
            values[owner].push(value);
        }
    }
    let (numbers, values) = (comm.all_to_all_v(numbers), comm.all_to_all_v(values));
    let mut received: Vec<Vec<(LocalIndex, f64)>> = vec![Vec::new(); owned];
    for (numbers, values) in numbers.iter().zip(values) {
        for (pair, value) in numbers.chunks_exact(2).zip(values) {
            let column = columns.local(pair[1]);
            received[(pair[0] - coarse.map().range().start) as usize].push((column, value));
        }
    }

    // Number the ghosts that occur in the owned rows, by owner.
    let mut used = vec![false; columns.len()];
    for row in 0..owned {
        local.row(row).for_each(|(c, _)| used[c as usize] = true);
        received[row].iter().for_each(|&(c, _)| used[c as usize] = true);
    }
    let mut ghosts: Vec<GlobalIndex> =
        columns.globals.iter().zip(&used).skip(owned).filter(|(_, used)| **used).map(|(&g, _)| g).collect();
    ghosts.sort_unstable();
    let index: FxHashMap<GlobalIndex, LocalIndex> =
        ghosts.iter().zip(owned as LocalIndex..).map(|(&g, i)| (g, i)).collect();
    let new_column: Vec<LocalIndex> = columns
        .globals
        .iter()
        .enumerate()
        .map(|(i, g)| if i < owned { i as LocalIndex } else { index.get(g).copied().unwrap_or(LocalIndex::MAX) })
        .collect();
    let halo = halo_of_range(comm, coarse.map().range(), &starts, &ghosts)?;
    Ok(DistributedCsr::from_rows(&halo, owned, |row, sums| {
        for (c, v) in local.row(row).chain(received[row].iter().copied()) {
            sums.add(new_column[c as usize], v);
        }
    }))
}

/// Returns the rank that owns unknown `number`, from the start of the range of each rank. An empty
/// range starts where the next one does.
pub fn owner_of(starts: &[GlobalIndex], number: GlobalIndex) -> usize {
    starts.partition_point(|&start| start <= number) - 1
}

/// Builds the halo of unknowns with contiguous ranges of global numbers: this rank owns `range` and
/// has the ghosts `ghosts`, ascending. **Collective.**
///
/// # Errors
/// If the ranks disagree about the owners of unknowns.
pub fn halo_of_range(
    comm: &Rc<Comm>,
    range: std::ops::Range<GlobalIndex>,
    starts: &[GlobalIndex],
    ghosts: &[GlobalIndex],
) -> Result<Rc<Halo>> {
    let owned: Vec<GlobalIndex> = range.collect();
    let ghosts: Vec<(GlobalIndex, usize)> = ghosts.iter().map(|&g| (g, owner_of(starts, g))).collect();
    Ok(Rc::new(Halo::new(comm, &owned, &ghosts)?))
}
