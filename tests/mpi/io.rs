//! Checks the results file. The current folder is empty and the same for all ranks.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use quad8_mpi::io::mesh::MeshSource;
use quad8_mpi::io::record::{
    Convergence, Layout, Libraries, Memory, MeshInfo, Parallel, RunRecord, SolutionStats, SolverConfig,
};
use quad8_mpi::io::results::{Companion, Results, ResultsFile};
use quad8_mpi::la::Vector;
use quad8_mpi::la::cg::{ConvergedReason, Cost};
use quad8_mpi::parallel::{Breakdown, Comm, GlobalIndex, MinMeanMax, Timings};
use quad8_mpi::post::{BoundaryFlow, ElementFields, FlowReport, NodeFields};
use quad8_mpi::problem::{Field, Geometry, Labels, Names, Physics};
use quad8_mpi::{Error, ExitCode, Result};

use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, dirichlet, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    complete_files_have_their_final_names,
    a_file_for_paraview_has_a_part_for_each_rank,
    datasets_are_in_the_numbering_of_the_input,
    a_results_file_is_a_mesh,
    a_refined_file_does_not_depend_on_the_ranks,
    writing_again_replaces_the_file,
    a_failed_write_keeps_the_old_file,
    a_path_that_cannot_be_written_is_an_error_from_the_start,
    the_mesh_is_never_overwritten,
];

fn record() -> RunRecord {
    RunRecord {
        version: "1.2.3",
        libraries: Libraries::in_use(),
        timing_metrics: Timings::new(),
        start_up: MinMeanMax::default(),
        breakdown: Breakdown::default(),
        iterations: 4,
        converged: true,
        outcome: Some(ConvergedReason::Converged),
        solution_stats: SolutionStats {
            u_range: [0.0, 1.0],
            u_mean: 0.5,
            u_std: 0.1,
            speed_range: [1.0, 2.0],
            speed_node_range: [0.9, 2.1],
            flux_range: None,
            flux_node_range: None,
            error_estimate: 0.01,
            error_estimate_percent: 1.0,
            final_residual: 1e-9,
            relative_residual: 1e-10,
        },
        mesh_info: MeshInfo {
            source: "a test".to_owned(),
            scale: 1.0,
            refine: 0,
            nodes: 0,
            used_nodes: 0,
            elements: 0,
            matrix_nnz: 0,
            fixed_nodes: 0,
            aspect_ratio_max: None,
            folded_elements: 0,
        },
        conductivity_range: [1.0; 2],
        case: String::new(),
        physics: Physics::Flow,
        geometry: Geometry::Plane,
        names: Labels::new(Physics::Flow, Geometry::Plane, &Names::default()),
        conditions: Vec::new(),
        accuracy: None,
        flow: FlowReport {
            boundaries: vec![BoundaryFlow { name: "Ausfluß".into(), flow: 1.0, sampled: 1.5 }],
            walls_sampled: 0.0,
            source: 0.0,
            inflow: 1.0,
            imbalance: 1.0,
            relative_imbalance: 1.0,
        },
        convergence: Convergence {
            factor: 0.1,
            rhs_norm: 10.0,
            seconds: Cost::default(),
            preconditioners: Vec::new(),
            levels: Vec::new(),
            grid_complexity: 1.0,
            operator_complexity: 1.0,
        },
        solver_config: SolverConfig {
            operator: "elements".into(),
            preconditioner: "jacobi".to_owned(),
            reproducible: None,
            rtol: 1e-8,
            max_iterations: 100,
            gamma: 2.5,
            p0: 1e5,
            density: 1.2,
        },
        memory: Memory { peak_bytes: Vec::new(), peak_bytes_max: 0, peak_bytes_sum: 0 },
        parallel: Parallel {
            layout: Layout { ranks: 1, threads_per_rank: 1, hosts: 1 },
            first_host: "here".to_owned(),
            edge_cut: Some(0),
            halo_max: 0,
            halo_sum: 0,
            neighbours_max: 0,
            load_imbalance: 1.0,
        },
        restart: None,
        repairs: Vec::new(),
        residual_history: vec![1.0, 0.1, 0.01, 1e-5, 1e-9],
        limited_by: String::new(),
        warnings: Vec::new(),
    }
}

fn model(comm: &Rc<Comm>, mesh: &Mesh, levels: u32) -> Model {
    Model::new(comm, mesh, &everywhere, &dirichlet(Field::Constant(0.0)), levels).expect("a good mesh")
}

/// Returns a value that identifies its node.
fn nodal(node: GlobalIndex) -> f64 {
    1.0 / (node as f64 + 1.0)
}

fn elemental(element: GlobalIndex) -> ElementFields {
    let e = element as f64;
    ElementFields { velocity: [e + 0.25, -e], speed: 3.0 * e, pressure: 1e5 - e }
}

