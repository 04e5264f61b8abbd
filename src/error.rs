//! Error of the program: exit code, message and place.

use std::fmt;

/// Result of an operation that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Solved.
    Success = 0,
    /// The iteration did not converge; the results are written and marked.
    NotConverged = 1,
    /// Bad input or usage.
    Input = 2,
    /// A file could not be read or written.
    Io = 3,
    /// A failure inside the program.
    Internal = 4,
    /// Stopped on request before the end; another run can continue.
    Checkpointed = 5,
}

/// Error with its exit code, its message and the place in the mesh that it names. The message says
/// what is wrong, with values, and the remedy.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    code: ExitCode,
    message: String,
    place: Option<[u64; 2]>,
    elements: Vec<u64>,
    nodes: Vec<u64>,
}

impl Error {
    /// Creates an error from its exit code and its message.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, elements: Vec::new(), nodes: Vec::new() }
    }

    /// Creates an error of the input or of the usage.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Input, message)
    }

    /// Creates an error of reading or writing a file.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Io, message)
    }

    /// Creates an error of the program itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Internal, message)
    }

    /// Sets the element (or the first node of an edge) and the node (or 0) that order the errors of
    /// several ranks.
    #[must_use]
    pub fn at(self, element: u64, node: u64) -> Self {
        Self { place: Some([element, node]), ..self }
    }

    /// Lists the elements and the nodes of the input that the message contains, so that names in
    /// the mesh file can be added to it.
    #[must_use]
    pub fn mentioning(self, elements: &[u64], nodes: &[u64]) -> Self {
        Self { elements: elements.to_vec(), nodes: nodes.to_vec(), ..self }
    }

    /// Appends a note to the message.
    #[must_use]
    pub(crate) fn with_note(self, note: &str) -> Self {
        Self { message: format!("{}; {note}", self.message), ..self }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> ExitCode {
        self.code
    }

    /// Returns the place by which the errors of several ranks are ordered: the lowest is reported,
    /// so that the message does not depend on the number of ranks.
    pub(crate) fn place(&self) -> Option<[u64; 2]> {
        self.place
    }

    /// Returns the elements and the nodes of the input that the message contains.
    pub(crate) fn mentioned(&self) -> (&[u64], &[u64]) {
        (&self.elements, &self.nodes)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl ExitCode {
    pub(crate) fn from_i32(code: i32) -> Self {
        match code {
            0 => Self::Success,
            1 => Self::NotConverged,
            2 => Self::Input,
            3 => Self::Io,
            5 => Self::Checkpointed,
            _ => Self::Internal,
        }
    }
}
