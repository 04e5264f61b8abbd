//! Checks the partition of a mesh: plain METIS, and two levels over blocks of elements.

use std::collections::HashMap;
use std::rc::Rc;

use quad8_mpi::mesh::MOST_ON_A_RANK;
use quad8_mpi::mesh::partition::{Partition, PartitionOptions, Partitioner, partition};
use quad8_mpi::parallel::{BlockDistribution, Comm};

use super::meshes::{Grid, Mesh, square};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    no_part_is_empty_where_elements_suffice,
    the_edge_cut_counts_the_neighbours_in_different_parts,
    two_levels_cut_hardly_more_than_one,
    many_parts_are_cut_in_groups,
    heavy_elements_make_small_parts,
    the_partition_is_repeatable,
    parts_of_a_connected_mesh_are_connected,
    separate_pieces_are_split_too,
    more_elements_than_ranks_can_number_are_refused,
];

const BOTH: [Partitioner; 2] = [Partitioner::Metis, Partitioner::TwoLevel];

fn split(partitioner: Partitioner, parts: usize) -> PartitionOptions<'static> {
    PartitionOptions { parts, partitioner, seed: PartitionOptions::SEED, weights: None }
}

/// Returns the part of every element, on every rank, and the partition itself. **Collective.**
fn parts(comm: &Comm, mesh: &Mesh, split: &PartitionOptions) -> (Vec<u32>, Partition) {
    let slab = mesh.slab(comm).expect("a good mesh");
    let partition = partition(comm, &slab, split).expect("a partition");
    let range = slab.elements.range(comm.rank());
    assert_eq!(partition.parts.len() as u64, range.end - range.start);
    let mut all = vec![0; mesh.elements.len()];
    all[range.start as usize..range.end as usize].copy_from_slice(&partition.parts);
    (comm.sum_all(&all), partition)
}

fn sizes(parts: &[u32], count: usize) -> Vec<usize> {
    let mut sizes = vec![0; count];
    parts.iter().for_each(|&p| sizes[p as usize] += 1);
    sizes
}

/// Returns the size of the largest part relative to the mean.
fn imbalance(parts: &[u32], count: usize) -> f64 {
    let fullest = sizes(parts, count).into_iter().max().expect("parts");
    fullest as f64 * count as f64 / parts.len() as f64
}

fn no_part_is_empty_where_elements_suffice(comm: &Rc<Comm>) {
    for grid in [Grid::untidy(2, 1), Grid::untidy(9, 7), Grid::rough(12, 5), Grid::new(70, 60)] {
        let mesh = grid.mesh();
        for partitioner in BOTH {
            for count in [2, 5, comm.size()] {
                let (parts, _) = parts(comm, &mesh, &split(partitioner, count));
                let filled = sizes(&parts, count).into_iter().filter(|&size| size > 0).count();
                assert_eq!(filled, count.min(mesh.elements.len()), "{partitioner:?}, {count} parts");
            }
        }
    }
}

fn the_edge_cut_counts_the_neighbours_in_different_parts(comm: &Rc<Comm>) {
    for (grid, count) in [(Grid::untidy(9, 7), 4), (Grid::rough(90, 65), 4), (Grid::rough(90, 65), 600)] {
        let mesh = grid.mesh();
        for partitioner in BOTH {
            let (parts, partition) = parts(comm, &mesh, &split(partitioner, count));
            // Neighbours share a middle node.
            let mut first = HashMap::new();
            let middles =
                mesh.elements.iter().zip(parts).flat_map(|(nodes, part)| nodes[4..].iter().map(move |n| (n, part)));
            let cut = middles.filter(|&(n, part)| first.insert(n, part).is_some_and(|other| other != part)).count();
            assert_eq!(partition.edge_cut, Some(cut as u64), "{partitioner:?}, {count} parts");
        }
    }
}

fn two_levels_cut_hardly_more_than_one(comm: &Rc<Comm>) {
    // Blocks are built along the curve where neighbours are far from each other in the input, else
    // in slabs.
    for shuffled in [true, false] {
        let mesh = Grid { shuffled, ..Grid::new(140, 90) }.mesh();
        let [one, two] = BOTH.map(|partitioner| parts(comm, &mesh, &split(partitioner, 6)));
        let [one_cut, two_cut] = [&one, &two].map(|(_, partition)| partition.edge_cut.unwrap());
        assert!(two_cut as f64 <= 1.25 * one_cut as f64, "{two_cut} instead of {one_cut}, shuffled: {shuffled}");
        assert!(imbalance(&two.0, 6) <= 1.035, "imbalance {}", imbalance(&two.0, 6));
    }
}

