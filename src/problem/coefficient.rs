//! Coefficient of the equation: a field, or data of the mesh.

use std::fmt;
use std::sync::Arc;

use serde::de::IntoDeserializer;
use serde::de::value::MapAccessDeserializer;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::problem::{Field, OutOfRange, Range};

/// Coefficient k or f of a material. In a case file data of the mesh are `{ data = "NAME" }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Coefficient {
    /// A number, a formula or a function.
    Field(Field),
    /// The values of the elements or of the nodes in the dataset of this name.
    Data(Arc<str>),
}

impl Coefficient {
    /// Returns whether the coefficient is the constant 0.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Self::Field(field) if field.is_zero())
    }

    /// Returns the name of the dataset, if any.
    pub(crate) fn data(&self) -> Option<&str> {
        match self {
            Self::Field(_) => None,
            Self::Data(name) => Some(name),
        }
    }

    /// Returns the value at a point (m) if it is in the range.
    ///
    /// # Errors
    /// [`OutOfRange`] if it is not finite or not in `range`.
    pub(crate) fn checked(
        &self,
        value: f64,
        point: impl Fn() -> [f64; 2],
        range: Range,
    ) -> std::result::Result<f64, OutOfRange> {
        match self {
            Self::Field(field) => field.checked(value, point, range),
            Self::Data(_) => {
                range.check(value).map(|()| value).map_err(|wanted| OutOfRange::at(self, value, point(), wanted))
            }
        }
    }
}

impl From<Field> for Coefficient {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}

/// The constant 0.
impl Default for Coefficient {
    fn default() -> Self {
        Self::Field(Field::default())
    }
}

/// Writes a number, the text of a formula, or the table of a dataset.
impl Serialize for Coefficient {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Field(field) => field.serialize(to),
            Self::Data(name) => {
                let mut table = to.serialize_map(Some(1))?;
                table.serialize_entry("data", &**name)?;
                table.end()
            }
        }
    }
}

/// Table of a coefficient from data of the mesh.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    data: String,
}

impl<'de> Deserialize<'de> for Coefficient {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Coefficient;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number or a formula in x and y, or { data = \"NAME\" }")
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Coefficient, E> {
                Field::deserialize(value.into_deserializer()).map(Coefficient::Field)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Coefficient, E> {
                Field::deserialize(value.into_deserializer()).map(Coefficient::Field)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Coefficient, E> {
                Field::deserialize(text.into_deserializer()).map(Coefficient::Field)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> std::result::Result<Coefficient, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(table)).map(|table| Coefficient::Data(table.data.into()))
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl fmt::Display for Coefficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Data(name) => write!(f, "data '{name}'"),
        }
    }
}
