//! Start of Open MPI on one host, where the program makes it search no networks.

use libtest_mimic::Trial;

use crate::program::{Folder, is_mpich};
use crate::tier::ignored_for;
use crate::{test, waiting};

/// Components of point-to-point messages that Open MPI opens, as it prints them.
const OPENED: &str = "components_open: found loaded component ";

pub fn tests() -> Vec<Trial> {
    let test = test("mpi_searches_no_networks_on_one_host_unless_the_user_does::ranks_2", components);
    vec![waiting(ignored_for(test, is_mpich().then_some("a test of Open MPI")))]
}

/// Checks the components of Open MPI without and with a setting of the user.
fn components() {
    let folder = Folder::new();
    let opens_cm = |setting: &str| {
        let line = format!(r#"{setting}; OMPI_MCA_pml_base_verbose=20 "${{MPIRUN:-mpirun}}" -n 2 "$0" "$@""#);
        let outcome = folder.run_in_shell(&line, &["meshes"]).expect_code(0);
        assert!(outcome.stderr.contains(&format!("{OPENED}ob1")), "{outcome}");
        outcome.stderr.contains(&format!("{OPENED}cm"))
    };
    assert!(!opens_cm("unset OMPI_MCA_pml"));
    assert!(opens_cm("export OMPI_MCA_pml=ob1,cm"));
}
