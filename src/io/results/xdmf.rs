//! XDMF description of a results file for ParaView. The data stays in the results file (XDMF Model
//! and Format, xdmf.org).
//!
//! The three readers of ParaView, VTK and pyvista accept one dataset for each array. ParaView 5.11
//! crashes where coordinates or vectors are composed by `X_Y` or `JOIN`. Hence points and vectors
//! come from the datasets of [`columns`].

use crate::io::results::columns;
use crate::io::results::columns::POINTS;
use crate::io::results::fields::{CELL_FIELDS, NODE_FIELDS};

/// Returns the description of a results file called `file` in the same folder, with the fields for
/// which `has` is true; its indices and its fields have so many bytes.
pub fn describe(
    file: &str,
    nodes: u64,
    elements: u64,
    [index_bytes, real_bytes]: [usize; 2],
    has: impl Fn(&str) -> bool,
) -> String {
    let file = escape(file);
    let item = |path: &str, dimensions: &str, kind: &str, bytes: usize| {
        format!(
            "<DataItem Dimensions=\"{dimensions}\" NumberType=\"{kind}\" Precision=\"{bytes}\" Format=\"HDF\">{file}:/{path}</DataItem>"
        )
    };
    // pyvista requires a time value.
    let mut text = format!(
        r#"<?xml version="1.0" ?>
<!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" []>
<Xdmf Version="3.0">
  <Domain>
    <Grid Name="quad8" GridType="Uniform">
      <Time Value="0"/>
      <Topology TopologyType="Quadrilateral_8" NumberOfElements="{elements}">
        {}
      </Topology>
      <Geometry GeometryType="XYZ">
        {}
      </Geometry>
"#,
        item("quad8", &format!("{elements} 8"), "Int", index_bytes),
        item(POINTS, &format!("{nodes} 3"), "Float", 8),
    );
    let mut attribute = |name: &str, center: &str, count: u64, components: usize| {
        let (kind, data) = match (name, components) {
            (_, 2) => ("Vector", item(&columns::path(name), &format!("{count} 3"), "Float", real_bytes)),
            ("partition", _) => ("Scalar", item(name, &count.to_string(), "Int", 4)),
            _ => ("Scalar", item(name, &count.to_string(), "Float", real_bytes)),
        };
        text += &format!(
            "      <Attribute Name=\"{name}\" AttributeType=\"{kind}\" Center=\"{center}\">\n        {data}\n      </Attribute>\n"
        );
    };
    for (name, components) in NODE_FIELDS.into_iter().filter(|(name, _)| has(name)) {
        attribute(name, "Node", nodes, components);
    }
    for (name, components) in CELL_FIELDS.into_iter().filter(|(name, _)| has(name)) {
        attribute(name, "Cell", elements, components);
    }
    text += "    </Grid>\n  </Domain>\n</Xdmf>\n";
    text
}

fn escape(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dataset_is_described_with_its_size() {
        let text = describe("a&b.h5", 21, 4, [4, 8], |name| !name.starts_with("flux"));
        for wanted in [
            r#"<DataItem Dimensions="4 8" NumberType="Int" Precision="4" Format="HDF">a&amp;b.h5:/quad8</DataItem>"#,
            r#"<DataItem Dimensions="21 3" NumberType="Float" Precision="8" Format="HDF">a&amp;b.h5:/vtk/points</DataItem>"#,
            r#"<DataItem Dimensions="4 3" NumberType="Float" Precision="8" Format="HDF">a&amp;b.h5:/vtk/vel</DataItem>"#,
            r#"<Attribute Name="vel" AttributeType="Vector" Center="Cell">"#,
            r#"NumberOfElements="4""#,
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert!(!text.contains("flux"), "{text}");
        assert_eq!(text.matches("<DataItem").count(), text.matches("</DataItem>").count());
    }
}
