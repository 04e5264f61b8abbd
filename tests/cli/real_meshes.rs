//! Compares results on meshes from practice with those of a direct solver (SciPy's SuperLU). The
//! meshes are not part of the project: QUAD8_MPI_REAL_MESHES names the folder that holds them.

use hdf5::File;
use libtest_mimic::Trial;
use serde::Deserialize;

use crate::program::Folder;
use crate::results::{Results, difference, summary};
use crate::test;
use crate::tier::ignored_for;

#[derive(Clone, Deserialize)]
struct RealMesh {
    file: String,
    nodes: usize,
    used_nodes: usize,
    elements: usize,
    /// Range and mean: [smallest, largest, mean].
    u: [f64; 3],
    /// Range: [smallest, largest].
    speed: [f64; 2],
    pressure: [f64; 2],
}

pub fn tests() -> Vec<Trial> {
    let meshes: Vec<RealMesh> = serde_json::from_str(include_str!("../data/real_meshes.json")).unwrap();
    let folder = std::env::var_os("QUAD8_MPI_REAL_MESHES").map(|folder| std::path::absolute(folder).unwrap());
    let mut tests = Vec::new();
    for mesh in meshes {
        for ranks in [1, 2, 3, 4, 7, 16] {
            let name = mesh.file.trim_end_matches(".h5");
            let name = format!("a_real_mesh_agrees_with_the_direct_solver::{name}::ranks_{ranks}");
            let (mesh, folder) = (mesh.clone(), folder.clone());
            let skipped = folder.is_none();
            let check = move || mesh.check(&folder.unwrap(), ranks);
            let reason = skipped.then_some("QUAD8_MPI_REAL_MESHES is not set");
            tests.push(ignored_for(test(name, check), reason));
        }
    }
    tests
}

impl RealMesh {
    fn check(&self, folder: &std::path::Path, ranks: usize) {
        let path = folder.join(&self.file);
        let path = path.to_str().unwrap();
        let here = Folder::new();
        let [one, two] = ["1", "2"].map(|n| here.solve(ranks, &[path, "--rtol", "1e-12", "--threads", n]));
        assert!(two.has_the_bits_of(&one));
        let flow = File::open(here.path("solved.h5")).unwrap().group("run/flow").unwrap();
        assert!(flow.attr("relative_imbalance").unwrap().read_scalar::<f64>().unwrap() < 1e-10);
        self.compare(&one);
    }

    fn compare(&self, results: &Results) {
        let used = results.u.iter().filter(|u| !u.is_nan()).count();
        assert_eq!((results.u.len(), used, results.abs_vel.len()), (self.nodes, self.used_nodes, self.elements));
        assert!(difference(&summary(&results.u), &self.u) < 1e-9, "u: {:?}", summary(&results.u));
        for (values, wanted) in [(&results.abs_vel, self.speed), (&results.pressure, self.pressure)] {
            let got = summary(values);
            assert!(difference(&got[..2], &wanted) < 1e-9, "{got:?} instead of {wanted:?}");
        }
    }
}
