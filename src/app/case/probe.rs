//! Probes of a case file.

use std::path::PathBuf;

use serde::Deserialize;

use crate::app::case::Case;
use crate::app::probe::{DEFAULT_POINTS, POINTS_OF_LINE, named};
use crate::post::{Probe, ProbePlace};

/// Probe of a case: its name, if it has one, and its place.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct CaseProbe(Option<String>, ProbePlace);

/// Table `[[probe]]` of a case file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: Option<String>,
    at: Option<Vec<[f64; 2]>>,
    line: Option<[[f64; 2]; 2]>,
    n: Option<u32>,
    boundary: Option<String>,
}

impl TryFrom<Table> for CaseProbe {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let [least, most] = POINTS_OF_LINE;
        let place = match (table.at, table.line, table.boundary, table.n) {
            (Some(points), None, None, None) => ProbePlace::Points(points),
            (None, Some(_), None, Some(n)) if !(least..=most).contains(&n) => {
                return Err(format!("n must be a whole number from {least} to {most}"));
            }
            (None, Some(ends), None, n) => ProbePlace::Line(ends, n.unwrap_or(DEFAULT_POINTS)),
            (None, None, Some(name), None) => ProbePlace::Boundary(name),
            _ => return Err("a probe must have one of at, line (with n) and boundary".to_owned()),
        };
        let is_finite = match &place {
            ProbePlace::Points(points) => points.as_flattened().iter().all(|value| value.is_finite()),
            ProbePlace::Line(ends, _) => ends.as_flattened().iter().all(|value| value.is_finite()),
            ProbePlace::Boundary(_) => true,
        };
        if is_finite { Ok(Self(table.name, place)) } else { Err("coordinates must be finite".to_owned()) }
    }
}

impl Case {
    /// Returns the probes.
    pub(crate) fn probes(&self) -> Vec<Probe> {
        named(self.probe.iter().map(|CaseProbe(name, place)| (name.clone(), place.clone())))
    }

    /// Returns the path of the table of the probes.
    pub(crate) fn probe_path(&self) -> PathBuf {
        self.output.results.with_extension("probe.csv")
    }
}
