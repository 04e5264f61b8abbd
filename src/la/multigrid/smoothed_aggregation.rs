//! Smoothed aggregation: prolongation from one coarser level.
//!
//! P. Vanek, J. Mandel, M. Brezina, *Algebraic multigrid by smoothed aggregation for second and
//! fourth order elliptic problems*, Computing 56 (1996). Aggregates stay within a rank; the
//! smoothing of the prolongation crosses ranks. Small levels are agglomerated onto fewer ranks.
//!
//! On slender elements aggregates follow the lines of strong connections: D. J. Mavriplis,
//! *Directional coarsening and smoothing for anisotropic Navier-Stokes problems*, Electron. Trans.
//! Numer. Anal. 6 (1997). The solution hardly changes along a line. Aggregates of several lines
//! represent that only where they begin and end side by side, which they do not at the borders of
//! parts.

use std::rc::Rc;

use crate::la::LinearOperator;
use crate::la::matrix::{ChunkedRows, DistributedCsr, SplitCsr};
use crate::la::multigrid::process_agglomeration::Agglomeration;
use crate::la::multigrid::transfer::Prolongation;
use crate::parallel::{GlobalIndex, Halo, LocalIndex, loops};

/// Strength of the strongest connection of an unknown, |a_ij| / sqrt(a_ii a_jj), from which its
/// aggregate follows the strongest connections only: that of bilinear elements of aspect ratio 1.7.
const DIRECTIONAL: f64 = 0.3;
/// Smallest strength of these connections, relative to the strongest.
const ALONG: f64 = 0.5;

/// Unknown in no aggregate.
const NONE: LocalIndex = LocalIndex::MAX;
/// Global number of a ghost in no aggregate.
const NOWHERE: GlobalIndex = GlobalIndex::MAX;

/// Builds the prolongation from the aggregates of `matrix`: piecewise constants, smoothed by one
/// step of damped Jacobi with the filtered matrix. `largest_eigenvalue` is that of D^-1 A.
/// Neighbours are strongly connected if |a_ij| > theta sqrt(a_ii a_jj). **Collective.**
pub fn smoothed_aggregation(matrix: &DistributedCsr, largest_eigenvalue: f64, theta: f64) -> Prolongation {
    let fine = matrix.halo();
    let a = matrix.local();
    let rows = a.rows();
    let diagonal = matrix.diagonal();
    // 0 at unknowns without a diagonal, which are then connected to none.
    let inverse_root = |&d: &f64| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 };
    let mut scale: Vec<f64> = diagonal.iter().map(inverse_root).collect();
    scale.resize(fine.map().local(), 0.0);
    fine.scatter_fwd(&mut scale);
    // Negative entries connect: positive ones are there across slender elements.
    let strength = |i: usize, (j, a): (LocalIndex, f64)| -a * scale[i] * scale[j as usize];
    let others = |i: usize| a.row(i).filter(move |&(j, _)| j as usize != i);
    let strongest = |i: usize| others(i).map(|entry| strength(i, entry)).fold(0.0, f64::max);
    let strongest = loops::collect(rows, loops::CHUNK, strongest);
    let strong = |i: usize, (j, a): (LocalIndex, f64)| {
        let strength = strength(i, (j, a));
        let is_along = strongest[i] < DIRECTIONAL || strength > ALONG * strongest[i];
        j as usize != i && strength.abs() > theta && is_along
    };

    let (aggregate, count) = aggregate(a, strong);
    let comm = fine.comm();
    let (start, total) = (comm.exclusive_sum(count as u64), comm.sum(count as u64));
    let agglomeration = Agglomeration::new(total, comm.size());
    let range = agglomeration.range(comm, start, total);
    let mut global: Vec<GlobalIndex> =
        aggregate.iter().map(|&a| if a == NONE { NOWHERE } else { start + GlobalIndex::from(a) }).collect();
    global.resize(fine.map().local(), NOWHERE);
    fine.scatter_fwd(&mut global);

    let is_ghost = |number: GlobalIndex| number != NOWHERE && !range.contains(&number);
    let ghosts = global.iter().zip(fine.owners()).filter(|(number, _)| is_ghost(**number));
    let mut ghosts: Vec<(GlobalIndex, usize)> =
        ghosts.map(|(&number, rank)| (number, agglomeration.owner(rank))).collect();
    ghosts.sort_unstable();
    ghosts.dedup();
    let owned = (range.end - range.start) as usize;
    let column: Vec<LocalIndex> = global
        .iter()
        .map(|&g| match g {
            NOWHERE => NONE,
            g if range.contains(&g) => (g - range.start) as LocalIndex,
            g => (owned + ghosts.partition_point(|&(other, _)| other < g)) as LocalIndex,
        })
        .collect();
    let coarse = Rc::new(Halo::of_range(comm, range, total, &ghosts));

    let omega = 4.0 / 3.0 / largest_eigenvalue;
    let rows = ChunkedRows::new(rows, coarse.map().local(), owned, |i, entries| {
        if aggregate[i] == NONE {
            return;
        }
        // Weak connections are lumped onto the diagonal, which preserves constants.
        let (mut filtered_diagonal, factor) = (0.0, -omega / diagonal[i]);
        a.row(i).for_each(|(j, value)| {
            if !strong(i, (j, value)) {
                filtered_diagonal += value;
            } else if column[j as usize] != NONE {
                entries.add(column[j as usize], factor * value);
            }
        });
        entries.add(column[i], 1.0 + factor * filtered_diagonal);
    });
    Prolongation::new(coarse, rows)
}

/// Aggregates the owned unknowns. Returns the aggregate of each and the number of aggregates.
/// Unknowns without neighbours (fixed ones) are in none.
fn aggregate(matrix: &SplitCsr, strong: impl Fn(usize, (LocalIndex, f64)) -> bool) -> (Vec<LocalIndex>, usize) {
    let rows = matrix.rows();
    let mut of = vec![NONE; rows];
    let mut count = 0;
    let strong = &strong;
    let neighbours = |i: usize| matrix.owned_row(i).filter(move |&entry| strong(i, entry)).map(|(j, _)| j as usize);
    // 1. A root with all its neighbours, if none of them has an aggregate.
    for i in 0..rows {
        if of[i] == NONE && neighbours(i).next().is_some() && neighbours(i).all(|j| of[j] == NONE) {
            of[i] = count;
            neighbours(i).for_each(|j| of[j] = count);
            count += 1;
        }
    }
    // 2. A remaining unknown joins a neighbour's aggregate of step 1.
    let first = of.clone();
    for i in (0..rows).filter(|&i| first[i] == NONE) {
        if let Some(j) = neighbours(i).find(|&j| first[j] != NONE) {
            of[i] = first[j];
        }
    }
    // 3. The others form new aggregates, also those whose strong neighbours are all ghosts.
    for i in 0..rows {
        if of[i] == NONE && matrix.row(i).any(|entry| strong(i, entry)) {
            of[i] = count;
            for j in neighbours(i) {
                if of[j] == NONE {
                    of[j] = count;
                }
            }
            count += 1;
        }
    }
    (of, count as usize)
}
