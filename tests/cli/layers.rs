//! Compares a flow across two layers with the exact solution. The layers are regions of a mesh from
//! Gmsh, with conductivities from a case file.

use std::fs;

use hdf5::File;
use libtest_mimic::Trial;

use crate::at_ranks;
use crate::formats::data;
use crate::program::Folder;

/// Conductivities of the layers. They meet at x = 1 m and end at x = 2 m, where u is 0.
const CONDUCTIVITIES: [f64; 2] = [5.0, 5e-3];
const GAMMA: f64 = 2.5;

pub fn tests() -> Vec<Trial> {
    at_ranks("materials_of_regions_make_two_layers", [1, 3], layers)
}

fn layer(x: f64) -> usize {
    usize::from(x > 1.0)
}

fn exact(x: f64) -> f64 {
    let [first, second] = CONDUCTIVITIES.map(|k| GAMMA / k);
    if x > 1.0 { second * (2.0 - x) } else { second + first * (1.0 - x) }
}

fn layers(ranks: usize) {
    let folder = Folder::new();
    fs::copy(data("names.msh"), folder.path("mesh.msh")).unwrap();
    let [first, second] = CONDUCTIVITIES;
    let case = format!(
        "mesh = 'mesh.msh'
        material.k = 'log(-1)'
        region.'cold rock'.k = {first}
        region.'warmes Öl'.k = {second}
        boundary.'Inlet' = {{ robin = {{ gamma = {GAMMA} }} }}
        boundary.'outlet to the sea' = {{ dirichlet = 0 }}
        solver.rtol = 1e-13
        output.json = 'run.json'"
    );
    fs::write(folder.path("case.toml"), case).unwrap();
    let results = folder.solve(ranks, &["case.toml"]);
    for (x, u) in results.x.iter().zip(&results.u) {
        assert!((u - exact(*x)).abs() < 1e-9, "u({x}) = {u} instead of {}", exact(*x));
    }

    let velocity = |layer: usize| GAMMA / CONDUCTIVITIES[layer];
    let near = |[x, y]: [f64; 2], expected: f64| (x - expected).abs() < 1e-7 && y.abs() < 1e-7;
    let rows = |values: &[f64]| values.as_chunks::<2>().0.to_vec();
    for (nodes, found) in results.quad8.as_chunks::<8>().0.iter().zip(rows(&results.vel)) {
        let middle = nodes.iter().map(|&n| results.x[n as usize]).sum::<f64>() / 8.0;
        assert!(near(found, velocity(layer(middle))), "{found:?} at x = {middle}");
    }
    let file = File::open(folder.path("solved.h5")).unwrap();
    let read = |name: &str| file.dataset(name).unwrap().read_raw::<f64>().unwrap();
    // On the interface the nodal flux is the mean of both sides.
    for (&x, found) in results.x.iter().zip(rows(&read("vel_node"))) {
        let between = 0.5 * (velocity(0) + velocity(1));
        let expected = if (x - 1.0).abs() < 1e-9 { between } else { velocity(layer(x)) };
        assert!(near(found, expected), "{found:?} at x = {x}");
    }
    assert!(read("error").iter().all(|error| error.abs() < 1e-6), "{:?}", read("error"));

    let flow = &folder.json("run.json")["flow"];
    for (name, expected) in [("Inlet", GAMMA), ("outlet to the sea", -GAMMA)] {
        let boundaries = flow["boundaries"].as_array().unwrap();
        let boundary = boundaries.iter().find(|boundary| boundary["name"] == name).unwrap();
        for kind in ["flow", "sampled"] {
            let found = boundary[kind].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-9, "{kind} through {name}: {found} instead of {expected}");
        }
    }
}
