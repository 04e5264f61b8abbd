//! `quad8-mpi probe`: values of results at points, along lines and along boundaries, as CSV; and the
//! probes of a case, at the end of a solve.

mod args;
mod table;

pub use args::ProbeArgs;
pub(crate) use table::{Rows, csv};

use std::path::Path;
use std::rc::Rc;

use crate::error::{Error, ExitCode, Result};
use crate::io::file::{open, refuse_input, write_atomic};
use crate::io::mesh::file;
use crate::io::results::{Results, ResultsReader, read_node_values};
use crate::mesh::DistributedMesh;
use crate::parallel::{Comm, start_threads};
use crate::post::{NodeColumn, Probe, ProbePlace, sample_probes};
use crate::system::print;

/// Evaluates a results file where the command line asks for it. **Collective.**
///
/// # Errors
/// No place is given, a file cannot be read or written, or a point lies outside of the domain; the
/// same on every rank.
pub fn probe(comm: &Rc<Comm>, args: &ProbeArgs) -> Result<ExitCode> {
    if let Some(output) = &args.output {
        comm.agree(refuse_input(output, [args.results.as_path()]))?;
    }
    let text = if args.flows { flows(comm, &args.results)? } else { values(comm, args)? };
    comm.agree(match &args.output {
        _ if !comm.is_root() => Ok(()),
        Some(output) => write_atomic(output, text),
        None => print(text),
    })?;
    Ok(ExitCode::Success)
}

/// Returns the table of the flows on rank 0. **Collective.**
fn flows(comm: &Comm, path: &Path) -> Result<String> {
    let read = || ResultsReader::open(path)?.flows();
    let flows = comm.agree(if comm.is_root() { read() } else { Ok(Vec::new()) })?;
    let row = |(name, [flow, sampled]): &(String, [f64; 2])| (name.clone(), vec![*flow, *sampled]);
    Ok(csv("boundary", &["flow", "sampled"], flows.iter().map(row)))
}

/// Returns the table of the values on rank 0. **Collective.**
fn values(comm: &Rc<Comm>, args: &ProbeArgs) -> Result<String> {
    let probes = probes(comm, args)?;
    start_threads(comm, None, 1)?;
    let slab = file(comm, &args.results, &())?;
    // Elements stay where they were read: the work of each is small.
    let parts = vec![comm.rank() as u32; slab.connectivity.len()];
    let mesh = DistributedMesh::new(comm, slab, &parts)?.mesh;
    let fields = read_node_values(comm, &args.results, &mesh)?;
    let mut columns = Vec::new();
    for field in &fields {
        for (name, values) in names_of(field.name).iter().zip(&field.components) {
            columns.push(NodeColumn { name, value: Box::new(|node| values[node]) });
        }
    }
    let rows = sample_probes(comm, &mesh, &columns, &probes)?;
    Ok(Rows { probes: &probes, columns: &columns, rows: &rows }.to_csv())
}

/// Returns the probes of the command line. **Collective.**
fn probes(comm: &Comm, args: &ProbeArgs) -> Result<Vec<Probe>> {
    let mut points = args.at.clone();
    if let Some(path) = &args.points {
        let read = comm.agree(if comm.is_root() { read_points(path) } else { Ok(Vec::new()) })?;
        points.extend(comm.broadcast_list(0, read).as_chunks::<2>().0);
    }
    let points = Some(ProbePlace::Points(points)).filter(|_| !args.at.is_empty() || args.points.is_some());
    let lines = args.line.iter().map(|ends| ProbePlace::Line(*ends, args.number));
    let boundaries = args.boundary.iter().map(|name| ProbePlace::Boundary(name.clone()));
    let probes = named(points.into_iter().chain(lines).chain(boundaries).map(|place| (None, place)));
    if probes.is_empty() {
        return Err(Error::input("nothing to probe: give --at, --points, --line, --boundary or --flows"));
    }
    Ok(probes)
}

/// Reads the points in a text file, x and y one after the other.
fn read_points(path: &Path) -> Result<Vec<f64>> {
    let text = String::from_utf8_lossy(&open::text(path)?).into_owned();
    let mut points = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split([',', ' ', '\t', ';']).filter(|word| !word.is_empty()).collect();
        let values: Vec<f64> = words.iter().filter_map(|word| word.trim().parse().ok()).collect();
        match values[..] {
            [x, y, ..] if x.is_finite() && y.is_finite() => points.extend([x, y]),
            [] if points.is_empty() => {}
            _ => {
                let (path, number) = (path.display(), number + 1);
                return Err(Error::input(format!("{path}, line {number}: '{line}' is no point: x and y are expected")));
            }
        }
    }
    Ok(points)
}

/// Names probes without a name after their place: points, line, or the boundary; where several would
/// have the same name, with a number from the second on.
pub(crate) fn named(places: impl Iterator<Item = (Option<String>, ProbePlace)>) -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    for (name, place) in places {
        let default = || match &place {
            ProbePlace::Points(_) => "points".to_owned(),
            ProbePlace::Line(..) => "line".to_owned(),
            ProbePlace::Boundary(name) => name.clone(),
        };
        let base = name.unwrap_or_else(default);
        let is_taken = |name: &str| probes.iter().any(|probe| probe.name == name);
        let numbered = (2..).map(|number| format!("{base} {number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default();
        probes.push(Probe { name, place });
    }
    probes
}

/// Evaluates the probes of a case and writes their table. **Collective.**
///
/// # Errors
/// A point outside of the domain, or a file that cannot be written; the same on every rank.
pub(crate) fn write_probes(comm: &Comm, path: &Path, probes: &[Probe], results: &Results) -> Result<()> {
    let columns = columns_of(results);
    let rows = sample_probes(comm, results.mesh, &columns, probes)?;
    let write = || write_atomic(path, Rows { probes, columns: &columns, rows: &rows }.to_csv());
    comm.agree(if comm.is_root() { write() } else { Ok(()) })
}

/// Returns the nodal fields of results that are not written yet.
fn columns_of<'a>(results: &'a Results) -> Vec<NodeColumn<'a>> {
    let Results { u, node_fields, flux, .. } = *results;
    let mut columns: Vec<NodeColumn> = Vec::new();
    let mut add = |dataset: &str, component: usize, value: Box<dyn Fn(usize) -> f64 + 'a>| {
        columns.push(NodeColumn { name: names_of(dataset)[component], value });
    };
    add("u", 0, Box::new(|n| u.local()[n]));
    add("vel_node", 0, Box::new(|n| node_fields[n].velocity[0]));
    add("vel_node", 1, Box::new(|n| node_fields[n].velocity[1]));
    add("abs_vel_node", 0, Box::new(|n| node_fields[n].speed));
    if results.has("pressure_node") {
        add("pressure_node", 0, Box::new(|n| node_fields[n].pressure));
    }
    if let Some(flux) = flux {
        add("flux_node", 0, Box::new(|n| flux.nodes[n][0]));
        add("flux_node", 1, Box::new(|n| flux.nodes[n][1]));
    }
    columns
}

/// Returns the names in a table of the components of a nodal dataset.
fn names_of(dataset: &str) -> &'static [&'static str] {
    match dataset {
        "u" => &["u"],
        "vel_node" => &["velocity_x", "velocity_y"],
        "abs_vel_node" => &["speed"],
        "pressure_node" => &["pressure"],
        "flux_node" => &["flux_x", "flux_y"],
        _ => &[],
    }
}
