//! Cost of an iteration, and of assembly and setup before it.

use crate::la::hierarchy::{lanczos_steps, shares_sums};
use crate::perf::model::iteration::Iteration;
use crate::perf::model::levels::{Level, LevelKind};
use crate::perf::model::machine::Machine;
use crate::perf::model::stages::StageTime;
use crate::perf::model::{Interfaces, Part};

/// A solve on a number of ranks.
pub struct Solve<'a> {
    /// Machine.
    pub machine: &'a Machine,
    /// Parts of the mesh before refinement.
    pub interfaces: &'a Interfaces,
    /// Levels of multigrid, finest first.
    pub levels: &'a [Level],
}

/// Reductions of CG in an iteration.
const REDUCTIONS: f64 = 3.0;
/// Reductions of assembly, and exchanges.
const ASSEMBLY: f64 = 3.0;
/// Bytes of an entry in the messages of a Galerkin product: row, column, its owner and the value.
const ENTRY_BYTES: f64 = 32.0;
/// Neighbours of an aggregate in the plane, with itself.
const NEIGHBOURS: f64 = 9.0;
/// Sums and scans that number the unknowns of a level.
const NUMBERING: f64 = 2.0;
/// Sums that tell whether ranks share lines of slender elements, on each level with a smoother.
const SHARED_LINES: f64 = 1.0;

/// Returns the exchanges with senders that are not known before in the setup of a level.
fn exchanges(kind: LevelKind) -> f64 {
    if kind == LevelKind::Aggregates { 3.0 } else { 1.0 }
}

