//! Everything that can go wrong, each with its values and the remedy.

use std::path::PathBuf;

/// Result of anything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What the process reports to the shell.
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
    /// Stopped before the end, as somebody wished; another run can go on.
    Checkpointed = 5,
}

/// An error; one variant, one cause.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("'{word}' is neither a file nor a subcommand: did you mean {near}?")]
    NoSubcommand { word: PathBuf, near: String },
    #[error("cannot open {path}: {cause}")]
    Open { path: PathBuf, cause: String },
    #[error(
        "{path} {claim}: quad8-mpi reads HDF5 (datasets x, y, quad8), Gmsh MSH 4.1 (.msh), NumPy (.npz with x, y, \
         quad8) and spreadsheets (.xlsx with the sheets coord, conec). Others can be converted: \
         meshio convert {path} mesh.msh --output-format gmsh"
    )]
    UnknownFormat { path: PathBuf, claim: String },
    #[error("{path} cannot be used as a {format} mesh: {flaw}")]
    BadFile { path: PathBuf, format: &'static str, flaw: String },
    #[error("dataset '{name}' of {path} claims {claimed} bytes, the file holds {stored} of them")]
    NotThere { path: PathBuf, name: String, claimed: u64, stored: u64 },
    #[error("{path} has no dataset '{name}': a mesh needs x (N), y (N) and quad8 (E, 8); found: {found}")]
    MissingDataset { path: PathBuf, name: &'static str, found: String },
    #[error("dataset '{name}' of {path} has shape {shape:?}: expected {expected}")]
    BadShape { path: PathBuf, name: String, shape: Vec<usize>, expected: String },
    #[error("dataset '{name}' of {path} holds {found}: expected {expected}")]
    BadType { path: PathBuf, name: String, found: String, expected: &'static str },
    #[error("cannot read dataset '{name}' of {path}: {cause}")]
    Read { path: PathBuf, name: String, cause: String },
    #[error("the mesh has no elements")]
    EmptyMesh,
    #[error("the built-in mesh {name} cannot be read: {flaw}")]
    BuiltIn { name: &'static str, flaw: String },
    #[error(
        "the mesh has {count} {what}, more than the {limit} that METIS with 32-bit numbers takes: \
         start from a coarser mesh and use --refine"
    )]
    TooLarge { what: &'static str, count: u64, limit: u64 },

    #[error(
        "{elements} elements on {ranks} ranks are more than the {limit} a rank that can be numbered: use more ranks"
    )]
    CrowdedRank { elements: u64, ranks: usize, limit: u64 },

    #[error("element {element}: node {node} is out of range, the mesh has {nodes} nodes (indices start at 0)")]
    NodeOutOfRange { element: u64, node: i64, nodes: u64 },
    #[error("element {element}: node {node} occurs twice among its nodes {nodes:?}")]
    RepeatedNode { element: u64, node: u64, nodes: [u64; 8] },
    #[error("element {element}: the coordinates ({x}, {y}) of its node {node} are not finite")]
    NotFiniteCoordinates { element: u64, node: u64, x: f64, y: f64 },
    #[error(
        "element {element}: the Jacobian determinant is {determinant:?} m^2 at Gauss point {point} (x = {x}, y = {y}), \
         it must be positive: the element is folded or degenerate; its nodes are {nodes:?}"
    )]
    BadJacobian { element: u64, point: usize, determinant: f64, x: f64, y: f64, nodes: [u64; 8] },
    #[error(
        "element {parent} of the mesh is folded near x = {x}, y = {y}: --refine {levels} meets a Jacobian determinant of \
         {determinant:?} m^2 there, which the Gauss points of the element itself do not see; move its middle nodes \
         nearer to the middles of their edges"
    )]
    FoldedChild { parent: u64, levels: u32, determinant: f64, x: f64, y: f64 },
    #[error(
        "element {element}: its edge from node {from} to node {to} belongs to {count} elements, \
         an edge can have two at most"
    )]
    CrowdedEdge { element: u64, from: u64, to: u64, count: usize },
    #[error(
        "element {element}: its edge from node {from} to node {to} has middle node {middle}, \
         another element has {other} there: the mesh is torn or not conforming"
    )]
    TwoMiddles { element: u64, from: u64, to: u64, middle: u64, other: u64 },
    #[error(
        "element {element}: node {node} is the middle of one of its edges and has another role elsewhere \
         (a corner, or the middle of another edge): the mesh is not conforming"
    )]
    MixedRoles { element: u64, node: u64 },
    #[error(
        "no {which} found: no boundary edge lies at the {extreme} x ({x} m) within 1e-3 of its length; \
         this mesh has no boundary tags, so its {which} must be a straight edge at the {extreme} x"
    )]
    NoBoundary { which: &'static str, extreme: &'static str, x: f64 },
    #[error(
        "the mesh names the boundaries {names}: without an inlet and an outlet among them, say what holds where with \
         --bc NAME=dirichlet:VALUE or --bc NAME=robin:P,GAMMA"
    )]
    NoDefaultConditions { names: String },
    #[error(
        "boundary '{name}' has an edge from node {from} to node {to}, the mesh has {nodes} nodes (indices start at 0)"
    )]
    TagOutOfRange { name: String, from: u64, to: u64, nodes: u64 },
    #[error("boundary '{name}' has an edge from node {from} to node {to} (indices start at 0), which no element has")]
    TagNotAnEdge { name: String, from: u64, to: u64 },
    #[error(
        "the edge from node {from} to node {to} (indices start at 0) belongs to two boundaries, '{first}' and \
         '{second}': an edge can have one name"
    )]
    TwoNames { from: u64, to: u64, first: String, second: String },
    #[error(
        "boundary '{name}' has {inside} of its {edges} edges inside the domain, one of them from {edge} \
         (indices start at 0): its condition {condition} needs the outside on one \
         side of an edge; use dirichlet:VALUE or natural on this boundary (--bc \"{name}=natural\"), or take these edges \
         out of it"
    )]
    RobinInside { name: String, condition: String, edges: u64, inside: u64, from: u64, to: u64, edge: String },
    #[error("the mesh has {count} names of one kind, more than the {limit} that can be told apart")]
    TooManyNames { count: usize, limit: usize },
    #[error(
        "the piece of the domain that holds element {element} touches no Dirichlet edge and no Robin edge with p > 0, \
         so its solution is not unique: {extent}; connect it, hold it by a condition, or remove it"
    )]
    FloatingPiece { element: u64, extent: String },

    #[error(
        "cannot read the expression '{text}': {what} at position {position}; it may use numbers, + - * / ^, ( ), \
         the variables x and y (m), pi, e, and {functions}"
    )]
    BadExpression { text: String, what: String, position: usize, functions: String },

    #[error("{path}, line {line}: {cause}")]
    BadCase { path: PathBuf, line: usize, cause: String },
    #[error("'{text}' is no condition: it must be dirichlet:VALUE, robin:P,GAMMA or natural")]
    BadCondition { text: String },
    #[error("'{text}' does not say which boundary: it must be NAME=CONDITION, as in inlet=robin:0,2.5")]
    NoBoundaryName { text: String },
    #[error("--bc is given twice for boundary '{name}'")]
    ConditionTwice { name: String },
    #[error("there is no {kind} '{name}': {hint}the mesh {known}")]
    UnknownName { kind: &'static str, name: String, hint: String, known: String },
    #[error("{what} = {cause}")]
    BadValue { element: u64, what: String, cause: String },

    #[error("the output {path} is an input of this run: choose another name with -o")]
    OutputIsInput { path: PathBuf },
    #[error("{path} would hold HDF5, which its ending does not say: {remedy}")]
    OtherEnding { path: PathBuf, remedy: String },
    #[error("{path} would be two files in one: give the results and the record other names")]
    OutputTwice { path: PathBuf },
    #[error(
        "another run is at work on {path} ({owner}): wait until it has ended, or choose another name with -o; if its host \
         is lost, remove {lock}"
    )]
    Claimed { path: PathBuf, owner: String, lock: PathBuf },
    #[error("--refine {levels} makes {elements} elements, more than this build can number")]
    RefinedTooFar { levels: u32, elements: u128 },
    #[error("cannot write {path}: {cause}")]
    Write { path: PathBuf, cause: String },

    #[error("{path} has no dataset '{name}': {why}; found: {found}")]
    NotResults { path: PathBuf, name: &'static str, why: &'static str, found: String },
    #[error("{path} is not an HDF5 file: a picture is drawn from a results file (OUT.h5)")]
    NotHdf5 { path: PathBuf },
    #[error("{path} is not a run record of quad8-mpi (--json writes them): {cause}")]
    NotRecord { path: PathBuf, cause: String },
    #[error("the run in {path} did not converge, so its times say nothing: leave it out")]
    NotConverged { path: PathBuf },
    #[error("one rank alone has nobody to send messages to: start two or more, as in mpirun -n 2")]
    NoMessages,
    #[error("these runs are no scaling study: {why}")]
    NoStudy { why: String },
    #[error("a picture is a .png or an .svg file: {path} is neither")]
    PictureFormat { path: PathBuf },
    #[error("'{name}' holds no finite values within a finite range: there is nothing to draw")]
    NothingToShow { name: &'static str },
    #[error("the mesh is {width:?} m wide and {height:?} m high: a picture needs from 1e-37 to 1e37 m of both")]
    NoPicture { width: f64, height: f64 },
    #[error("{path} is damaged, or no partition of quad8-mpi: {cause}; make it again with quad8-mpi partition")]
    DamagedPartition { path: PathBuf, cause: String },
    #[error(
        "{path} is the partition of another mesh: that one has {stored} {what}, this one {found}; \
         make one of this mesh with quad8-mpi partition"
    )]
    PartitionOfOtherMesh { path: PathBuf, what: &'static str, stored: u64, found: u64 },
    #[error(
        "{path} has {parts} parts and this run {ranks} ranks: start {parts} ranks, \
         or make another one with quad8-mpi partition -n {ranks}"
    )]
    PartitionForOtherRanks { path: PathBuf, parts: u64, ranks: u64 },
    #[error("no weights '{name}' (E) in {path}: {cause}")]
    NoWeights { path: PathBuf, name: String, cause: String },
    #[error("element {element}: its weight is {weight}, weights must be positive and finite")]
    BadWeight { element: u64, weight: f64 },

    #[error("{path} is damaged, or no checkpoint of quad8-mpi: {cause}")]
    DamagedCheckpoint { path: PathBuf, cause: String },
    #[error(
        "{path} is the checkpoint of something else: there, {what} is {stored}, in this run {found}; \
         give this run the case of the checkpoint, or leave --restart out"
    )]
    OtherCheckpoint { path: PathBuf, what: String, stored: String, found: String },
    #[error(
        "stopped by {reason} after iteration {iteration}, relative residual {relative:.3e}: \
         to go on, start the same command with --restart {path}"
    )]
    Checkpointed { reason: String, iteration: usize, relative: f64, path: PathBuf },
    #[error(
        "stopped by {reason} before the stage '{stage}': there is no iterate to save; start the same command again"
    )]
    Stopped { reason: String, stage: &'static str },

    #[error(
        "--reproducible={logical} makes {logical} parts, too few for {ranks} ranks: use --reproducible={ranks} (and the \
         same number for all runs that are to have the same bits), or at most {logical} ranks"
    )]
    TooFewLogicalRanks { logical: usize, ranks: usize },
    #[error("--reproducible does not go with {option}: leave one of them out")]
    NotReproducible { option: &'static str },
    #[error(
        "stopped by {reason} after iteration {iteration}: with --reproducible there are no checkpoints; start the same \
         command again"
    )]
    StoppedForGood { reason: String, iteration: usize },

    #[error(
        "the launcher started {processes} processes, but each of them is alone for MPI: the launcher does not belong to \
         {library}, which this program is linked to; {remedy}"
    )]
    WrongLauncher { processes: u32, library: String, remedy: &'static str },
    #[error("cannot watch signals: {cause}")]
    Signals { cause: String },
    #[error("{variable}={text} is no time: give the seconds after which the job ends, or 0 for never")]
    BadTime { variable: &'static str, text: String },
    #[error("{path} was changed, replaced or deleted while it was read: run again when it is complete")]
    ChangedMeanwhile { path: PathBuf },

    #[error("METIS failed: {cause}")]
    Metis { cause: String },
    #[error("cannot start {threads} threads: {cause}")]
    Threads { threads: usize, cause: String },
    #[error("an internal check failed: {what} (please report this)")]
    Inconsistent { what: String },

    /// An error whose message is written where the check stands, and every error that ranks have agreed on.
    #[error("{message}")]
    Message { code: ExitCode, message: String, place: Option<[u64; 2]>, elements: Vec<u64>, nodes: Vec<u64> },
}

impl Error {
    /// Creates an error from its exit code and its message: what is wrong, with values, and the remedy.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self::Message { code, message: message.into(), place: None, elements: Vec::new(), nodes: Vec::new() }
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

    /// Sets the element (or the first node of an edge) and the node (or 0) that order the errors of several ranks.
    #[must_use]
    pub fn at(mut self, element: u64, node: u64) -> Self {
        if let Self::Message { place, .. } = &mut self {
            *place = Some([element, node]);
        }
        self
    }

    /// Lists the elements and the nodes of the input that the message contains, so that names in the mesh file can be
    /// added to it.
    #[must_use]
    pub fn mentioning(mut self, its_elements: &[u64], its_nodes: &[u64]) -> Self {
        if let Self::Message { elements, nodes, .. } = &mut self {
            (*elements, *nodes) = (its_elements.to_vec(), its_nodes.to_vec());
        }
        self
    }

    /// The exit code that this error stands for.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Message { code, .. } => *code,
            Self::Open { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Claimed { .. }
            | Self::ChangedMeanwhile { .. } => ExitCode::Io,
            Self::Metis { .. }
            | Self::Threads { .. }
            | Self::Inconsistent { .. }
            | Self::BuiltIn { .. }
            | Self::Signals { .. } => ExitCode::Internal,
            Self::Checkpointed { .. } | Self::Stopped { .. } | Self::StoppedForGood { .. } => ExitCode::Checkpointed,
            _ => ExitCode::Input,
        }
    }

    /// The same error in terms of the mesh before `levels` refinements.
    pub(crate) fn before_refinement(self, levels: u32) -> Self {
        match self {
            Self::BadJacobian { element, determinant, x, y, .. } if levels > 0 => {
                Self::FoldedChild { parent: element >> (2 * levels), levels, determinant, x, y }
            }
            other => other,
        }
    }

    /// The elements and the nodes of the input that the message names.
    pub(crate) fn mentioned(&self) -> (Vec<u64>, Vec<u64>) {
        match self {
            Self::Message { elements, nodes, .. } => (elements.clone(), nodes.clone()),
            Self::CrowdedEdge { element, from, to, .. } => (vec![*element], vec![*from, *to]),
            Self::TwoMiddles { element, from, to, middle, other } => {
                (vec![*element], vec![*from, *to, *middle, *other])
            }
            Self::MixedRoles { element, node }
            | Self::RepeatedNode { element, node, .. }
            | Self::NotFiniteCoordinates { element, node, .. } => (vec![*element], vec![*node]),
            Self::TagNotAnEdge { from, to, .. } | Self::TwoNames { from, to, .. } => (Vec::new(), vec![*from, *to]),
            Self::NodeOutOfRange { element, .. }
            | Self::BadJacobian { element, .. }
            | Self::FoldedChild { parent: element, .. }
            | Self::FloatingPiece { element, .. } => (vec![*element], Vec::new()),
            _ => (Vec::new(), Vec::new()),
        }
    }

    /// The same error with something added to its message.
    pub(crate) fn with_note(self, note: &str) -> Self {
        let (elements, nodes) = self.mentioned();
        Self::Message {
            code: self.exit_code(),
            message: format!("{self}; {note}"),
            place: self.place(),
            elements,
            nodes,
        }
    }

    /// The element it names, and the node where several ranks may name the same
    /// element, or the nodes of the edge it names; of several errors the one with the lowest is reported, so that
    /// the message does not depend on the rank count.
    pub(crate) fn place(&self) -> Option<[u64; 2]> {
        match self {
            Self::CrowdedEdge { element, from: node, .. }
            | Self::TwoMiddles { element, from: node, .. }
            | Self::MixedRoles { element, node } => Some([*element, *node]),
            Self::TagOutOfRange { from, to, .. }
            | Self::TagNotAnEdge { from, to, .. }
            | Self::RobinInside { from, to, .. }
            | Self::TwoNames { from, to, .. } => Some([*from, *to]),
            Self::NodeOutOfRange { element, .. }
            | Self::RepeatedNode { element, .. }
            | Self::NotFiniteCoordinates { element, .. }
            | Self::BadJacobian { element, .. }
            | Self::BadValue { element, .. }
            | Self::BadWeight { element, .. }
            | Self::FoldedChild { parent: element, .. }
            | Self::FloatingPiece { element, .. } => Some([*element, 0]),
            Self::Message { place, .. } => *place,
            _ => None,
        }
    }
}

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
