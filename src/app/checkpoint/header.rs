//! Header of a checkpoint: the solve to which it belongs, and the comparison with another one.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::app::case::Case;
use crate::app::checkpoint::node_slabs::NodeSlabs;
use crate::error::Error;
use crate::la::cg::{CgState, Recurrence, ResidualReplacement, Switch};
use crate::mesh::{LocalMesh, MeshFingerprint};
use crate::parallel::Comm;

/// Number of this format; another one cannot be read.
pub(crate) const FORMAT: u32 = 1;

/// Key of the checkpoints of a solve: its case and its mesh. What all of its checkpoints share is
/// computed once, with the first of them.
pub struct CheckpointKey<'a> {
    /// The case, options included.
    pub case: &'a Case,
    input: &'a LocalMesh,
    mesh: &'a LocalMesh,
    fingerprint: OnceCell<MeshFingerprint>,
    slabs: OnceCell<NodeSlabs>,
}

impl<'a> CheckpointKey<'a> {
    /// Creates the key of a case, from the mesh of its input and that after refinement.
    pub fn new(case: &'a Case, input: &'a LocalMesh, mesh: &'a LocalMesh) -> Self {
        Self { case, input, mesh, fingerprint: OnceCell::new(), slabs: OnceCell::new() }
    }

    /// Returns the fingerprint of the mesh of the input. **Collective.**
    fn fingerprint(&self, comm: &Comm) -> &MeshFingerprint {
        self.fingerprint.get_or_init(|| MeshFingerprint::of(comm, self.input))
    }

    /// Returns the exchange of nodal values with the blocks of the file. **Collective.**
    pub(crate) fn slabs(&self, comm: &Comm) -> &NodeSlabs {
        self.slabs.get_or_init(|| NodeSlabs::new(comm, self.mesh))
    }
}

/// Checkpoint without its vectors, stored as TOML.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub format: u32,
    program: String,
    iterations: usize,
    /// The case, as a case file.
    case: String,
    mesh: MeshFingerprint,
    #[serde(default)]
    pub refusal: Option<String>,
    pub recurrence: Recurrence,
    #[serde(default)]
    pub repairs: Vec<ResidualReplacement>,
    #[serde(default)]
    pub switches: Vec<Switch>,
}

/// First difference between two solves.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    pub what: String,
    pub stored: String,
    pub found: String,
}

impl Difference {
    /// Returns the error of a checkpoint that belongs to another solve.
    pub(crate) fn error(self, path: &Path) -> Error {
        let Self { what, stored, found } = self;
        Error::input(format!(
            "{} is the checkpoint of another solve: there, {what} is {stored}, in this run {found}; give this run the \
             case of the checkpoint, or leave --restart out",
            path.display()
        ))
    }
}

impl Header {
    /// Creates the header of a state. **Collective.**
    pub(crate) fn new(comm: &Comm, key: &CheckpointKey, state: &CgState) -> Self {
        Self {
            format: FORMAT,
            program: format!("quad8-mpi {}", env!("CARGO_PKG_VERSION")),
            iterations: state.iterations(),
            case: key.case.text(comm),
            mesh: key.fingerprint(comm).clone(),
            refusal: state.refusal.clone(),
            recurrence: state.recurrence,
            repairs: state.replacements.clone(),
            switches: state.switches.clone(),
        }
    }

    /// Returns the number of refinements of the mesh of the solve; none where the case is damaged.
    pub(crate) fn refinements(&self) -> Option<u32> {
        let case: toml::Table = toml::from_str(&self.case).ok()?;
        u32::try_from(case.get("refine")?.as_integer()?).ok()
    }

    /// Returns the first difference between this stored header and the solve of the key.
    /// **Collective.**
    pub(crate) fn difference(&self, comm: &Comm, key: &CheckpointKey) -> Option<Difference> {
        let case = key.case.text(comm);
        let of_mesh = self.mesh.difference(key.fingerprint(comm)).map(|(what, stored, found)| {
            let what = format!("{what} of the mesh");
            compare_scales(&self.case, &case).unwrap_or(Difference { what, stored, found })
        });
        of_mesh.or(compare(&self.case, &case))
    }
}

const SCALE: &str = "scale";

