//! What is known of the ranks by their datagrams, and what follows from it.

/// Turns that end the job.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In which one rank is silent.
    pub silence: u32,
    /// In which no rank moves; none: any number.
    pub stall: Option<u32>,
}

/// When each rank was last heard, and when one last moved.
pub struct FailureDetector {
    /// None for a rank that was never heard.
    ranks: Vec<Option<Heard>>,
    limits: Limits,
    turns: u32,
    /// Turns since a rank moved.
    still: u32,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// Turns ago.
    ago: u32,
    pulse: u64,
}

#[derive(Debug, PartialEq)]
pub enum Verdict {
    Fine,
    Lost(usize),
    /// No rank moves; those that do not wait for others are named.
    Stalled(Vec<usize>),
    NeverHeard {
        ranks: usize,
        first: usize,
    },
}

impl FailureDetector {
    pub fn new(ranks: usize, limits: Limits) -> Self {
        Self { ranks: vec![None; ranks], limits, turns: 0, still: 0 }
    }

    /// A rank is there, and this is its [`pulse`](crate::parallel::heartbeat::pulse::now).
    pub fn heard(&mut self, rank: usize, pulse: u64) {
        if let Some(place) = self.ranks.get_mut(rank) {
            if place.is_none_or(|before| before.pulse != pulse) {
                self.still = 0;
            }
            *place = Some(Heard { ago: 0, pulse });
        }
    }

    /// A turn is over.
    pub fn next_turn(&mut self) -> Verdict {
        self.turns = self.turns.saturating_add(1);
        self.still = self.still.saturating_add(1);
        for heard in self.ranks.iter_mut().flatten() {
            heard.ago += 1;
        }
        let is_lost = |heard: &Option<Heard>| heard.is_some_and(|heard| heard.ago > self.limits.silence);
        if let Some(rank) = self.ranks.iter().position(is_lost) {
            return Verdict::Lost(rank);
        }
        let mut unheard = (0..self.ranks.len()).filter(|&rank| self.ranks[rank].is_none());
        match unheard.next() {
            Some(first) if self.turns == self.limits.silence => {
                Verdict::NeverHeard { ranks: 1 + unheard.count(), first }
            }
            // A rank that is not heard may move.
            None if self.limits.stall.is_some_and(|limit| self.still > limit) => {
                let at_work = |heard: &Option<Heard>| heard.is_some_and(|heard| heard.pulse.is_multiple_of(2));
                Verdict::Stalled((0..self.ranks.len()).filter(|&rank| at_work(&self.ranks[rank])).collect())
            }
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { silence: 3, stall: Some(5) };

    #[test]
    fn a_rank_that_falls_silent_is_lost_and_one_that_was_never_heard_is_named_once() {
        let mut attendance = FailureDetector::new(4, LIMITS);
        attendance.heard(0, 0);
        attendance.heard(1, 0);
        attendance.heard(7, 0);
        let mut verdicts = Vec::new();
        for _ in 0..4 {
            attendance.heard(0, 0);
            attendance.heard(3, 0);
            verdicts.push(attendance.next_turn());
        }
        let unheard = Verdict::NeverHeard { ranks: 1, first: 2 };
        assert_eq!(verdicts, [Verdict::Fine, Verdict::Fine, unheard, Verdict::Lost(1)]);
    }

    /// Verdicts of turns in which the ranks have the pulses that `pulse` says for rank and turn.
    fn verdicts(ranks: usize, limits: Limits, turns: u64, pulse: impl Fn(usize, u64) -> Option<u64>) -> Vec<Verdict> {
        let mut attendance = FailureDetector::new(ranks, limits);
        let turn = |turn| {
            for (rank, pulse) in (0..ranks).filter_map(|rank| Some((rank, pulse(rank, turn)?))) {
                attendance.heard(rank, pulse);
            }
            attendance.next_turn()
        };
        (0..turns).map(turn).collect()
    }

    #[test]
    fn ranks_that_do_not_wait_are_named_where_nobody_moves() {
        // Until the third turn rank 1 moves. Rank 2 waits.
        let found = verdicts(3, LIMITS, 9, |rank, turn| Some([4, 2 * turn.min(2), 7][rank]));
        assert!(found[..7].iter().all(|verdict| *verdict == Verdict::Fine), "{found:?}");
        assert_eq!(found[7], Verdict::Stalled(vec![0, 1]));
    }

    #[test]
    fn one_rank_that_moves_is_enough_and_so_is_one_that_is_not_heard() {
        let moves = verdicts(3, LIMITS, 50, |rank, turn| Some(if rank == 2 { turn / 5 } else { 1 }));
        assert!(moves.iter().all(|verdict| *verdict == Verdict::Fine), "{moves:?}");
        let unheard = verdicts(3, LIMITS, 50, |rank, _| (rank < 2).then_some(1));
        assert_eq!(unheard.iter().filter(|verdict| **verdict != Verdict::Fine).count(), 1, "{unheard:?}");
        let for_ever = verdicts(2, Limits { stall: None, ..LIMITS }, 50, |_, _| Some(1));
        assert!(for_ever.iter().all(|verdict| *verdict == Verdict::Fine), "{for_ever:?}");
    }
}
