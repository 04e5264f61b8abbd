//! Checks many ranks on few cores, each with random pauses: no run hangs, and all have the same
//! bits. Also checks long messages, which are sent in pieces.
//!
//! QUAD8_MPI_SOAK sets the number of runs (1).

use libtest_mimic::Trial;

use crate::at_ranks;
use crate::program::Folder;
use crate::results::Results;

const ARGS: &[&str] = &["--threads", "1", "-o", "out.h5"];

pub fn tests() -> Vec<Trial> {
    let mut tests = at_ranks("runs_with_pauses_have_the_same_bits", [32], pauses);
    tests.extend(at_ranks("messages_in_pieces_change_nothing", [1, 3], pieces));
    tests
}

fn runs() -> usize {
    std::env::var("QUAD8_MPI_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn solve(folder: &Folder, ranks: usize, env: &[(&str, &str)], args: &[&str]) -> Results {
    folder.run_with(ranks, env, args).expect_code(0);
    Results::read(&folder.path("out.h5"))
}

fn pauses(ranks: usize) {
    let folder = Folder::new();
    let first = solve(&folder, ranks, &[], ARGS);
    for seed in 1..=runs() {
        let pauses = format!("delay@{seed}");
        let again = solve(&folder, ranks, &[("QUAD8_MPI_FAULT", &pauses)], ARGS);
        assert!(again.has_the_bits_of(&first), "run {seed}");
    }
}

fn pieces(ranks: usize) {
    let folder = Folder::new();
    let args = &[ARGS, &["--operator", "assembled", "--format", "vtkhdf"]].concat();
    let whole = solve(&folder, ranks, &[], args);
    let parts = solve(&folder, ranks, &[("QUAD8_MPI_MESSAGE_BYTES", "5000")], args);
    assert!(parts.has_the_bits_of(&whole));
    // The results file is also read in pieces.
    let again = |env: &[(&str, &str)]| {
        folder.run_with(ranks, env, &["out.h5", "-o", "again.h5"]).expect_code(0);
        Results::read(&folder.path("again.h5"))
    };
    assert!(again(&[("QUAD8_MPI_MESSAGE_BYTES", "3000")]).has_the_bits_of(&again(&[])));
}
