//! Direct solver of a distributed matrix by substructuring: each rank eliminates the unknowns of
//! its interior, and rank 0 solves the system of the interface, the unknowns between the ranks.
//!
//! B. F. Smith, P. E. Bjorstad, W. D. Gropp, *Domain Decomposition* (1996), chapter 4.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::la::direct::{SparseCholesky, SymbolicFactor};
use crate::la::matrix::{Csr, DistributedCsr, local_rows};
use crate::la::{LevelSize, LinearOperator, Preconditioner, PreconditionerStatistics, Vector};
use crate::parallel::{Comm, GlobalIndex, Halo, LocalIndex, Profile};
use crate::system::rounded;

/// Largest number of values in a factor, and in the Schur complements of all ranks together: 1 GiB.
const LARGEST: usize = 1 << 27;

/// Factorised distributed matrix, a preconditioner that is exact but for rounding.
pub struct Substructuring {
    halo: Rc<Halo>,
    local: SparseCholesky,
    /// Local number of each unknown of the local factor.
    unknowns: Vec<LocalIndex>,
    interface: Interface,
}

/// System of the interface, on rank 0.
struct Interface {
    /// Factor; none on other ranks.
    factor: Option<SparseCholesky>,
    /// Numbers of the unknowns of each rank in the system, in the order in which the rank sends
    /// them.
    numbers: Vec<Vec<u32>>,
}

/// Unknowns of the local factor of a rank.
struct Parts {
    /// Owned unknowns that are not in the interface.
    interior: Vec<LocalIndex>,
    /// Owned unknowns that are coupled to a lower rank, and ghosts of higher ranks, by global
    /// number.
    interface: Vec<LocalIndex>,
}

impl Substructuring {
    /// Checks that a factor of a matrix whose rows have 8 entries from the diagonal on in the mean,
    /// as on meshes of Quad8 elements, may be small enough. It has at least as many values as the
    /// matrix, so that a matrix that is far too large need not be assembled. **Collective.**
    ///
    /// # Errors
    /// Factors that take more than 1 GiB on a rank; the same on every rank.
    pub fn check_unknowns(halo: &Halo) -> Result<()> {
        check_size(8 * halo.comm().max(halo.map().owned() as u64))
    }

    /// Factorises a symmetric positive definite matrix. **Collective.**
    ///
    /// # Errors
    /// Factors that take more than 1 GiB on a rank; the same on every rank.
    pub fn new(matrix: &DistributedCsr) -> Result<Self> {
        let halo = Rc::clone(matrix.columns());
        let comm = halo.comm();
        let Parts { interior, interface } = Parts::of(matrix);
        let (upper, kept) = (local_matrix(matrix, &interior, &interface), interface.len());
        // A factor has at least the entries of the matrix; the order of so large a one takes long.
        check_size(comm.max(upper.nnz() as u64))?;
        let symbolic = SymbolicFactor::new(&upper, kept);
        check_size(comm.max(symbolic.entries() as u64))?;
        check_size(comm.sum((kept * (kept + 1) / 2) as u64))?;
        let (local, schur) = SparseCholesky::new(symbolic);
        let global: Vec<GlobalIndex> = interface.iter().map(|&i| halo.global(i as usize)).collect();
        let system = Interface::new(comm, global, schur)?;
        let unknowns = interior.into_iter().chain(interface).collect();
        Ok(Self { halo, local, unknowns, interface: system })
    }
}

impl Preconditioner for Substructuring {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        let owned = r.owned();
        let local = |at: u32| self.unknowns[at as usize] as usize;
        let order = self.local.order();
        // Right-hand sides of ghosts are those of their owners.
        let mut y: Vec<f64> = order.iter().map(|&at| owned.get(local(at)).copied().unwrap_or_default()).collect();
        self.local.forward(&mut y);
        let first = y.len() - self.local.kept();
        let interface = self.interface.solve(self.halo.comm(), &y[first..]);
        y[first..].copy_from_slice(&interface);
        self.local.backward(&mut y);
        let owned = z.owned_mut();
        for (&at, y) in order.iter().zip(y) {
            if let Some(z) = owned.get_mut(local(at)) {
                *z = y;
            }
        }
    }
}

impl PreconditionerStatistics for Substructuring {
    fn levels(&self) -> Vec<LevelSize> {
        Vec::new()
    }

    fn spent(&self) -> Vec<Profile> {
        Vec::new()
    }
}

impl Parts {
    fn of(matrix: &DistributedCsr) -> Self {
        let halo = matrix.halo();
        let (owned, range) = (halo.map().owned(), halo.map().range());
        let mut is_coupled = vec![false; halo.map().local()];
        let mut parts = Self { interior: Vec::new(), interface: Vec::new() };
        for row in 0..owned {
            let ghosts = matrix.local().row(row).filter(|&(column, value)| column as usize >= owned && value != 0.0);
            let mut is_between = false;
            for (ghost, _) in ghosts {
                if halo.global(ghost as usize) < range.start {
                    is_between = true;
                } else {
                    is_coupled[ghost as usize] = true;
                }
            }
            if is_between { &mut parts.interface } else { &mut parts.interior }.push(row as LocalIndex);
        }
        parts.interface.extend((owned..halo.map().local()).filter(|&ghost| is_coupled[ghost]).map(|i| i as LocalIndex));
        parts.interface.sort_unstable_by_key(|&i| halo.global(i as usize));
        parts
    }
}