/// Keys of a case that change neither the system nor the iteration. The coordinates of the mesh
/// contain the scale.
const FREE: [&str; 7] =
    ["mesh", SCALE, "physics", "solver.rtol", "solver.max_iterations", "constants.p0", "constants.density"];

fn is_free(name: &str) -> bool {
    FREE.contains(&name) || name.starts_with("names.") || name.starts_with("mesh.")
}

/// Returns the first relevant key in which two cases differ.
fn compare(stored: &str, found: &str) -> Option<Difference> {
    difference_of(stored, found, |name| !is_free(name))
}

/// Returns the scales of two cases where they differ: they explain different coordinates.
fn compare_scales(stored: &str, found: &str) -> Option<Difference> {
    difference_of(stored, found, |name| name == SCALE)
}

/// Returns the first key for which `counts` holds and in which two cases differ.
fn difference_of(stored: &str, found: &str, counts: impl Fn(&str) -> bool) -> Option<Difference> {
    let [stored, found] = [stored, found].map(|text| {
        let mut values = BTreeMap::new();
        // A text that is not TOML has no values, so all values of the other differ.
        flatten("", toml::Value::Table(toml::from_str(text).unwrap_or_default()), &mut values);
        values
    });
    let names = stored.keys().chain(found.keys()).filter(|name| counts(name));
    let value = |values: &BTreeMap<String, String>, name| values.get(name).map_or("nothing", String::as_str).to_owned();
    names
        .map(|name| (name, value(&stored, name), value(&found, name)))
        .find(|(_, a, b)| a != b)
        .map(|(name, stored, found)| Difference { what: name.clone(), stored, found })
}

/// Collects the values of nested tables by their dotted keys.
fn flatten(name: &str, value: toml::Value, values: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&if name.is_empty() { key } else { format!("{name}.{key}") }, value, values);
            }
        }
        value => {
            values.insert(name.to_owned(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "mesh = 'a'\nrefine = 1\n[boundary.inlet.robin]\np = 0.0\ngamma = 'y'\n[solver]\nrtol = 1e-8";

    #[test]
    fn cases_differ_in_what_changes_the_system() {
        let other = |from: &str, to: &str| compare(CASE, &CASE.replace(from, to));
        assert_eq!(other("1e-8", "1e-12"), None);
        assert_eq!(other("'a'", "'b'"), None);
        assert_eq!(other("refine = 1", "refine = 1\nphysics = 'heat'\nnames.u.unit = 'degC'"), None);
        assert_eq!(other("refine", "scale = 0.5\nrefine"), None);
        for (from, to, what, stored, found) in [
            ("refine = 1", "refine = 2", "refine", "1", "2"),
            ("'y'", "'2*y'", "boundary.inlet.robin.gamma", "\"y\"", "\"2*y\""),
            ("[solver]", "[boundary]\nwall.dirichlet = 0\n[solver]", "boundary.wall.dirichlet", "nothing", "0"),
        ] {
            let difference = Difference { what: what.into(), stored: stored.into(), found: found.into() };
            assert_eq!(other(from, to), Some(difference));
        }
    }

    #[test]
    fn numbers_come_back_with_the_same_bits() {
        let repair = ResidualReplacement { iteration: 3, recurrence: 1.0 / 3.0, true_residual: 5e-324, is_fault: true };
        let header = Header {
            format: FORMAT,
            program: "quad8-mpi".into(),
            iterations: 7,
            case: CASE.into(),
            mesh: MeshFingerprint::default(),
            refusal: Some("a factorisation would take 3 GB".into()),
            recurrence: Recurrence {
                scale: 0.1 + 0.2,
                r_mr: 1.234_567_890_123_456_7e-200,
                restarts: 2,
                is_precise: true,
            },
            repairs: vec![repair],
            switches: vec![Switch { iteration: 5, reason: "r.Mr = -1e-3".into() }],
        };
        let read: Header = toml::from_str(&toml::to_string(&header).unwrap()).unwrap();
        assert_eq!((read.recurrence, &read.case), (header.recurrence, &header.case));
        assert_eq!((&read.repairs, &read.switches), (&header.repairs, &header.switches));
        assert_eq!(read.refusal, header.refusal);
        assert_eq!((read.refinements(), Header { case: "refine = -1".into(), ..read }.refinements()), (Some(1), None));
    }
}
