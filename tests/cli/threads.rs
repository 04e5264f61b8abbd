//! Checks that ranks and threads that share cores are reported with a remedy and still solve.

use std::thread::available_parallelism;

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::{Folder, is_mpich};
use crate::tier::ignored_for;
use crate::{alone, test};

pub fn tests() -> Vec<Trial> {
    [
        test("more_threads_than_cores_are_reported::ranks_2", crowded),
        // MPICH has other options for binding.
        ignored_for(
            test("threads_bound_to_one_core_are_reported::ranks_1", bound),
            is_mpich().then_some("a test of Open MPI"),
        ),
        test("one_thread_on_one_core_is_not_reported::ranks_1", fitting),
        test("a_variable_that_is_no_number_of_threads_is_refused::ranks_2", wrong_variable),
    ]
    .map(alone)
    .into()
}

fn crowded() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let threads = 32 * available_parallelism().unwrap().get();
    let outcome = folder.run(2, &["mesh.h5", "--threads", &threads.to_string()]).expect_code(0);
    let warning = format!("2 ranks with {} threads in all share", 2 * threads);
    // Large numbers have their digits in groups.
    assert_eq!(outcome.stderr.replace(',', "").matches(&warning).count(), 1, "{outcome}");
    assert!(outcome.stderr.contains("use mpirun -n"), "{outcome}");
}

/// Binds two threads of a rank to one core. The program counts hardware threads as cores: where a
/// core has two, `--bind-to core` would leave both to a rank.
fn bound() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let env = [("OMPI_MCA_hwloc_base_binding_policy", "hwthread")];
    let outcome = folder.run_with(1, &env, &["mesh.h5", "--threads", "2"]).expect_code(0);
    let warning = "all 2 threads of a rank are bound to one core: start with mpirun --map-by slot:PE=2";
    assert_eq!(outcome.stderr.matches(warning).count(), 1, "{outcome}");
}

fn fitting() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let outcome = folder.run(1, &["mesh.h5", "--threads", "1"]).expect_code(0);
    assert!(!outcome.stderr.contains("core"), "{outcome}");
}

fn wrong_variable() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    for value in ["abc", "2000"] {
        let env = [("RAYON_NUM_THREADS", value)];
        let outcome = folder.run_with(2, &env, &["mesh.h5"]).expect_code(2);
        let message = format!("RAYON_NUM_THREADS is '{value}': it must be from 1 to 1024");
        assert!(outcome.errors().len() == 1 && outcome.errors()[0].ends_with(&message), "{outcome}");
        // The option replaces the variable.
        folder.run_with(2, &env, &["mesh.h5", "--threads", "1", "-q"]).expect_code(0);
    }
}