impl Solve<'_> {
    /// Returns the time of one iteration. Messages do not overlap with work, and all of them cross
    /// the network.
    pub fn iteration(&self) -> Iteration {
        let Self { machine, levels, .. } = self;
        let rates = machine.rates;
        let (finest, ranks) = (&levels[0], levels[0].ranks);
        let rate = |level: &Level| if level.kind == LevelKind::Mesh { rates.mesh } else { rates.matrix };
        let cycle = |level: &Level| level.products * level.entries * rate(level) / level.ranks;
        let work = finest.unknowns * rates.iteration / ranks + levels.iter().map(cycle).sum::<f64>();
        let mut sum = Iteration { work, imbalance: work * (self.interfaces.imbalance() - 1.0), ..Default::default() };
        sum.mesh_messages = self.halo_exchange(0, 8.0);
        sum.reductions = REDUCTIONS * machine.reduction(ranks, 8.0);
        for (at, level) in levels.iter().enumerate() {
            let products = level.products * self.halo_exchange(at, 4.0);
            let transfers = self.transfers(at) * (self.halo_exchange(at, 4.0) + self.gather(at, 4.0));
            let place =
                if level.kind == LevelKind::Aggregates { &mut sum.coarse_messages } else { &mut sum.mesh_messages };
            *place += products + transfers;
        }
        sum.direct = self.direct();
        sum
    }

    fn direct(&self) -> f64 {
        let Some(last) = self.levels.last() else { return 0.0 };
        let shared = if last.ranks > 1.0 { self.machine.reduction(last.ranks, 8.0 * last.unknowns) } else { 0.0 };
        last.visits * (last.unknowns.powi(2) * self.machine.rates.direct + shared)
    }

    /// Returns the time of the setup of the preconditioner.
    pub fn setup(&self) -> StageTime {
        let Self { machine, levels, .. } = self;
        let ranks = levels[0].ranks;
        let numbering = NUMBERING * machine.reduction(ranks, 8.0);
        let of_level = |level: &Level| exchanges(level.kind) * machine.sparse_exchange(ranks) + numbering;
        // The mesh of the input has its halo from the partition.
        let input = levels.iter().rposition(|level| level.kind == LevelKind::Mesh).unwrap_or(0);
        let built = (1..levels.len()).filter(|&at| at != input).map(|at| of_level(&levels[at]));
        let [messages, sums] = self.lanczos();
        let smoothed = 0..levels.len().saturating_sub(1);
        let lines = smoothed.len() as f64 * SHARED_LINES * machine.reduction(ranks, 1.0);
        let diagonals: f64 = smoothed.map(|at| self.halo_exchange(at, 8.0)).sum();
        let products: f64 = (1..levels.len()).map(|at| self.galerkin(at)).sum();
        StageTime {
            work: self.interfaces.imbalance() * machine.rates.setup * levels[0].unknowns / ranks,
            messages: messages + diagonals + products,
            collectives: built.sum::<f64>() + sums + lines,
            ..Default::default()
        }
    }

    /// Returns the seconds of the messages of a Galerkin product, in which a rank sends all its
    /// contributions to the ranks that own the rows.
    fn galerkin(&self, at: usize) -> f64 {
        let (level, finer) = (&self.levels[at], &self.levels[at - 1]);
        if level.kind != LevelKind::Aggregates || finer.ranks <= 1.0 {
            return 0.0;
        }
        let group = finer.ranks / level.ranks;
        self.machine.messages(group.max(2.0) - 1.0, ENTRY_BYTES * NEIGHBOURS * received_unknowns(level, finer))
    }

    /// Returns the seconds of messages and of sums in the Lanczos processes for the smoothers:
    /// meshes and small corners share their sums, and a level on one rank needs a broadcast. The
    /// coarsest level has no smoother.
    fn lanczos(&self) -> [f64; 2] {
        let Self { machine, levels, .. } = self;
        let steps =
            |at: usize| lanczos_steps(levels[at].unknowns as u64, levels[at + 1].kind == LevelKind::Mesh) as f64;
        let smoothed = 0..levels.len().saturating_sub(1);
        let exchanges: f64 = smoothed.clone().map(|at| steps(at) * self.halo_exchange(at, 4.0)).sum();
        let is_alone = |&at: &usize| match levels[at].kind {
            LevelKind::Mesh => false,
            LevelKind::Corners => !shares_sums(levels[at].unknowns as u64),
            LevelKind::Aggregates => true,
        };
        let (aggregated, nested): (Vec<usize>, Vec<usize>) = smoothed.partition(is_alone);
        let shared = nested.iter().map(|&at| steps(at)).fold(0.0, f64::max);
        let own: f64 = aggregated.iter().map(|&at| if levels[at].ranks > 1.0 { steps(at) } else { 1.0 }).sum();
        [exchanges, (shared + own) * machine.reduction(levels[0].ranks, 16.0 * nested.len() as f64)]
    }

    /// Returns the time of assembly, with the boundary conditions.
    pub fn assembly(&self) -> StageTime {
        let finest = &self.levels[0];
        StageTime {
            work: self.interfaces.imbalance() * self.machine.rates.assembly * finest.unknowns / finest.ranks,
            messages: ASSEMBLY * self.halo_exchange(0, 8.0),
            collectives: ASSEMBLY * self.machine.reduction(finest.ranks, 8.0),
            ..Default::default()
        }
    }

    /// Returns the seconds of one exchange of values of `width` bytes on a level, on the slowest
    /// rank.
    pub fn halo_exchange(&self, at: usize, width: f64) -> f64 {
        let messages = |(neighbours, values): (f64, f64)| self.machine.messages(neighbours, width * values);
        self.received(at).into_iter().map(messages).fold(0.0, f64::max)
    }

    /// Returns the neighbours of each part on a level, and the values that it receives in one
    /// exchange.
    fn received(&self, at: usize) -> Vec<(f64, f64)> {
        let level = &self.levels[at];
        if level.ranks <= 1.0 {
            return Vec::new();
        }
        let of = |values: fn(&Part) -> f64, divided: f64, scale: f64| {
            self.interfaces.divided(divided).map(|part| (part.neighbours, scale * values(&part))).collect()
        };
        match level.kind {
            LevelKind::Mesh => of(|p| p.values, (level.unknowns / self.interfaces.nodes).sqrt(), 1.0),
            LevelKind::Corners => of(|p| p.corners, self.base_divided(), 1.0),
            // The length of an interface is the root of the unknowns of a rank; the neighbours stay
            // the same.
            LevelKind::Aggregates => {
                let corners = self.levels.iter().find(|l| l.kind == LevelKind::Corners).unwrap_or(level);
                let own = |level: &Level| level.unknowns / level.ranks;
                of(|p| p.corners, self.base_divided(), (own(level) / own(corners)).sqrt())
            }
        }
    }

    /// Returns the messages between neighbours in one iteration, and their bytes, of all ranks
    /// together.
    pub fn sent(&self) -> [f64; 2] {
        let mut sum = [0.0; 2];
        let mut add = |at: usize, exchanges: f64, width: f64| {
            let parts = self.received(at);
            // The messages of a level on fewer ranks are alike.
            let share = exchanges * self.levels[at].ranks / self.levels[0].ranks;
            for (neighbours, values) in parts {
                sum[0] += share * neighbours;
                sum[1] += share * width * values;
            }
        };
        add(0, 1.0, 8.0);
        for (at, level) in self.levels.iter().enumerate() {
            add(at, level.products + self.transfers(at), 4.0);
        }
        sum
    }

    /// Returns the exchanges of a level's values in the transfers of one cycle.
    fn transfers(&self, at: usize) -> f64 {
        if at > 0 { 2.0 * self.levels[at - 1].visits } else { 0.0 }
    }

    /// Returns the number of elements of the coarsest mesh along a side of an element of the
    /// counted one.
    fn base_divided(&self) -> f64 {
        (self.base().unknowns / self.interfaces.nodes).sqrt()
    }

    /// Returns the level of the finest mesh.
    pub fn finest(&self) -> &Level {
        &self.levels[0]
    }

    /// Returns the level of the coarsest mesh.
    pub fn base(&self) -> &Level {
        self.levels.iter().rfind(|level| level.kind == LevelKind::Mesh).unwrap_or(self.finest())
    }

    /// Returns the seconds of the agglomeration of a level on fewer ranks: the first rank of a
    /// group receives from the others.
    fn gather(&self, at: usize, width: f64) -> f64 {
        let Some(finer) = at.checked_sub(1).map(|finer| &self.levels[finer]) else { return 0.0 };
        let level = &self.levels[at];
        let group = finer.ranks / level.ranks;
        if group <= 1.0 {
            return 0.0;
        }
        self.machine.messages(group - 1.0, width * received_unknowns(level, finer))
    }
}

