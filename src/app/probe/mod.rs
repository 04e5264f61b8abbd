//! `quad8-mpi probe`: values of results at points, along lines and along boundaries, as CSV; and
//! the probes of a case, at the end of a solve.

mod args;
mod table;

pub use args::ProbeArgs;
pub(crate) use args::{DEFAULT_POINTS, POINTS_OF_LINE};
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
    parse_points(&text).map_err(|(number, line)| {
        let path = path.display();
        let expected = "x and y are expected, two numbers with a decimal point, and a comma or a space between";
        Error::input(format!("{path}, line {number}: '{line}' is no point: {expected}"))
    })
}

/// Parses lines with a point each, after an optional heading, the first line with a text in which
/// no word is a number. The error is the first other line, with its number.
fn parse_points(text: &str) -> std::result::Result<Vec<f64>, (usize, &str)> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1..);
    let mut points = Vec::new();
    for (i, (line, number)) in lines.filter(|(line, _)| !line.is_empty()).enumerate() {
        let words = line.split([',', ' ', '\t', ';']).filter(|word| !word.is_empty());
        let values: Vec<Option<f64>> = words.map(|word| word.parse().ok()).collect();
        match values[..] {
            [Some(x), Some(y)] if x.is_finite() && y.is_finite() => points.extend([x, y]),
            _ if i == 0 && values.iter().all(Option::is_none) => {}
            _ => return Err((number, line)),
        }
    }
    Ok(points)
}

/// Names probes without a name after their place: points, line, or the boundary; where several
/// would have the same name, with a number from the second on.
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

#[cfg(test)]
mod tests {
    use super::parse_points;

    #[test]
    fn each_line_holds_the_two_coordinates_of_a_point() {
        for text in
            ["0.5 0.7\n-1 2e-3", "x,y\n0.5, 0.7\n\n-1;2e-3\n", "\u{feff}\n# x (m)  y (m)\r\n0.5\t0.7\r\n-1 , 0.002"]
        {
            assert_eq!(parse_points(text), Ok(vec![0.5, 0.7, -1.0, 0.002]), "{text}");
        }
        assert_eq!(parse_points("\n"), Ok(vec![]));
    }

    #[test]
    fn other_lines_are_refused_with_their_number() {
        for line in ["0.5 n/a 0.7", "0,5 0,7", "0.5", "0.5 0.7 0", "0.5 y", "1 nan", "inf 1", "heading"] {
            assert_eq!(parse_points(&format!("x y\n\n1 2\n{line} \n3 4")), Err((4, line)));
        }
        // A first line with a number is no heading.
        for line in ["0.5 n/a 0.7", "x 1", "nan nan", "0,5 0,7"] {
            assert_eq!(parse_points(line), Err((1, line)));
        }
    }
}