/// Returns the upper triangle of the matrix of a rank, whose last rows are the interface. The sum
/// of the matrices of all ranks is the whole matrix.
fn local_matrix(matrix: &DistributedCsr, interior: &[LocalIndex], interface: &[LocalIndex]) -> Csr<f64> {
    let (rows, map) = (matrix.local(), matrix.halo().map());
    let owned = map.owned();
    let mut place = vec![None; map.local()];
    let unknowns: Vec<LocalIndex> = interior.iter().chain(interface).copied().collect();
    unknowns.iter().zip(0_u32..).for_each(|(&unknown, at)| place[unknown as usize] = Some(at));
    local_rows(unknowns.len(), unknowns.len(), |at, row| {
        let unknown = unknowns[at] as usize;
        if unknown < owned {
            for (column, value) in rows.row(unknown).filter(|entry| entry.1 != 0.0) {
                // Entries to the left are those of other rows, on lower ranks those of their
                // owners.
                if let Some(column) = place[column as usize].filter(|&column| column as usize >= at) {
                    row.add(column, value);
                }
            }
        }
    })
}

impl Interface {
    /// Gathers the Schur complements of all ranks, lower triangles by columns, and factorises their
    /// sum. `unknowns` holds the global numbers of those of this rank. **Collective.**
    ///
    /// # Errors
    /// A factor that takes more than 1 GiB; the same on every rank.
    fn new(comm: &Comm, unknowns: Vec<GlobalIndex>, schur: Vec<f64>) -> Result<Self> {
        let unknowns = comm.gather_at_root(unknowns);
        let schur = comm.gather_at_root(schur);
        let mut all = unknowns.concat();
        all.sort_unstable();
        all.dedup();
        let number = |unknown: &GlobalIndex| all.partition_point(|other| other < unknown) as u32;
        let numbers: Vec<Vec<u32>> = unknowns.iter().map(|list| list.iter().map(number).collect()).collect();
        let symbolic = comm.is_root().then(|| SymbolicFactor::new(&sum(&numbers, &schur, all.len()), 0));
        check_size(comm.broadcast(0, symbolic.as_ref().map_or(0, |symbolic| symbolic.entries() as u64)))?;
        Ok(Self { factor: symbolic.map(|symbolic| SparseCholesky::new(symbolic).0), numbers })
    }

    /// Solves for the unknowns of this rank, given its part of their right-hand side.
    /// **Collective.**
    fn solve(&self, comm: &Comm, part: &[f64]) -> Vec<f64> {
        let parts = comm.gather_at_root(part.to_vec());
        let mut solutions = Vec::new();
        if let Some(factor) = &self.factor {
            let mut b = vec![0.0; factor.order().len()];
            for (&number, value) in self.numbers.iter().flatten().zip(parts.iter().flatten()) {
                b[number as usize] += value;
            }
            let mut y: Vec<f64> = factor.order().iter().map(|&number| b[number as usize]).collect();
            factor.forward(&mut y);
            factor.backward(&mut y);
            factor.order().iter().zip(y).for_each(|(&number, y)| b[number as usize] = y);
            solutions = self.numbers.iter().map(|list| list.iter().map(|&i| b[i as usize]).collect()).collect();
        }
        comm.scatter_from_root(solutions)
    }
}

/// Sums dense blocks, lower triangles by columns, over ascending `numbers`. Returns the upper
/// triangle of the sum with `unknowns` rows.
fn sum(numbers: &[Vec<u32>], blocks: &[Vec<f64>], unknowns: usize) -> Csr<f64> {
    let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); unknowns];
    for (numbers, block) in numbers.iter().zip(blocks) {
        let mut rest = &block[..];
        for (j, &row) in numbers.iter().enumerate() {
            let (column, others) = rest.split_at(numbers.len() - j);
            rows[row as usize].extend(numbers[j..].iter().copied().zip(column.iter().copied()));
            rest = others;
        }
    }
    let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for mut row in rows {
        row.sort_by_key(|entry| entry.0);
        for entries in row.chunk_by(|a, b| a.0 == b.0) {
            columns.push(entries[0].0);
            values.push(entries.iter().map(|entry| entry.1).sum());
        }
        starts.push(columns.len());
    }
    Csr::new((unknowns, unknowns), starts, columns, values)
}

/// Checks the number of values of a factor, which is the same on every rank.
fn check_size(values: u64) -> Result<()> {
    if values <= LARGEST as u64 {
        return Ok(());
    }
    let gigabytes = |values: u64| rounded(values as f64 * 8e-9, 2);
    let (needed, largest) = (gigabytes(values), gigabytes(LARGEST as u64));
    Err(Error::input(format!("a factorisation would take at least {needed} GB on a rank, more than {largest} GB")))
}
