//! The XDMF description of a results file, which ParaView opens. It holds no
//! data of its own (XDMF Model and Format, xdmf.org).

/// The names of the nodal and of the cell values, with their components.
const NODE_FIELDS: [(&str, usize); 4] = [("u", 1), ("vel_node", 2), ("abs_vel_node", 1), ("pressure_node", 1)];
const CELL_FIELDS: [(&str, usize); 5] = [("vel", 2), ("abs_vel", 1), ("pressure", 1), ("error", 1), ("partition", 1)];

/// The text for a results file called `file`, in the same folder.
pub fn describe(file: &str, nodes: u64, elements: u64, index_bytes: usize) -> String {
    let file = escape(file);
    let item = |path: &str, dimensions: &str, kind: &str, bytes: usize| {
        format!(
            "<DataItem Dimensions=\"{dimensions}\" NumberType=\"{kind}\" Precision=\"{bytes}\" Format=\"HDF\">{file}:/{path}</DataItem>"
        )
    };
    let mut text = format!(
        r#"<?xml version="1.0" ?>
<!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" []>
<Xdmf Version="3.0">
  <Domain>
    <Grid Name="quad8" GridType="Uniform">
      <Topology TopologyType="Quadrilateral_8" NumberOfElements="{elements}">
        {}
      </Topology>
      <Geometry GeometryType="X_Y">
        {}
        {}
      </Geometry>
"#,
        item("quad8", &format!("{elements} 8"), "Int", index_bytes),
        item("x", &nodes.to_string(), "Float", 8),
        item("y", &nodes.to_string(), "Float", 8),
    );
    let mut attribute = |name: &str, center: &str, count: u64, components: usize| {
        // Readers want three components for a vector: the third is zero.
        let (kind, data) = if components == 2 {
            let part = |c: usize| {
                format!(
                    "<DataItem ItemType=\"HyperSlab\" Dimensions=\"{count} 1\"><DataItem Dimensions=\"3 2\" Format=\"XML\">0 {c} 1 1 {count} 1</DataItem>{}</DataItem>",
                    item(name, &format!("{count} 2"), "Float", 8)
                )
            };
            let join = format!(
                "<DataItem ItemType=\"Function\" Function=\"JOIN($0, $1, 0*$0)\" Dimensions=\"{count} 3\">\n          {}\n          {}\n        </DataItem>",
                part(0),
                part(1)
            );
            ("Vector", join)
        } else if name == "partition" {
            ("Scalar", item(name, &count.to_string(), "Int", 4))
        } else {
            ("Scalar", item(name, &count.to_string(), "Float", 8))
        };
        text += &format!(
            "      <Attribute Name=\"{name}\" AttributeType=\"{kind}\" Center=\"{center}\">\n        {data}\n      </Attribute>\n"
        );
    };
    for (name, components) in NODE_FIELDS {
        attribute(name, "Node", nodes, components);
    }
    for (name, components) in CELL_FIELDS {
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
        let text = describe("a&b.h5", 21, 4, 4);
        for wanted in [
            r#"<DataItem Dimensions="4 8" NumberType="Int" Precision="4" Format="HDF">a&amp;b.h5:/quad8</DataItem>"#,
            r#"<DataItem Dimensions="21" NumberType="Float" Precision="8" Format="HDF">a&amp;b.h5:/x</DataItem>"#,
            r#"<Attribute Name="vel" AttributeType="Vector" Center="Cell">"#,
            r#"NumberOfElements="4""#,
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert_eq!(text.matches("<DataItem").count(), text.matches("</DataItem>").count());
    }
}
