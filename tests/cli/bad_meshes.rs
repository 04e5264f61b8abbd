//! Meshes that cannot be solved: the message names the same element at every rank count.

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::test;

pub fn tests() -> Vec<Trial> {
    [numbers(), geometry(), topology(), conditions(), agreement()].into_iter().flatten().collect()
}

/// Expects an error for the mesh of 4 by 2 elements after `change`:
///
/// ```text
/// 36 37 38 39 40 41 42 43 44
/// 27    29    31    33    35      elements 4 5 6 7
/// 18 19 20 21 22 23 24 25 26
///  9    11    13    15    17      elements 0 1 2 3
///  0  1  2  3  4  5  6  7  8
/// ```
fn bad(name: &str, message: &'static str, change: fn(&mut Mesh)) -> Vec<Trial> {
    refused(name, &["mesh.h5"], 2, message, move |folder| {
        let mut mesh = Mesh::rectangle(4, 2);
        change(&mut mesh);
        mesh.write(&folder.path("mesh.h5"));
    })
}

fn numbers() -> Vec<Trial> {
    [
        bad(
            "a_negative_index",
            "element 5: node -1 is out of range, the mesh has 45 nodes (indices start at 0)",
            |mesh| mesh.quad8[5][3] = -1,
        ),
        bad(
            "an_index_out_of_range",
            "element 5: node 45 is out of range, the mesh has 45 nodes (indices start at 0)",
            |mesh| (mesh.quad8[5][3], mesh.quad8[7][0]) = (45, 99),
        ),
        bad(
            "a_repeated_node",
            "element 5: node 20 occurs twice among its nodes [20, 22, 40, 38, 21, 31, 20, 29]",
            |mesh| mesh.quad8[5][6] = 20,
        ),
        bad(
            "a_coordinate_that_is_not_a_number",
            "element 5: the coordinates (NaN, 0.75) of its node 31 are not finite",
            |mesh| mesh.x[31] = f64::NAN,
        ),
        bad("an_infinite_coordinate", "element 1: the coordinates (1, inf) of its node 22 are not finite", |mesh| {
            mesh.y[22] = f64::INFINITY
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const FOLDED: &str = "element 5: the Jacobian determinant is -0.1311491673 m^2";
const FOLDED_CHILD: &str = "element 5 of the mesh is folded near x = 0.499";
const FLAT: &str = "element 5: the Jacobian determinant is 0 m^2 at Gauss point 0";

fn geometry() -> Vec<Trial> {
    [
        bad("a_folded_element", FOLDED, |mesh| mesh.y[40] = -1.0),
        bad("an_element_without_area", FLAT, |mesh| {
            mesh.quad8[5].iter().for_each(|&n| mesh.y[n as usize] = 0.5);
        }),
        // Folded between its corner and the nearest Gauss point.
        refused("a_fold_that_refinement_meets", &["mesh.h5", "--refine", "3"], 2, FOLDED_CHILD, |folder| {
            let mut mesh = Mesh::rectangle(4, 2);
            mesh.x[39] -= 0.14;
            mesh.write(&folder.path("mesh.h5"));
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn topology() -> Vec<Trial> {
    [
        bad("an_edge_of_three_elements", "belongs to 3 elements, an edge can have two at most", |mesh| {
            let points = [(1.3, 0.3), (1.3, 1.2), (1.15, 0.4), (1.3, 0.75), (1.15, 1.1)];
            let [a, b, below, right, above] = points.map(|(x, y)| mesh.add_node(x, y));
            mesh.quad8.push([22, a, b, 40, below, right, above, 31]);
        }),
        bad(
            "an_edge_with_two_middles",
            "element 5: its edge from node 22 to node 40 has middle node 31, another element has 45 there",
            |mesh| mesh.quad8[6][7] = mesh.add_node(1.0, 0.75),
        ),
        bad("a_hanging_node", "node 22 is the middle of one of its edges and has another role", |mesh| {
            // One element in place of 2 and 6; node 22 stays a corner of 1 and 5.
            mesh.quad8[2] = [4, 6, 42, 40, 5, 24, 41, 22];
            mesh.quad8.remove(6);
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const FLOATING: &str = "the piece of the domain that holds element 8 touches no Dirichlet edge and no Robin edge with \
                        p > 0, so its solution is not unique: it has 4 elements from x = 0.5, y = 5 to x = 1.5, y = 6; \
                        connect it";

fn conditions() -> Vec<Trial> {
    [
        bad("a_slanting_inlet", "no inlet found: no boundary edge lies at the smallest x (0 m)", |mesh| {
            for (x, y) in mesh.x.iter_mut().zip(&mesh.y) {
                *x += 0.1 * (2.0 - *x) * y;
            }
        }),
        bad("a_slanting_outlet", "no outlet found: no boundary edge lies at the largest x (2 m)", |mesh| {
            for (x, y) in mesh.x.iter_mut().zip(&mesh.y) {
                *x *= 1.0 - 0.1 * y;
            }
        }),
        bad("a_piece_that_floats", FLOATING, |mesh| {
            mesh.add(&Mesh::grid(2, 2, |s, t| [0.5 + s, t]), 5.0);
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Checks a mesh with several errors and a random numbering: the message must be the same at every
/// rank count.
fn agreement() -> Vec<Trial> {
    vec![
        alike("where_elements_are_folded", |mesh| {
            for node in [17, 100, 180] {
                mesh.y[node] += 5.0;
            }
        }),
        alike("where_an_element_occurs_twice", |mesh| mesh.quad8.push(mesh.quad8[29])),
        alike("where_middle_nodes_differ", |mesh| {
            for (element, side) in [(9, 0), (23, 1), (27, 0), (39, 0)] {
                let [x, y] = [&mesh.x, &mesh.y].map(|c| c[mesh.quad8[element][4 + side] as usize]);
                mesh.quad8[element][4 + side] = mesh.add_node(x, y);
            }
        }),
        alike("where_three_elements_meet", |mesh| {
            for element in [13, 31] {
                let [a, b, _, _, middle, ..] = mesh.quad8[element];
                let [xa, ya, xb, yb] = [a, b].map(|n| [mesh.x[n as usize], mesh.y[n as usize]]).concat()[..] else {
                    unreachable!()
                };
                let points =
                    [(xb, yb + 2.0), (xa, ya + 2.0), (xb, yb + 1.0), (0.5 * (xa + xb), ya + 2.0), (xa, ya + 1.0)];
                let [c, d, right, above, left] = points.map(|(x, y)| mesh.add_node(x, y));
                mesh.quad8.push([a, b, c, d, middle, right, above, left]);
            }
        }),
    ]
}

fn alike(name: &str, change: fn(&mut Mesh)) -> Trial {
    test(format!("the_same_error_is_named_at_every_rank_count::{name}"), move || {
        let mut mesh = Mesh::rectangle(8, 6).shuffled();
        change(&mut mesh);
        let folder = Folder::with(&mesh);
        let errors = [1, 2, 3, 5].map(|ranks| folder.run(ranks, &["mesh.h5"]).expect_code(2).errors().join("\n"));
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:#?}");
    })
}
