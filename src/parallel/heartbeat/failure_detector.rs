//! Failure detector: decides from the heartbeats that arrive whether a rank is lost or the job has
//! stalled.

/// Numbers of turns after which the job ends.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Turns without a heartbeat of one rank.
    pub silence: u32,
    /// Turns without progress of any rank; no limit where none.
    pub stall: Option<u32>,
}

/// Last heartbeat of each rank, and the time since the last progress.
pub struct FailureDetector {
    /// None for a rank without any heartbeat so far.
    ranks: Vec<Option<Heartbeat>>,
    limits: Limits,
    turns: u32,
    /// Turns since a rank made progress.
    turns_without_progress: u32,
}

/// Last heartbeat of a rank.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    /// Turns since it arrived.
    age: u32,
    /// Progress counter of the rank.
    progress: u64,
}

/// State of the job.
#[derive(Debug, PartialEq)]
pub enum JobState {
    Running,
    /// This rank is silent.
    Lost(usize),
    /// No rank makes progress; these do not wait for others.
    Stalled(Vec<usize>),
    /// This many ranks have sent no heartbeat at all, the first of them among others.
    Unreachable {
        ranks: usize,
        first: usize,
    },
}

impl FailureDetector {
    pub fn new(ranks: usize, limits: Limits) -> Self {
        Self { ranks: vec![None; ranks], limits, turns: 0, turns_without_progress: 0 }
    }

    /// Records a heartbeat with the [progress
    /// counter](crate::parallel::heartbeat::progress_counter::now) of a rank.
    pub fn record(&mut self, rank: usize, progress: u64) {
        if let Some(last) = self.ranks.get_mut(rank) {
            if last.is_none_or(|last| last.progress != progress) {
                self.turns_without_progress = 0;
            }
            *last = Some(Heartbeat { age: 0, progress });
        }
    }

    /// Ends a turn and returns the state of the job. Unreachable ranks are reported in one turn
    /// only.
    pub fn end_turn(&mut self) -> JobState {
        self.turns = self.turns.saturating_add(1);
        self.turns_without_progress = self.turns_without_progress.saturating_add(1);
        for last in self.ranks.iter_mut().flatten() {
            last.age += 1;
        }
        let is_lost = |last: &Option<Heartbeat>| last.is_some_and(|last| last.age > self.limits.silence);
        if let Some(rank) = self.ranks.iter().position(is_lost) {
            return JobState::Lost(rank);
        }
        let mut unreachable = (0..self.ranks.len()).filter(|&rank| self.ranks[rank].is_none());
        match unreachable.next() {
            Some(first) if self.turns == self.limits.silence => {
                JobState::Unreachable { ranks: 1 + unreachable.count(), first }
            }
            // An unreachable rank may make progress.
            None if self.limits.stall.is_some_and(|limit| self.turns_without_progress > limit) => {
                let is_at_work = |last: &Option<Heartbeat>| last.is_some_and(|last| last.progress.is_multiple_of(2));
                JobState::Stalled((0..self.ranks.len()).filter(|&rank| is_at_work(&self.ranks[rank])).collect())
            }
            _ => JobState::Running,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { silence: 3, stall: Some(5) };

    #[test]
    fn a_rank_that_falls_silent_is_lost_and_an_unreachable_one_is_reported_once() {
        let mut detector = FailureDetector::new(4, LIMITS);
        detector.record(0, 0);
        detector.record(1, 0);
        detector.record(7, 0);
        let mut states = Vec::new();
        for _ in 0..4 {
            detector.record(0, 0);
            detector.record(3, 0);
            states.push(detector.end_turn());
        }
        let unreachable = JobState::Unreachable { ranks: 1, first: 2 };
        assert_eq!(states, [JobState::Running, JobState::Running, unreachable, JobState::Lost(1)]);
    }

    /// Returns the state after each turn, where `progress` gives the counter of a rank in a turn.
    fn states(ranks: usize, limits: Limits, turns: u64, progress: impl Fn(usize, u64) -> Option<u64>) -> Vec<JobState> {
        let mut detector = FailureDetector::new(ranks, limits);
        let turn = |turn| {
            for (rank, progress) in (0..ranks).filter_map(|rank| Some((rank, progress(rank, turn)?))) {
                detector.record(rank, progress);
            }
            detector.end_turn()
        };
        (0..turns).map(turn).collect()
    }

    #[test]
    fn ranks_that_do_not_wait_are_named_where_no_rank_makes_progress() {
        // Rank 1 makes progress until the third turn. Rank 2 waits.
        let found = states(3, LIMITS, 9, |rank, turn| Some([4, 2 * turn.min(2), 7][rank]));
        assert!(found[..7].iter().all(|state| *state == JobState::Running), "{found:?}");
        assert_eq!(found[7], JobState::Stalled(vec![0, 1]));
    }

    #[test]
    fn progress_of_one_rank_is_enough_and_so_is_an_unreachable_rank() {
        let progress = states(3, LIMITS, 50, |rank, turn| Some(if rank == 2 { turn / 5 } else { 1 }));
        assert!(progress.iter().all(|state| *state == JobState::Running), "{progress:?}");
        let unreachable = states(3, LIMITS, 50, |rank, _| (rank < 2).then_some(1));
        assert_eq!(unreachable.iter().filter(|state| **state != JobState::Running).count(), 1, "{unreachable:?}");
        let unlimited = states(2, Limits { stall: None, ..LIMITS }, 50, |_, _| Some(1));
        assert!(unlimited.iter().all(|state| *state == JobState::Running), "{unlimited:?}");
    }
}