fn many_parts_are_cut_in_groups(comm: &Rc<Comm>) {
    const COUNT: usize = 600;
    let mesh = Grid { shuffled: true, ..Grid::new(240, 200) }.mesh();
    let [one, two] = BOTH.map(|partitioner| parts(comm, &mesh, &split(partitioner, COUNT)));
    let [one_cut, two_cut] = [&one, &two].map(|(_, partition)| partition.edge_cut.unwrap());
    assert!(two_cut as f64 <= 1.08 * one_cut as f64, "{two_cut} instead of {one_cut}");
    assert!(imbalance(&two.0, COUNT) <= 1.06, "imbalance {}", imbalance(&two.0, COUNT));
    assert!(sizes(&two.0, COUNT).iter().all(|&size| size > 0));
}

fn heavy_elements_make_small_parts(comm: &Rc<Comm>) {
    let mesh = Grid::new(80, 60).mesh();
    let weight = |e: usize| if e % 80 < 20 { 5 } else { 1 };
    let slab = mesh.slab(comm).expect("a good mesh");
    let weights: Vec<u32> = slab.elements.range(comm.rank()).map(|e| weight(e as usize)).collect();
    for partitioner in BOTH {
        let (parts, _) = parts(comm, &mesh, &PartitionOptions { weights: Some(&weights), ..split(partitioner, 4) });
        let mut sums = [0; 4];
        parts.iter().enumerate().for_each(|(e, &p)| sums[p as usize] += weight(e));
        let mean = f64::from(sums.iter().sum::<u32>()) / 4.0;
        assert!(sums.iter().all(|&s| f64::from(s) <= 1.04 * mean), "{partitioner:?}: {sums:?}");
    }
}

fn the_partition_is_repeatable(comm: &Rc<Comm>) {
    let mesh = Grid::rough(70, 60).mesh();
    for partitioner in BOTH {
        let [first, again] = [(); 2].map(|()| parts(comm, &mesh, &split(partitioner, 3)).0);
        assert_eq!(first, again);
    }
}

fn parts_of_a_connected_mesh_are_connected(comm: &Rc<Comm>) {
    let mesh = Grid { shuffled: true, ..Grid::new(80, 70) }.mesh();
    for partitioner in BOTH {
        let (parts, _) = parts(comm, &mesh, &split(partitioner, 5));
        // Neighbours in one part take the lower of their labels until all of a piece are equal.
        let mut labels: Vec<usize> = (0..parts.len()).collect();
        let mut first = HashMap::new();
        let sides = mesh.elements.iter().enumerate().flat_map(|(e, nodes)| nodes[4..].iter().map(move |&n| (n, e)));
        let pairs: Vec<[usize; 2]> = sides.filter_map(|(n, e)| first.insert(n, e).map(|other| [other, e])).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for &[a, b] in pairs.iter().chain(pairs.iter().rev()).filter(|[a, b]| parts[*a] == parts[*b]) {
                let lowest = labels[a].min(labels[b]);
                changed |= labels[a] != labels[b];
                (labels[a], labels[b]) = (lowest, lowest);
            }
        }
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), 5, "{partitioner:?}");
    }
}

fn separate_pieces_are_split_too(comm: &Rc<Comm>) {
    let mut mesh = Grid::new(40, 30).mesh();
    for k in 0..50 {
        mesh.add(&[], square([3.0 + f64::from(k), 0.0]));
    }
    for partitioner in BOTH {
        let (parts, _) = parts(comm, &mesh, &split(partitioner, 2));
        assert!(imbalance(&parts, 2) <= 1.035, "{partitioner:?}: {:?}", sizes(&parts, 2));
    }
}

fn more_elements_than_ranks_can_number_are_refused(comm: &Rc<Comm>) {
    let mut slab = Grid::new(3, 2).mesh().slab(comm).expect("a good mesh");
    slab.elements = BlockDistribution::new(comm.size() as u64 * MOST_ON_A_RANK, comm.size());
    let error = partition(comm, &slab, &split(Partitioner::Auto, 2)).expect_err("an error on every rank");
    assert!(error.to_string().ends_with("are more than the 268435456 a rank that can be numbered: use more ranks"));
}
