//! Self-contained pages: styles, scripts and data in one file, which loads nothing.

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use colorous::{CIVIDIS, Gradient, INFERNO, VIRIDIS};

/// Parts of a page.
pub struct Document<'a> {
    /// Sections below the title, as HTML.
    pub body: &'a str,
    /// Scripts, which follow the charts and the elements that all pages use.
    pub scripts: &'a [&'a str],
    /// Data for the scripts.
    pub data: &'a Value,
}

impl Document<'_> {
    /// Returns the text of the page. Its policy allows the scripts and the styles of the page and
    /// nothing from outside; the number that marks them depends on the data, so that the data
    /// cannot contain it.
    pub fn write(&self) -> String {
        // A text of the data cannot end its element.
        let data = self.data.to_string().replace('<', "\\u003c");
        let nonce = format!("{:032x}", xxh3_128(data.as_bytes()));
        let shared = [include_str!("vendor/uPlot.iife.min.js"), include_str!("elements.js"), include_str!("charts.js")];
        let scripts: Vec<String> = shared
            .iter()
            .chain(self.scripts)
            .map(|script| format!("<script nonce=\"{nonce}\">\n{script}</script>\n"))
            .collect();
        let styles = [include_str!("vendor/uPlot.min.css"), include_str!("page.css")].concat();
        format!(
            include_str!("page.html"),
            nonce = nonce,
            styles = styles,
            licence = include_str!("vendor/LICENSE_UPLOT"),
            body = self.body,
            data = data,
            scripts = scripts.concat(),
        )
    }
}

/// Returns the colours of each palette, from the smallest value to the largest one, as hexadecimal
/// digits.
pub fn palettes() -> Value {
    const COLOURS: usize = 64;
    let colours = |gradient: Gradient| -> Value {
        (0..COLOURS).map(|i| format!("{:x}", gradient.eval_rational(i, COLOURS))).collect::<String>().into()
    };
    serde_json::json!({ "viridis": colours(VIRIDIS), "cividis": colours(CIVIDIS), "inferno": colours(INFERNO) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_data_cannot_end_its_element() {
        let name = "</script><script>alert(1)</script><!-- {body}";
        let data = serde_json::json!({ "name": name });
        let page = Document { body: "<p></p>", scripts: &["let a;"], data: &data }.write();
        let (_, rest) = page.split_once("id=\"data\">").unwrap();
        let (text, _) = rest.split_once("</script>").unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), data);
        assert!(!page.contains("alert(1)<"));
    }

    #[test]
    fn palettes_hold_colours() {
        assert_eq!(palettes()["viridis"].as_str().map(|colours| (colours.len(), &colours[..6])), Some((384, "440154")));
    }
}
