//! What the model counts on one rank is what many ranks exchange.

use std::rc::Rc;

use quad8_mpi::mesh;
use quad8_mpi::parallel::Comm;
use quad8_mpi::perf::model::Interfaces;

use super::manufactured;
use super::meshes::Grid;
use super::pipeline::{Model, alone};
use crate::Check;

pub const CHECKS: &[Check] = checks![the_ghosts_of_all_refinements_are_foretold];

fn the_ghosts_of_all_refinements_are_foretold(comm: &Rc<Comm>) {
    let grid = Grid::untidy(23, 17).mesh();
    let problem = manufactured::problem();
    let model = |comm: &Rc<Comm>, levels| Model::new(comm, &grid, &manufactured::side, &problem, levels).expect("good");
    let parts = &model(comm, 0).partition.parts;
    // Slabs are in the order of the ranks.
    let everywhere: Vec<_> = (0..comm.size()).map(|rank| (rank, parts.clone())).collect();
    let part_of: Vec<u32> = comm.sparse_exchange(everywhere.into()).into_iter().flat_map(|message| message.1).collect();
    let whole = model(&alone(), 0).hierarchy.mesh;
    let once_more = mesh::refine(&alone(), &whole, 1).expect("good");
    let by_place: Vec<u32> = whole.element_ids.iter().map(|&id| part_of[id as usize]).collect();
    let interfaces = Interfaces::new(&whole, &once_more, &by_place, comm.size());
    for levels in 0..4 {
        let real = model(comm, levels);
        let counted = interfaces.divided(f64::from(1 << levels)).nth(comm.rank()).expect("a part for each rank");
        assert_eq!(counted.elements as usize, real.mesh.own_elements, "elements after {levels} refinements");
        // The model is exact in the two meshes that it counts. Where interfaces meet an element
        // apart, these have a few ghosts in common that finer meshes have not.
        let (foretold, ghosts) = (counted.values, real.halo.map().ghosts() as f64);
        let few = if levels < 2 { 0.0 } else { 0.05 * ghosts };
        assert!((foretold - ghosts).abs() <= few, "{foretold} ghosts after {levels} refinements, not {ghosts}");
        assert_eq!(counted.neighbours as usize, real.halo.neighbours(), "neighbours after {levels} refinements");
    }
}
