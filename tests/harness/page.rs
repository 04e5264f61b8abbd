//! Reads the sections and blocks of a page of the documentation.
//!
//! A block of `sh` is run. A block of `python`, `toml` or `geo` whose first line is a comment
//! `# NAME` or `// NAME` is a file, which all later sections see, too. Any other block of `python`
//! is run. A block of `text` shows lines of the output. A comment on the line before a block keeps
//! it from being run: `<!-- not run: REASON -->` or `<!-- run by: TEST -->`. In a section
//! `<!-- needs: TOOL ... -->` names tools, and `<!-- slow -->` leaves it to `tests/run.sh --all`.

/// Section of a page, from one heading of the second level to the next.
pub struct Section {
    /// Heading in lower case, with underscores; `introduction` before the first one.
    pub name: String,
    pub text: String,
    pub blocks: Vec<Block>,
}

/// Fenced block.
pub struct Block {
    pub language: String,
    pub text: String,
    pub mark: Option<Mark>,
}

/// Comment before a block that is not run here.
pub enum Mark {
    NotRun,
    RunBy(String),
}

/// Returns the sections of a page.
pub fn sections(page: &str) -> Vec<Section> {
    let section = |(i, text): (usize, &str)| {
        let heading = if i == 0 { "introduction" } else { text.lines().next().unwrap_or_default() };
        let name = heading.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_");
        Section { name, text: text.to_owned(), blocks: blocks(text) }
    };
    page.split("\n## ").enumerate().map(section).collect()
}

fn blocks(section: &str) -> Vec<Block> {
    let (mut blocks, mut mark) = (Vec::new(), None);
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside = lines.by_ref().take_while(|line| *line != "```");
            let text = inside.map(|line| format!("{line}\n")).collect();
            blocks.push(Block { language: language.to_owned(), text, mark: mark.take() });
        } else if let Some(reason) = comment(line, "not run: ") {
            mark = (!reason.is_empty()).then_some(Mark::NotRun);
        } else if let Some(test) = comment(line, "run by: ") {
            mark = Some(Mark::RunBy(test.to_owned()));
        } else if comment(line, "").is_none() {
            mark = None;
        }
    }
    blocks
}

/// Returns the rest of a line that is a comment with this beginning.
fn comment<'a>(line: &'a str, beginning: &str) -> Option<&'a str> {
    line.strip_prefix("<!-- ")?.strip_prefix(beginning)?.strip_suffix(" -->")
}

impl Section {
    /// Returns the commands of the section, in order; empty without any.
    pub fn script(&self) -> String {
        self.blocks.iter().filter_map(Block::command).collect()
    }

    /// Returns the lines of output that the section shows.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        let shown = self.blocks.iter().filter(|block| block.language == "text" && block.mark.is_none());
        shown.flat_map(|block| block.text.lines())
    }

    /// Returns commands or modules of Python that the section needs.
    pub fn needs(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| comment(line, "needs: ")).flat_map(|tools| tools.split(' ')).collect()
    }

    pub fn is_slow(&self) -> bool {
        self.text.lines().any(|line| comment(line, "slow").is_some())
    }
}

impl Block {
    /// Returns what a shell is to run, if the block is run.
    fn command(&self) -> Option<String> {
        match (&*self.language, &self.mark) {
            ("sh", None) => Some(self.text.clone()),
            ("python", None) if self.file_name().is_none() => Some(format!("python3 - <<'END'\n{}END\n", self.text)),
            _ => None,
        }
    }

    /// Returns the name in the comment with which a file begins.
    pub fn file_name(&self) -> Option<&str> {
        let is_file = self.mark.is_none() && !["sh", "text", ""].contains(&&*self.language);
        let comment = self.text.strip_prefix("# ").or_else(|| self.text.strip_prefix("// "))?;
        let name = comment.split([':', '\n']).next()?;
        (is_file && name.contains('.') && !name.contains(' ')).then_some(name)
    }
}
