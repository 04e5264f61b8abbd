//! Reports of scaling studies: tables, pictures and pages from run records. Runs on one process,
//! without MPI.

mod args;
mod page;
mod read;
mod reference_efficiencies;
mod study;
mod table;

pub use args::ReportArgs;
pub(crate) use args::{ReportFormat, ReportTable};

use std::path::PathBuf;

use crate::error::{ExitCode, Result};
use crate::io::console::mebibytes;
use crate::io::file::{refuse_input, write_atomic};
use crate::io::record::Stage;
use crate::perf::scaling::reference_efficiencies::reference_efficiency;
use crate::perf::scaling::study::{IterationFigures, Kind, Point, STAGES, Study, WHOLE_RUN};
use crate::perf::scaling::table::Table;
use crate::plot::{Curve, Stroke, speed_up};
use crate::system::{group, print};

/// Reads run records and writes the table and the picture that the command line asks for.
///
/// # Errors
/// A record cannot be read, the runs are no scaling study, or an output is an input or cannot be
/// written.
pub fn report(args: &ReportArgs) -> Result<ExitCode> {
    for output in args.output.iter().chain(&args.plot) {
        refuse_input(output, args.runs.iter().map(PathBuf::as_path))?;
    }
    let kind = if args.strong { Some(Kind::Strong) } else { args.weak.then_some(Kind::Weak) };
    let records = args.runs.iter().map(|path| read::read(path)).collect::<Result<_>>()?;
    let study = Study::new(records, kind)?;
    let quantity = match study.kind {
        Kind::Strong => "speed-up",
        Kind::Weak => "scaled speed-up",
    };
    if let Some(path) = &args.plot {
        speed_up(&title(&study), &curves(&study), quantity, args.width, path)?;
    }
    let table = || match args.table {
        ReportTable::Scaling => scaling(&study, args.claims),
        ReportTable::Stages => stages(&study),
        ReportTable::Iteration => iteration(&study),
    };
    let text = match args.format {
        ReportFormat::Text => table().text(),
        ReportFormat::Md => table().markdown(),
        ReportFormat::Csv => table().csv(),
        ReportFormat::Html => {
            let tables = [
                ("Runs", stages(&study)),
                ("Stages", scaling(&study, args.claims)),
                ("An iteration", iteration(&study)),
            ];
            page::page(&study, &title(&study), &curves(&study), quantity, &tables)
        }
    };
    match &args.output {
        Some(path) => write_atomic(path, text)?,
        None => print(text)?,
    }
    Ok(ExitCode::Success)
}

/// Builds the table with a line for each stage of each point. A stage that some point does not have
/// is left out: writing, where there are no results.
fn scaling(study: &Study, with_claims: bool) -> Table {
    let mut heading = vec![
        "stage",
        "ranks",
        "threads",
        "hosts",
        "unknowns",
        "unknowns a rank",
        "runs",
        "time (s)",
        "speed-up",
        "efficiency (%)",
    ];
    heading.extend(with_claims.then_some("Numba claims (%)"));
    heading.extend(["STREAM speed-up", "imbalance", "communication (%)", "messages", "MiB sent"]);
    let mut table = Table::new(&heading, 1);
    let is_everywhere = |at: usize| study.points.iter().all(|point| point.stages[at].seconds > 0.0);
    for (at, (stage, _)) in STAGES.iter().enumerate().filter(|(at, _)| is_everywhere(*at)) {
        for point in &study.points {
            let figures = point.stages[at];
            let cores = point.parallel.cores();
            let mut cells = vec![
                (*stage).to_owned(),
                point.parallel.ranks.to_string(),
                point.parallel.threads_per_rank.to_string(),
                point.parallel.hosts.to_string(),
                point.unknowns.to_string(),
                point.unknowns_per_rank().to_string(),
                point.runs.to_string(),
                format!("{:.4}", figures.seconds),
                format!("{:.2}", study.speed_up(point, at)),
                format!("{:.0}", 100.0 * study.efficiency(point, at)),
            ];
            cells.extend(with_claims.then(|| reference_efficiency(cores).unwrap_or_default().to_owned()));
            cells.extend([
                study.bandwidth_speed_up(point).map_or(String::new(), |speed_up| format!("{speed_up:.2}")),
                format!("{:.2}", figures.imbalance),
                format!("{:.1}", 100.0 * figures.communication),
                format!("{:.0}", figures.messages),
                format!("{:.2}", mebibytes(figures.bytes)),
            ]);
            table.row(cells);
        }
    }
    table
}

/// Builds the table with a line for each point.
fn stages(study: &Study) -> Table {
    let heading = [
        "mesh",
        "ranks",
        "threads",
        "hosts",
        "unknowns",
        "unknowns a rank",
        "runs",
        "assembly (s)",
        "setup and iterations (s)",
        "recovery (s)",
        "total (s)",
        "iterations",
        "peak memory (MiB)",
        "start-up (s)",
    ];
    let mut table = Table::new(&heading, 1);
    for point in &study.points {
        let seconds = |stages: &[Stage]| -> String {
            format!("{:.4}", stages.iter().map(|stage| point.stage(stage.name()).seconds).sum::<f64>())
        };
        table.row(vec![
            point.problem.clone(),
            point.parallel.ranks.to_string(),
            point.parallel.threads_per_rank.to_string(),
            point.parallel.hosts.to_string(),
            point.unknowns.to_string(),
            point.unknowns_per_rank().to_string(),
            point.runs.to_string(),
            seconds(&[Stage::Assembly]),
            seconds(&[Stage::Setup, Stage::Iterations]),
            seconds(&[Stage::Recovery]),
            format!("{:.4}", point.stage(WHOLE_RUN).seconds),
            point.iterations.to_string(),
            format!("{:.0}", mebibytes(point.memory)),
            format!("{:.2}", point.start_up),
        ]);
    }
    table
}

