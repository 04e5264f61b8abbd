//! Conductivity of a material: a scalar, or a symmetric tensor.

use std::fmt;
use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::problem::{Coefficient, Field, split_values};

/// Conductivity k. In a case file a tensor is the list `[kx, ky]` or `[kxx, kxy, kyy]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Conductivity {
    /// The same in all directions.
    Isotropic(Coefficient),
    /// kxx, kxy and kyy.
    Tensor(Box<[Coefficient; 3]>),
}

/// kxy of an isotropic material.
static ZERO: Coefficient = Coefficient::Field(Field::Constant(0.0));

impl Conductivity {
    /// Creates a conductivity from k, from kx and ky, or from kxx, kxy and kyy; none from another
    /// number of components.
    fn from_list(list: Vec<Coefficient>) -> Option<Self> {
        let mut list = list.into_iter();
        match (list.next(), list.next(), list.next(), list.next()) {
            (Some(k), None, ..) => Some(Self::Isotropic(k)),
            (Some(x), Some(y), None, _) => Some(Self::Tensor(Box::new([x, Coefficient::default(), y]))),
            (Some(xx), Some(xy), Some(yy), None) => Some(Self::Tensor(Box::new([xx, xy, yy]))),
            _ => None,
        }
    }

    /// Returns the only component of a scalar (`N` = 1), or kxx, kxy and kyy (`N` = 3).
    pub(crate) fn components<const N: usize>(&self) -> [&Coefficient; N] {
        std::array::from_fn(|i| match self {
            Self::Isotropic(_) if i == 1 => &ZERO,
            Self::Isotropic(k) => k,
            Self::Tensor(components) => &components[i],
        })
    }

    /// Iterates over the components that are given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Coefficient> {
        match self {
            Self::Isotropic(k) => std::slice::from_ref(k).iter(),
            Self::Tensor(components) => components.iter(),
        }
    }

    /// Returns whether k is the same in all directions.
    pub(crate) fn is_isotropic(&self) -> bool {
        matches!(self, Self::Isotropic(_))
    }

    /// Returns the components as they are written: kxy is left out where it is 0.
    fn written(&self) -> Vec<&Coefficient> {
        match self {
            Self::Isotropic(k) => vec![k],
            Self::Tensor(components) => {
                components.iter().enumerate().filter(|(i, k)| *i != 1 || !k.is_zero()).map(|(_, k)| k).collect()
            }
        }
    }
}

/// Returns whether a tensor is positive definite.
pub(crate) fn is_positive_definite([xx, xy, yy]: [f64; 3]) -> bool {
    xx > 0.0 && yy > 0.0 && xx * yy > xy * xy
}

impl From<Field> for Conductivity {
    fn from(k: Field) -> Self {
        Self::Isotropic(k.into())
    }
}

/// Parses the form of the command line: `K`, `KX,KY` or `KXX,KXY,KYY`.
impl FromStr for Conductivity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fields = split_values(text).into_iter().map(str::parse).collect::<Result<Vec<Field>>>()?;
        Self::from_list(fields.into_iter().map(Coefficient::Field).collect())
            .ok_or_else(|| Error::input(format!("'{text}' is no conductivity: it must be {FORMS}")))
    }
}

const FORMS: &str = "K, KX,KY or KXX,KXY,KYY";

impl Serialize for Conductivity {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Isotropic(k) => k.serialize(to),
            Self::Tensor(_) => self.written().serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Conductivity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Conductivity;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(
                    "a number or a formula in x and y, { data = \"NAME\" }, or a list of two of these (kx, ky) or three \
                     (kxx, kxy, kyy)",
                )
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Conductivity, E> {
                Coefficient::deserialize(value.into_deserializer()).map(Conductivity::Isotropic)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Conductivity, E> {
                Coefficient::deserialize(value.into_deserializer()).map(Conductivity::Isotropic)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Conductivity, E> {
                Coefficient::deserialize(text.into_deserializer()).map(Conductivity::Isotropic)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> std::result::Result<Conductivity, A::Error> {
                Coefficient::deserialize(MapAccessDeserializer::new(table)).map(Conductivity::Isotropic)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Conductivity, A::Error> {
                let mut components = Vec::new();
                while let Some(component) = list.next_element()? {
                    components.push(component);
                }
                let found = Conductivity::from_list(components).filter(|k| !k.is_isotropic());
                found.ok_or_else(|| de::Error::custom("must have two values (kx, ky) or three (kxx, kxy, kyy)"))
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl fmt::Display for Conductivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let components = self.written().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if self.is_isotropic() { f.write_str(&components) } else { write!(f, "[{components}]") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_and_tensors_are_read_and_written() {
        let read = |text: &str| text.parse::<Conductivity>().map(|k| k.to_string()).map_err(|e| e.to_string());
        assert_eq!(read("2"), Ok("2".into()));
        assert_eq!(read("max(x, 1), 0.5*y"), Ok("['max(x, 1)', '0.5*y']".into()));
        assert_eq!(read("2,0,1"), Ok("[2, 1]".into()));
        assert_eq!(read("2, -0.5, 1"), Ok("[2, -0.5, 1]".into()));
        assert_eq!(read("1,2,3,4"), Err("'1,2,3,4' is no conductivity: it must be K, KX,KY or KXX,KXY,KYY".into()));
        assert!(read("1,").is_err_and(|e| e.contains("cannot read the expression ''")));
        #[derive(Deserialize, Serialize)]
        struct Row {
            k: Conductivity,
        }
        for text in [
            "k = 2.0\n",
            "[k]\ndata = \"k\"\n",
            "k = [{ data = \"kx\" }, 1.0]\n",
            "k = \"x\"\n",
            "k = [2.0, 1.0]\n",
            "k = [2.0, \"0.5*x\", 1.0]\n",
        ] {
            let row: Row = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&row).unwrap(), text);
        }
        for text in ["k = []", "k = [1]", "k = [1, 2, 3, 4]"] {
            let message = toml::from_str::<Row>(text).err().unwrap().to_string();
            assert!(message.contains("must have two values (kx, ky) or three (kxx, kxy, kyy)"), "{message}");
        }
    }
}
