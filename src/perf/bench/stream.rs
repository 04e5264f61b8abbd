//! Copy and triad of STREAM: J. D. McCalpin, *Memory Bandwidth and Machine Balance in Current High
//! Performance Computers*, IEEE TCCA Newsletter (December 1995). As there, the bytes are those that
//! the kernel names; reading a cache line before it is written is not counted.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::error::{Error, Result};
use crate::parallel::Comm;

/// Kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// c = a.
    Copy,
    /// a = b + s c.
    Triad,
}

impl Kernel {
    const ALL: [Self; 2] = [Self::Copy, Self::Triad];

    /// Returns the bytes of an entry.
    pub fn bytes(self) -> f64 {
        match self {
            Self::Copy => 16.0,
            Self::Triad => 24.0,
        }
    }
}

/// Measurements of one rank.
pub struct Measured {
    /// Entries of each array on this rank.
    pub entries: usize,
    /// Seconds of each run, by kernel: of this rank's own part, and until all ranks had finished
    /// theirs.
    pub seconds: [Vec<[f64; 2]>; 2],
}

/// Returns the smallest size of an array (bytes) on a host with these caches: four times their size
/// (rule of STREAM), and 256 MiB where they are not known.
pub fn smallest_size(caches: u64) -> u64 {
    if caches == 0 { 256 << 20 } else { 4 * caches }
}

/// Arrays of one thread.
struct Part {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
}

const B: f64 = 2.0;
const SCALE: f64 = 0.4;

impl Part {
    /// Allocates and writes the arrays in the calling thread, so that the memory is near to it.
    fn new(entries: usize) -> Self {
        Self { a: vec![1.0; entries], b: vec![B; entries], c: vec![-1.0; entries] }
    }

    fn run(&mut self, kernel: Kernel) {
        let Self { a, b, c } = self;
        match kernel {
            Kernel::Copy => c.copy_from_slice(a),
            Kernel::Triad => a.iter_mut().zip(&*b).zip(&*c).for_each(|((a, b), c)| *a = b + SCALE * c),
        }
        black_box((a, c));
    }

    /// Returns whether every entry has the value after this number of rounds.
    fn is_right(&self, rounds: u32) -> bool {
        let mut expected = [1.0, -1.0];
        (0..rounds).for_each(|_| expected = [B + SCALE * expected[0], expected[0]]);
        let [a, c] = expected;
        self.a.iter().all(|value| *value == a) && self.c.iter().all(|value| *value == c)
    }
}

/// Times `repeats` rounds of both kernels on `entries` entries of this rank, which its threads
/// share, after one round that warms up. **Collective.**
///
/// # Errors
/// Wrong values in the arrays of this rank.
pub fn measure(comm: &Comm, threads: usize, entries: usize, repeats: u32) -> Result<Measured> {
    let each = entries.div_ceil(threads);
    let parts: Vec<Mutex<Option<Part>>> = (0..threads).map(|_| Mutex::new(None)).collect();
    // Every thread runs this once; a parallel loop would not assign the parts to fixed threads.
    let on_each = |work: &(dyn Fn(&mut Option<Part>) + Sync)| {
        rayon::broadcast(|thread| work(&mut parts[thread.index()].lock().unwrap_or_else(PoisonError::into_inner)));
    };
    on_each(&|part| *part = Some(Part::new(each)));
    let mut seconds = [Vec::new(), Vec::new()];
    for round in 0..=repeats {
        for kernel in Kernel::ALL {
            comm.barrier();
            let start = Instant::now();
            on_each(&|part| part.iter_mut().for_each(|part| part.run(kernel)));
            let own = start.elapsed().as_secs_f64();
            // Ranks that share a core run one after the other: the barrier waits for the last one.
            comm.barrier();
            if round > 0 {
                seconds[kernel as usize].push([own, start.elapsed().as_secs_f64()]);
            }
        }
    }
    let is_right = |part: Mutex<Option<Part>>| {
        part.into_inner().unwrap_or_else(PoisonError::into_inner).is_some_and(|part| part.is_right(repeats + 1))
    };
    if parts.into_iter().all(is_right) {
        Ok(Measured { entries: each * threads, seconds })
    } else {
        Err(Error::internal(
            "an internal check failed: the arrays of STREAM hold other values than they must (please report this)",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_do_what_they_claim_and_a_wrong_entry_is_seen() {
        let mut part = Part::new(1000);
        for _ in 0..3 {
            Kernel::ALL.iter().for_each(|kernel| part.run(*kernel));
        }
        assert!(part.is_right(3) && !part.is_right(2));
        part.c[500] += 1e-15 + part.c[500] * 1e-15;
        assert!(!part.is_right(3));
    }

    #[test]
    fn arrays_are_larger_than_the_caches() {
        assert_eq!((smallest_size(32 << 20), smallest_size(0)), (128 << 20, 256 << 20));
    }
}
