//! Case of a solve: mesh, physics, conditions, materials, solver and output, from a TOML file and
//! the command line.

mod args;
mod channel_args;
mod file;
pub(crate) mod input;
mod message;
mod options;
mod probe;
mod problem;
mod resolve;

pub use args::SolveArgs;
pub use channel_args::ChannelArgs;
pub(crate) use input::{find_case, is_case};
pub use options::{Constants, DryRun, Output, OutputFormat, PartitionSource, RegionMaterial, RunOptions, Solver};
pub use probe::CaseProbe;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{ExitCode, Result};
use crate::io::mesh::MeshSource;
use crate::io::record::is_stdout;
use crate::parallel::Comm;
use crate::problem::{Condition, Geometry, Material, Names, Physics, Well};
use crate::system::messages;

/// Case of a solve. The fields are the keys of the case file; a missing key has the value of
/// [`Case::default`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Case {
    /// Source of the mesh.
    pub mesh: MeshSource,
    /// Factor of the coordinates of the mesh; none is 1, with a hint where the domain is very
    /// large.
    #[serde(deserialize_with = "options::read_scale", skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Uniform refinements.
    pub refine: u32,
    /// The physics that the equation describes.
    pub physics: Physics,
    /// Geometry of the domain.
    #[serde(skip_serializing_if = "Geometry::is_plane")]
    pub geometry: Geometry,
    /// Names and units in place of those of the physics.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub names: Names,
    /// Conditions by the name of the boundary.
    pub boundary: BTreeMap<String, Condition>,
    /// Material of the domain.
    pub material: Material,
    /// Materials of regions by name, where they differ from that of the domain.
    pub region: BTreeMap<String, RegionMaterial>,
    /// Sources at points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<Well>,
    /// Constants of the default conditions and of the pressure.
    pub constants: Constants,
    /// Options of the solver.
    pub solver: Solver,
    /// Output files.
    #[serde(skip_serializing)]
    pub output: Output,
    /// Places where values are written as a table.
    #[serde(skip_serializing)]
    pub probe: Vec<CaseProbe>,
    /// Options of this run, which no case file holds.
    #[serde(skip)]
    pub run: RunOptions,
    /// Hints about keys that the case file leaves out.
    #[serde(skip)]
    pub hints: Vec<String>,
}

/// Commented case file that solves the built-in Y-channel.
const STARTING_POINT: &str = include_str!("starting_point.toml");

/// Prints a commented case file that solves the built-in Y-channel. **Collective.**
///
/// # Errors
/// A standard output that cannot be written; the same on every rank.
pub fn print(comm: &Comm) -> Result<ExitCode> {
    comm.agree(if comm.is_root() { messages::print(STARTING_POINT) } else { Ok(()) })?;
    Ok(ExitCode::Success)
}

impl Case {
    /// Returns the case as a case file that solves the same in any folder: the mesh has its full
    /// path, and there are no outputs. The text of rank 0 is broadcast. **Collective.**
    pub(crate) fn text(&self, comm: &Comm) -> String {
        comm.broadcast_strings(if comm.is_root() { vec![self.to_toml()] } else { Vec::new() }).concat()
    }

    /// Returns the case on a mesh after this many refinements.
    pub(crate) fn refined(&self, refine: u32) -> Self {
        Self { refine, ..self.clone() }
    }

    fn to_toml(&self) -> String {
        let mut case = self.clone();
        if let MeshSource::File(path) = &mut case.mesh
            && let Ok(full) = path.canonicalize()
        {
            *path = full;
        }
        case.solver.threads = None;
        // A path that is not UTF-8 and a function in place of a formula cannot be written as text.
        toml::to_string(&case).unwrap_or_else(|e| format!("# {e}\n"))
    }