/// Writes results of [`nodal`] and [`elemental`] values. **Collective.**
fn write(comm: &Comm, file: &ResultsFile, model: &Model) -> Result<()> {
    let mut u = Vector::zeros(model.halo.map());
    u.owned_mut().iter_mut().zip(model.owned_ids()).for_each(|(u, &id)| *u = nodal(id));
    let own = &model.mesh.element_ids[..model.mesh.own_elements];
    let fields: Vec<ElementFields> = own.iter().map(|&id| elemental(id)).collect();
    let at_node = |&id: &GlobalIndex| NodeFields {
        velocity: [nodal(id) + 1.0, nodal(id) + 2.0],
        speed: nodal(id) + 3.0,
        pressure: nodal(id) + 4.0,
    };
    let node_fields: Vec<NodeFields> = model.mesh.node_ids.iter().map(at_node).collect();
    let errors: Vec<f64> = own.iter().map(|&id| nodal(id) + 5.0).collect();
    let results = Results {
        mesh: &model.mesh,
        u: &u,
        fields: &fields,
        node_fields: &node_fields,
        flux: None,
        errors: &errors,
        record: &record(),
    };
    file.write(comm, &results)
}

fn write_new(comm: &Comm, name: &str, model: &Model) {
    let file = ResultsFile::new(comm, Path::new(name), Companion::Xdmf, &[], &[]).expect("a place for the file");
    write(comm, &file, model).expect("a written file");
    // Reading begins after the last rank has closed the file.
    comm.barrier();
}

/// Reads a whole dataset without MPI, on one rank.
fn read<T: hdf5::H5Type>(name: &str, dataset: &str) -> Vec<T> {
    let file = hdf5::File::open(name).expect("an HDF5 file");
    file.dataset(dataset).expect(dataset).read_raw().expect(dataset)
}

fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

fn complete_files_have_their_final_names(comm: &Rc<Comm>) {
    // With more ranks than elements, some ranks write no rows.
    for grid in [Grid::untidy(2, 1), Grid::untidy(9, 7)] {
        write_new(comm, "complete.h5", &model(comm, &grid.mesh(), 0));
        assert!(!Path::new("complete.h5.partial").exists());
        assert!(Path::new("complete.xdmf").exists());
    }
}

fn a_file_for_paraview_has_a_part_for_each_rank(comm: &Rc<Comm>) {
    let file = ResultsFile::new(comm, Path::new("v.h5"), Companion::VtkHdf, &[], &[]).expect("a place for the file");
    let model = model(comm, &Grid::untidy(9, 7).mesh(), 0);
    write(comm, &file, &model).expect("written files");
    comm.barrier();
    let cells: i64 = read::<i64>("v.hdf", "VTKHDF/NumberOfCells").iter().sum();
    assert_eq!((cells, read::<i64>("v.hdf", "VTKHDF/Offsets").len()), (63, 63 + comm.size()));
    assert!(!Path::new("v.hdf.partial").exists() && !Path::new("v.xdmf").exists());
}

fn datasets_are_in_the_numbering_of_the_input(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(9, 7).mesh();
    let model = model(comm, &mesh, 0);
    write_new(comm, "order.h5", &model);
    let mut ranks = vec![0; mesh.elements.len()];
    model.mesh.element_ids[..model.mesh.own_elements].iter().for_each(|&id| ranks[id as usize] = comm.rank() as i32);
    let ranks = comm.sum_all(&ranks);
    if !comm.is_root() {
        return;
    }
    let elements = 0..mesh.elements.len() as GlobalIndex;
    let u = |n: GlobalIndex| if mesh.orphans.contains(&n) { f64::NAN } else { nodal(n) };
    assert_eq!(read::<f64>("order.h5", "x"), mesh.points.iter().map(|p| p[0]).collect::<Vec<_>>());
    assert_eq!(read::<f64>("order.h5", "y"), mesh.points.iter().map(|p| p[1]).collect::<Vec<_>>());
    assert_eq!(bits(read("order.h5", "u")), bits((0..mesh.points.len() as GlobalIndex).map(u)));
    assert_eq!(bits(read("order.h5", "abs_vel_node")), bits((0..mesh.points.len() as GlobalIndex).map(|n| u(n) + 3.0)));
    let velocities = (0..mesh.points.len() as GlobalIndex).flat_map(|n| [u(n) + 1.0, u(n) + 2.0]);
    assert_eq!(bits(read("order.h5", "vel_node")), bits(velocities));
    let quad8 = elements.clone().flat_map(|e| mesh.oriented(e)).map(|n| n as i32);
    assert_eq!(read::<i32>("order.h5", "quad8"), quad8.collect::<Vec<_>>());
    assert_eq!(read::<i32>("order.h5", "partition"), ranks);
    let fields = || elements.clone().map(elemental);
    assert_eq!(bits(read("order.h5", "vel")), bits(fields().flat_map(|f| f.velocity)));
    assert_eq!(bits(read("order.h5", "abs_vel")), bits(fields().map(|f| f.speed)));
    assert_eq!(bits(read("order.h5", "pressure")), bits(fields().map(|f| f.pressure)));
    assert_eq!(bits(read("order.h5", "error")), bits(elements.clone().map(|e| nodal(e) + 5.0)));
    assert_eq!(read::<f64>("order.h5", "run/residual_history"), record().residual_history);
    let run = hdf5::File::open("order.h5").and_then(|file| file.group("run")).expect("the record");
    let number = |name: &str| run.attr(name).and_then(|a| a.read_scalar::<f64>()).expect(name);
    assert_eq!((number("rtol"), number("converged"), number("iterations")), (1e-8, 1.0, 4.0));
}