/// Returns the values that a rank receives for its unknowns of an aggregated level from the ranks
/// of the finer level: the unknowns of one of these ranks fill a square, which overlaps with those
/// around it by an unknown on each side.
fn received_unknowns(level: &Level, finer: &Level) -> f64 {
    let (group, side) = (finer.ranks / level.ranks, (level.unknowns / finer.ranks).sqrt());
    group * (side + 2.0).powi(2) - side.powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::model::levels::CoarseningRatios;
    use crate::perf::model::machine::Rates;

    const MACHINE: Machine = Machine {
        latency: 1e-6,
        overhead: 0.0,
        bandwidth: 1e9,
        taper: 1.0,
        ranks_per_node: 1.0,
        file_system: 1e11,
        rates: Rates::TYPICAL,
    };

    /// Parts in a ring, each with 100 ghosts at its two neighbours, and twice as many after each
    /// refinement.
    fn ring(parts: usize) -> Interfaces {
        let part = |values| Part { elements: 1000.0, neighbours: 2.0, values, corners: values / 2.0 };
        let (base, refined) = (vec![part(100.0); parts], vec![part(200.0); parts]);
        Interfaces { nodes: 3000.0 * parts as f64, elements: 1000.0 * parts as f64, base, refined }
    }

    fn iteration(parts: usize, unknowns: f64, fewest: f64) -> Iteration {
        let interfaces = ring(parts);
        let levels = CoarseningRatios::TYPICAL.levels(unknowns, 2, parts as f64, fewest);
        Solve { machine: &MACHINE, interfaces: &interfaces, levels: &levels }.iteration()
    }

    #[test]
    fn one_rank_has_no_messages() {
        let Iteration { work, imbalance, mesh_messages, coarse_messages, reductions, direct } = iteration(1, 48e3, 0.0);
        assert_eq!([imbalance, mesh_messages, coarse_messages, reductions], [0.0; 4]);
        assert!(work > 0.0 && direct > 0.0);
    }

    #[test]
    fn work_is_shared_and_messages_are_not() {
        let (four, sixteen) = (iteration(4, 1e6, 0.0), iteration(16, 1e6, 0.0));
        assert!((four.work / sixteen.work - 4.0).abs() < 1e-9);
        assert!(sixteen.mesh_messages < four.mesh_messages && sixteen.mesh_messages > 0.4 * four.mesh_messages);
        assert!((sixteen.reductions / four.reductions - 2.0).abs() < 1e-9);
    }

    #[test]
    fn an_exchange_takes_its_neighbours_and_the_values_of_its_level() {
        let interfaces = ring(8);
        let levels = CoarseningRatios::TYPICAL.levels(16.0 * interfaces.nodes, 2, 8.0, 0.0);
        let solve = Solve { machine: &MACHINE, interfaces: &interfaces, levels: &levels };
        let bytes = |at| (solve.halo_exchange(at, 8.0) - MACHINE.latency) * MACHINE.bandwidth;
        for (at, expected) in [(0, 3200.0), (1, 1600.0), (2, 800.0), (3, 400.0)] {
            assert!((bytes(at) - expected).abs() < 1e-6, "level {at}: {} bytes", bytes(at));
        }
    }

    #[test]
    fn fewer_ranks_on_coarse_levels_send_less_where_messages_are_slow() {
        let slow = |fewest| iteration(1024, 1024.0 * 1e4, fewest);
        let (moved, spread) = (slow(1000.0), slow(0.0));
        assert!(moved.coarse_messages + moved.direct < spread.coarse_messages + spread.direct);
        assert_eq!(moved.mesh_messages, spread.mesh_messages);
    }
}
