use crate::io::record::{Bandwidth, Bandwidths, BenchParallel, Memory, MeshInfo, Parallel, SolverConfig};
use crate::parallel::{Breakdown, CommShare, Iterations, MinMeanMax};
use crate::perf::scaling::study::*;

/// Builds a run whose solve takes so many seconds on each core, a quarter of them in messages.
fn run(ranks: usize, threads_per_rank: usize, unknowns: u64, seconds: f64) -> RunRecord {
    let span = |mean: f64, max: f64| MinMeanMax { min: 0.0, mean, max };
    let halo =
        CommShare { seconds: span(0.25 * seconds, seconds), count: span(10.0, 20.0), bytes: span(1000.0, 2000.0) };
    let solve = TimeSplit {
        seconds: span(seconds, seconds),
        compute: span(0.5 * seconds, 0.75 * seconds),
        halo,
        ..TimeSplit::default()
    };
    let part = TimeSplit { seconds: span(1.0, 2.0), ..TimeSplit::default() };
    let stages = [("solve_system", solve), ("assemble_system", part), ("apply_bc", part), (TOTAL, solve)];
    let stages = stages.map(|(name, split)| (name.to_owned(), split)).into();
    let mean = TimeSplit { seconds: span(0.1, 0.125 * seconds), halo, ..TimeSplit::default() };
    let iterations = Iterations { mean, bytes: 100 * unknowns, ..Iterations::default() };
    RunRecord {
        iterations: 8,
        converged: true,
        breakdown: Breakdown { stages, iterations, ..Breakdown::default() },
        mesh_info: MeshInfo { source: "a mesh".to_owned(), refine: 2, used_nodes: unknowns, ..MeshInfo::default() },
        solver_config: SolverConfig {
            operator: "elements".into(),
            preconditioner: "multigrid".into(),
            rtol: 1e-8,
            ..SolverConfig::default()
        },
        memory: Memory { peak_bytes_sum: 1 << 20, ..Memory::default() },
        parallel: Parallel { layout: Layout { ranks, threads_per_rank, hosts: 1 }, ..Parallel::default() },
        ..RunRecord::default()
    }
}

fn stream(ranks: usize, threads_per_rank: usize, total: f64) -> Record {
    let parallel = BenchParallel { layout: Layout { ranks, threads_per_rank, hosts: 1 }, first_host: String::new() };
    let triad = Bandwidth { total, ..Bandwidth::default() };
    Record::Stream(StreamRecord {
        version: "",
        parallel,
        array_bytes_per_host: 0,
        cache_bytes_per_host: 0,
        repeats: 1,
        stream: Bandwidths { copy: triad, triad },
        warnings: Vec::new(),
    })
}

fn study(runs: Vec<RunRecord>, streams: Vec<Record>) -> Result<Study> {
    Study::new(runs.into_iter().map(|run| Record::Run(Box::new(run))).chain(streams).collect(), None)
}

const SOLVE: usize = 4;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn strong_scaling_compares_times_by_their_medians() {
    let runs = vec![
        run(4, 1, 1000, 2.5),
        run(1, 1, 1000, 8.0),
        run(2, 2, 1000, 4.0),
        run(4, 1, 1000, 99.0),
        run(4, 1, 1000, 2.0),
    ];
    let study = study(runs, vec![stream(1, 1, 10.0), stream(4, 1, 24.0), stream(4, 1, 30.0)]).unwrap();
    assert_eq!(study.kind, Kind::Strong);
    let found: Vec<_> = study.points.iter().map(|p| (p.parallel.ranks, p.parallel.threads_per_rank, p.runs)).collect();
    assert_eq!(found, [(1, 1, 1), (2, 2, 1), (4, 1, 3)]);
    let [one, mixed, four] = &study.points[..] else { panic!("three points") };
    assert!(near(study.speed_up(four, SOLVE), 3.2) && near(study.efficiency(four, SOLVE), 0.8));
    assert!(near(study.speed_up(mixed, SOLVE), 2.0) && near(study.efficiency(one, SOLVE), 1.0));
    assert!(near(study.bandwidth_speed_up(four).unwrap(), 3.0));
    // As many cores in another split stand in.
    assert!(near(study.bandwidth_speed_up(mixed).unwrap(), 3.0));
    let solve = four.stage("iterations");
    assert!(near(solve.imbalance, 1.5) && near(solve.communication, 0.25));
    assert!(near(solve.messages, 40.0) && near(solve.bytes, 4000.0));
    assert!(near(four.stage("assembly").seconds, 4.0));
    let IterationFigures { seconds, moved, messages, sent, reductions } = four.iteration;
    assert_eq!([seconds, moved, messages, sent, reductions], [0.3125, 1e5, 40.0, 4000.0, 0.0]);
    assert_eq!(study.bandwidth(four.parallel), Some(30.0));
}

#[test]
fn weak_scaling_compares_unknowns_a_second() {
    let study = study(vec![run(2, 1, 2000, 5.0), run(8, 1, 7200, 6.0)], vec![stream(8, 1, 50.0)]).unwrap();
    assert_eq!(study.kind, Kind::Weak);
    let last = &study.points[1];
    // 1200 unknowns a second instead of 400, which count for two cores.
    assert!(near(study.speed_up(last, SOLVE), 6.0) && near(study.efficiency(last, SOLVE), 0.75));
    assert_eq!(study.bandwidth_speed_up(last), None);
}

#[test]
fn runs_that_do_not_belong_together_are_no_study() {
    let why = |runs: Vec<RunRecord>| study(runs, Vec::new()).unwrap_err().to_string();
    assert!(why(Vec::new()).contains("no run record"));
    assert!(why(vec![run(1, 1, 1000, 1.0), run(2, 1, 90_000, 1.0)]).contains("from 1000 to 45000"));
    assert!(why(vec![run(2, 1, 1000, 1.0), run(2, 1, 2000, 1.0)]).contains("on 2 x 1 cores they solve different"));
    let mut other = run(2, 1, 1000, 1.0);
    other.solver_config.preconditioner = "jacobi".to_owned();
    assert!(why(vec![run(1, 1, 1000, 1.0), other]).contains("some with elements and jacobi to 1e-8"));
}

#[test]
fn a_median_of_an_even_number_lies_between() {
    assert_eq!((median(vec![4.0, 1.0]), median(vec![9.0, 1.0, 2.0])), (2.5, 2.0));
}
