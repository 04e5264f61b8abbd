//! Geometry of the domain of a plane mesh.

use std::f64::consts::PI;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Geometry of the domain that the mesh stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Geometry {
    /// A plane section, the same at any depth; flows are those of 1 m of depth
    #[default]
    Plane,
    /// A body of revolution: x is the distance from its axis, y the position along it
    Axisymmetric,
}

impl Geometry {
    /// Returns whether the domain is plane.
    pub(crate) fn is_plane(&self) -> bool {
        *self == Self::Plane
    }

    /// Returns the measure of the domain at a point of the plane with this x (m): the depth of 1 m
    /// or the circumference 2 pi x.
    pub(crate) fn weight(self, x: f64) -> f64 {
        match self {
            Self::Plane => 1.0,
            Self::Axisymmetric => 2.0 * PI * x,
        }
    }
}