/// Builds the table of an iteration, with a line for each point.
fn iteration(study: &Study) -> Table {
    let heading = [
        "ranks",
        "threads",
        "hosts",
        "unknowns",
        "runs",
        "iterations",
        "iteration (ms)",
        "bytes an unknown",
        "GB/s",
        "STREAM (GB/s)",
        "of STREAM (%)",
        "messages",
        "KiB sent",
        "sums",
    ];
    let mut table = Table::new(&heading, 0);
    for point in &study.points {
        let IterationFigures { seconds, moved, messages, sent, reductions } = point.iteration;
        let stream = study.bandwidth(point.parallel);
        let rate = if seconds > 0.0 { moved / seconds / 1e9 } else { 0.0 };
        table.row(vec![
            point.parallel.ranks.to_string(),
            point.parallel.threads_per_rank.to_string(),
            point.parallel.hosts.to_string(),
            point.unknowns.to_string(),
            point.runs.to_string(),
            point.iterations.to_string(),
            format!("{:.2}", 1e3 * seconds),
            format!("{:.0}", moved / point.unknowns as f64),
            format!("{rate:.2}"),
            stream.map_or(String::new(), |stream| format!("{stream:.2}")),
            stream.map_or(String::new(), |stream| format!("{:.0}", 100.0 * rate / stream)),
            format!("{messages:.0}"),
            format!("{:.1}", sent / 1024.0),
            format!("{reductions:.0}"),
        ]);
    }
    table
}

/// Returns the title: the kind of scaling and the problem.
fn title(study: &Study) -> String {
    let first = &study.points[0];
    match study.kind {
        Kind::Strong => format!("Strong scaling of {}, {} unknowns", first.problem, group(first.unknowns)),
        Kind::Weak => {
            let loads = || study.points.iter().map(|point| point.unknowns / point.parallel.cores() as u64);
            let (least, most) = (loads().min().unwrap_or(0), loads().max().unwrap_or(0));
            let range = if least == most { String::new() } else { format!("{} to ", group(least)) };
            format!("Weak scaling, {range}{} unknowns a core", group(most))
        }
    }
}

/// Stages in the picture.
const DRAWN: [&str; 3] = [Stage::Assembly.name(), Stage::Iterations.name(), WHOLE_RUN];

/// Returns the curves of speed-up over cores: one of the ranks with the same threads each, and one
/// of a single rank with more and more threads where there are such runs.
fn curves(study: &Study) -> Vec<Curve> {
    let of = |label: String, style: Stroke, takes: &dyn Fn(&Point) -> bool, value: &dyn Fn(&Point) -> Option<f64>| {
        let at = |point: &&Point| Some([point.parallel.cores() as f64, value(point)?]);
        let points = study.points.iter().filter(|point| takes(point)).filter_map(|point| at(&point)).collect();
        Curve { label, style, points }
    };
    let mut widths: Vec<usize> = study.points.iter().map(|point| point.parallel.threads_per_rank).collect();
    widths.sort_unstable();
    widths.dedup();
    let ideal = |point: &Point| Some(point.parallel.cores() as f64);
    let mut curves = vec![
        of("ideal".to_owned(), Stroke::Thin, &|_| true, &ideal),
        of("STREAM triad".to_owned(), Stroke::Broken, &best_of(study), &|point| study.bandwidth_speed_up(point)),
    ];
    for (colour, name) in DRAWN.into_iter().enumerate() {
        let stage = STAGES.iter().position(|stage| stage.0 == name).unwrap_or(0);
        let speed_up = |point: &Point| Some(study.speed_up(point, stage));
        if widths.len() == 1 {
            curves.push(of(name.to_owned(), Stroke::Full { colour }, &|_| true, &speed_up));
            continue;
        }
        let is_rank = |point: &Point| point.parallel.threads_per_rank == 1;
        let is_thread = |point: &Point| point.parallel.ranks == 1;
        curves.push(of(format!("{name}, by ranks"), Stroke::Full { colour }, &is_rank, &speed_up));
        curves.push(of(format!("{name}, by threads"), Stroke::Dashed { colour }, &is_thread, &speed_up));
        let is_mixed = |point: &Point| !is_rank(point) && !is_thread(point);
        curves.push(of(format!("{name}, mixed"), Stroke::Dots { colour }, &is_mixed, &speed_up));
    }
    curves.retain(|curve| !curve.points.is_empty());
    curves
}

/// Returns a filter for the point with the largest bandwidth of those with the same cores.
fn best_of(study: &Study) -> impl Fn(&Point) -> bool {
    |point| {
        let same = study.points.iter().filter(|other| other.parallel.cores() == point.parallel.cores());
        let best = same.max_by(|a, b| {
            let of = |point: &Point| study.bandwidth_speed_up(point).unwrap_or(0.0);
            of(a).total_cmp(&of(b))
        });
        best.is_some_and(|best| best.parallel == point.parallel)
    }
}
