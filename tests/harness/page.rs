//! Reads recipes from a page of the documentation. Each section with commands is a recipe.
//!
//! A block of `sh` is run. A block of `text` shows lines of its output. Any other block that begins
//! with a comment `# NAME` or `// NAME` is a file, which all later sections see. A comment `<!--
//! needs: TOOL ... -->` names the tools of a section.

/// Recipe: a section of a page with commands.
pub struct Recipe {
    /// Heading in lower case, with underscores.
    pub name: String,
    /// Tools: commands, or modules of Python.
    pub needs: Vec<String>,
    /// Names and contents of the files.
    pub files: Vec<(String, String)>,
    pub script: String,
    pub shown: Vec<String>,
}

/// Returns the sections of a page that have commands.
pub fn recipes(page: &str) -> Vec<Recipe> {
    let mut files = Vec::new();
    let mut recipes = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let blocks = blocks(section);
        files.extend(blocks.iter().filter_map(|(_, text)| Some((file_name(text)?.to_owned(), text.clone()))));
        let script: String = blocks.iter().filter(|(language, _)| language == "sh").map(|(_, text)| &**text).collect();
        let shown = blocks.iter().filter(|(language, _)| language == "text");
        if !script.is_empty() {
            recipes.push(Recipe {
                name: section.lines().next().unwrap_or_default().to_lowercase().replace(' ', "_"),
                needs: needs(section),
                files: files.clone(),
                script,
                shown: shown.flat_map(|(_, text)| text.lines().map(str::to_owned)).collect(),
            });
        }
    }
    recipes
}

/// Returns the language and the text of each fenced block.
fn blocks(section: &str) -> Vec<(String, String)> {
    let fenced = section.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).map(|(l, text)| (l.to_owned(), format!("{text}\n"))).collect()
}

/// Returns the name in the comment at the beginning of a file.
fn file_name(text: &str) -> Option<&str> {
    let comment = text.strip_prefix("# ").or_else(|| text.strip_prefix("// "))?;
    let name = comment.split([':', '\n']).next()?;
    (name.contains('.') && !name.contains(' ')).then_some(name)
}

fn needs(section: &str) -> Vec<String> {
    let comments = section.split("<!-- needs: ").skip(1).filter_map(|rest| rest.split_once(" -->"));
    comments.flat_map(|(tools, _)| tools.split(' ').map(str::to_owned)).collect()
}