    /// Resolves relative paths against a folder.
    fn relative_to(&mut self, folder: &Path) {
        let output = &mut self.output;
        let json = output.json.as_mut().filter(|path| !is_stdout(path));
        let paths = self.mesh.path_mut().into_iter().chain([&mut output.results]).chain(json);
        paths.for_each(|path| *path = folder.join(&*path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::mesh::damaged_inputs::try_all;

    #[test]
    fn damaged_case_files_do_no_harm() {
        try_all("case", |bytes| Case::parse(Path::new("case.toml"), &String::from_utf8_lossy(bytes)).is_ok());
    }

    fn read(text: &str) -> std::result::Result<Case, String> {
        Case::parse(Path::new("some/case.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_case_is_the_default_and_the_starting_point_says_the_same() {
        let empty = read("").unwrap();
        let start = read(STARTING_POINT).unwrap();
        assert_eq!(empty.to_toml(), Case::default().to_toml());
        assert_eq!(start.to_toml(), Case { boundary: start.boundary.clone(), ..empty }.to_toml());
        assert_eq!(start.boundary.keys().collect::<Vec<_>>(), ["inlet", "outlet"]);
    }

    #[test]
    fn a_case_written_and_read_again_is_the_same() {
        let case = read(
            r#"mesh = "/somewhere/mesh.h5"
            scale = 0.001
            refine = 2
            boundary.inlet = { robin = { gamma = "2.5*(1-y^2)" } }
            boundary."south wall" = { robin = { p = "1+x", gamma = -1e-3 } }
            boundary.out = { dirichlet = 0.1 }
            boundary.wall = "natural"
            boundary.pump = { flow = 0.25 }
            boundary.plate = { floating = 0 }
            material = { k = 2, f = "x*y" }
            region.clay = { k = 1e-9 }
            region.shale = { k = [2e-9, "1e-9*x", 1e-9] }
            physics = "heat"
            geometry = "axisymmetric"
            names.u = { name = "Temperatur", unit = "degC" }
            source = [{ at = [1, 0.5], strength = -2 }]
            solver.rtol = 1e-10"#,
        )
        .unwrap();
        let text = case.to_toml();
        assert_eq!(read(&text).unwrap().to_toml(), text);
        for line in ["gamma = \"2.5*(1-y^2)\"", "p = \"1+x\"", "mesh = \"/somewhere/mesh.h5\"", "scale = 0.001"] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("[output]"));
    }

    #[test]
    fn a_channel_is_a_name_or_a_table() {
        let text = |case: &str| read(case).unwrap().to_toml();
        assert!(text("mesh = 'nozzle'").contains("[mesh]\nchannel = \"nozzle\"\n"));
        let given = "mesh = { channel = 'venturi', throat = 0.25, nodes = 1e6 }\nrefine = 2";
        let written = text(given);
        assert!(written.contains("[mesh]\nchannel = \"venturi\"\nnodes = 1000000.0\nthroat = 0.25"), "{written}");
        assert_eq!(text(&written), written);
    }

    #[test]
    fn paths_are_relative_to_the_case_file() {
        let case = read("mesh = 'a.h5'\n[output]\nresults = '/b.h5'\njson = '../c.json'").unwrap();
        assert_eq!(case.mesh.path(), Some(Path::new("some/a.h5")));
        assert_eq!(case.output.results, Path::new("/b.h5"));
        assert_eq!(case.output.json.as_deref(), Some(Path::new("some/../c.json")));
    }

    #[test]
    fn errors_name_the_line_and_what_is_known() {
        for (text, expected) in [
            (
                "mesh = 'a.h5'\nrefin = 1",
                "some/case.toml, line 2: there is no key 'refin' here: did you mean refine? the keys are mesh, scale, ",
            ),
            (
                "[solver]\nrtol = 1e-8\n\nmagic = 1",
                "line 4: there is no key 'magic' here: the keys are rtol, max_iterations, ",
            ),
            (
                "[boundary]\na = { neumann = 1 }",
                "line 2: 'neumann' is not known: it must be dirichlet, robin, flow, floating or natural",
            ),
            (
                "[boundary]\na = { robin = { q = 1, gamma = 0 } }",
                "line 2: there is no key 'q' here: the keys are p, gamma",
            ),
            (
                "[boundary]\n\na = { dirichlet = 'sin(z)' }",
                "line 3: dirichlet = 'sin(z)': cannot read the expression 'sin(z)': unknown name",
            ),
            ("[boundary]\na = { robin = { p = 1 } }", "line 2: robin = { p = 1 }: the key 'gamma' is missing"),
            ("boundary.a = { flow = 'x' }", "line 1: flow = 'x': must be a number"),
            ("boundary.a = { floating = inf }", "floating = inf }: must be finite"),
            ("boundary.a = { robin = 5 }", "line 1: robin = 5: must be a table"),
            (
                "boundary.a = 'dirichlet'",
                "line 1: boundary.a = 'dirichlet': must be a table with a value, as in { dirichlet = 0 }",
            ),
            ("boundary.a = 1", "line 1: boundary.a = 1: must have another form, which quad8-mpi case shows"),
            ("[region.sand]\nK = 1", "line 2: there is no key 'K' here: did you mean k? the keys are k, f"),
            ("[[source]]\nat = [1, 2]", "the key 'strength' is missing"),
            ("[[source]]\nat = [1]\nstrength = 1", "line "),
            ("[[source]]\nat = [1, nan]\nstrength = 1", "must be finite"),
            ("region = [1]", "line 1: region = [1]: must be a table"),
            ("solver.rtol = 2", "line 1: solver.rtol = 2: must be between 0 and 1"),
            ("solver = { rtol = 'x' }", "line 1: rtol = 'x': must be a number"),
            (
                "solver.preconditioner = 'jacobbi'",
                "'jacobbi' is not known: did you mean jacobi? it must be multigrid or",
            ),
            ("constants.p0 = inf", "line 1: constants.p0 = inf: must be finite"),
            ("constants.density = -1", "line 1: constants.density = -1: must be more than 0"),
            ("material.k = true", "line 1: material.k = true: must be a number or a formula in x and y"),
            ("material.k = [1]", "line 1: material.k = [1]: must have two values (kx, ky) or three (kxx, kxy, kyy)"),
            ("material.f = nan", "line 1: material.f = nan: must be finite"),
            ("geometry = 'round'", "'round' is not known: it must be plane or axisymmetric"),
            ("physics = 'plasma'", "'plasma' is not known: it must be flow"),
            ("[names]\nu = { unit = \"a\\nb\" }", "must be one line without control characters"),
            ("refine = -1", "line 1: refine = -1: must be a whole number, 0 or more"),
            ("refine = 1.5", "line 1: refine = 1.5: must be a whole number, 0 or more"),
            ("[[probe]]\nline = [[0, 0], [1, 0]]\nn = 1", "n must be a whole number from 2 to 10000000"),
            ("[[probe]]\nline = [[0, 0], [1, 0]]\nn = 10000001", "n must be a whole number from 2 to 10000000"),
            ("scale = 0", "line 1: scale = 0: must be more than 0"),
            ("scale = -0.001", "line 1: scale = -0.001: must be more than 0"),
            ("scale = inf", "line 1: scale = inf: must be finite"),
            ("mesh = ", "line 1: mesh: texts stand in quotes"),
            ("mesh = 1", "line 1: mesh = 1: must be a text in quotes"),
            (
                "mesh = { channel = 'ventury' }",
                "there is no channel 'ventury': did you mean venturi? the channels are channel, nozzle, ",
            ),
            ("mesh = { channel = 'y-channel' }", "are for channels (channel, nozzle, "),
            (
                "mesh = { channel = 'venturi', troat = 1 }",
                "line 1: mesh = { channel = 'venturi', troat = 1 }: channel venturi: there is no parameter 'troat': did you mean throat?",
            ),
            (
                "mesh = { channel = 'venturi', throat = 'a' }",
                "must be a text in quotes, or a table with the name of a channel",
            ),
            ("a = 1\na = 2", "line 2: duplicate key"),
            ("solver.threads = 0", "line 1: solver.threads = 0: must be a whole number, 1 or more"),
            ("solver.threads = 1025", "line 1: solver.threads = 1025: must be from 1 to 1024"),
            ("solver.reproducible = 5000", "line 1: solver.reproducible = 5000: must be from 1 to 4096"),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains(['\n', '`']), "{message}");
        }
    }

    #[test]
    fn a_case_that_names_no_mesh_says_which_one_it_means() {
        assert_eq!(read("refine = 1").unwrap().hints, ["some/case.toml names no mesh: this is built-in y-channel"]);
        assert!(read("mesh = 'y-channel'").unwrap().hints.is_empty());
    }
}