fn a_results_file_is_a_mesh(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(9, 7).mesh();
    write_new(comm, "mesh.h5", &model(comm, &mesh, 0));
    let read = MeshSource::File("mesh.h5".into()).read(comm).expect("a mesh");
    let nodes = read.nodes.range(comm.rank());
    assert_eq!(read.coordinates, mesh.points[nodes.start as usize..nodes.end as usize]);
    let elements = read.elements.range(comm.rank());
    assert_eq!(read.connectivity, elements.map(|e| mesh.oriented(e)).collect::<Vec<_>>());
}

fn a_refined_file_does_not_depend_on_the_ranks(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(3, 2).mesh();
    write_new(comm, "all.h5", &model(comm, &mesh, 2));
    if comm.is_root() {
        let alone = super::pipeline::alone();
        write_new(&alone, "one.h5", &model(&alone, &mesh, 2));
        for name in ["x", "y", "u", "vel", "abs_vel", "pressure"] {
            assert_eq!(bits(read("all.h5", name)), bits(read("one.h5", name)), "{name}");
        }
        assert_eq!(read::<i32>("all.h5", "quad8"), read::<i32>("one.h5", "quad8"));
    }
}

fn writing_again_replaces_the_file(comm: &Rc<Comm>) {
    write_new(comm, "again.h5", &model(comm, &Grid::new(5, 4).mesh(), 0));
    write_new(comm, "again.h5", &model(comm, &Grid::new(3, 2).mesh(), 0));
    if comm.is_root() {
        assert_eq!(read::<f64>("again.h5", "pressure").len(), 6);
    }
}

/// Returns the exit code and the message of an error, which must be the same on every rank.
/// **Collective.**
fn failure<T>(comm: &Comm, result: Result<T>) -> (ExitCode, String) {
    let error: Error = result.err().expect("an error on every rank");
    let messages = comm.all_gather_strings(&error.to_string());
    assert!(messages.iter().all(|m| *m == messages[0]), "{messages:#?}");
    (error.exit_code(), error.to_string())
}

fn a_failed_write_keeps_the_old_file(comm: &Rc<Comm>) {
    write_new(comm, "kept.h5", &model(comm, &Grid::new(5, 4).mesh(), 0));
    let file = ResultsFile::new(comm, Path::new("kept.h5"), Companion::Xdmf, &[], &[]).expect("a place for the file");
    if comm.is_root() {
        fs::create_dir("kept.h5.partial").expect("a folder in the way");
    }
    comm.barrier();
    let (code, message) = failure(comm, write(comm, &file, &model(comm, &Grid::new(3, 2).mesh(), 0)));
    assert_eq!(code, ExitCode::Io);
    assert!(message.starts_with("cannot write kept.h5: "), "{message}");
    if comm.is_root() {
        assert_eq!(read::<f64>("kept.h5", "pressure").len(), 20);
    }
}

fn a_path_that_cannot_be_written_is_an_error_from_the_start(comm: &Rc<Comm>) {
    let (code, message) = failure(comm, ResultsFile::new(comm, Path::new("nowhere/out.h5"), Companion::Xdmf, &[], &[]));
    assert_eq!(code, ExitCode::Io);
    assert!(message.starts_with("cannot write nowhere/out.h5: "), "{message}");
    let (code, message) = failure(comm, ResultsFile::new(comm, Path::new("."), Companion::Xdmf, &[], &[]));
    assert_eq!((code, message.as_str()), (ExitCode::Io, "cannot write .: it is a folder"));
}

fn the_mesh_is_never_overwritten(comm: &Rc<Comm>) {
    write_new(comm, "input.h5", &model(comm, &Grid::new(3, 2).mesh(), 0));
    let same = Path::new("./input.h5");
    let (code, message) = failure(comm, ResultsFile::new(comm, Path::new("input.h5"), Companion::Xdmf, &[same], &[]));
    assert_eq!(code, ExitCode::Input);
    assert!(message.starts_with("the output input.h5 is an input of this run"), "{message}");
}
