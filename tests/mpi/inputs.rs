//! The inputs of the fuzz targets, each read once.

use std::rc::Rc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use quad8_mpi::parallel::Comm;

use crate::Check;

#[path = "../../fuzz/src/lib.rs"]
mod readers;

/// Most memory that a reader may take (bytes). A reader that takes more ends this process.
const MEMORY: u64 = 2 << 30;

/// Defines a check for each of these readers, and the list of the checks.
macro_rules! read_inputs {
    ($($name:ident),* $(,)?) => {
        $(fn $name(comm: &Rc<Comm>) {
            read_inputs(stringify!($name), |bytes| readers::$name::read(comm, bytes));
        })*
        pub const CHECKS: &[Check] = checks![$($name),*];
    };
}

// A solve starts the threads of the process, before any other reader uses them.
read_inputs![results, case, checkpoint, expression, gmsh, hdf5, npz, partition, record, xlsx];

fn read_inputs(name: &str, read: impl Fn(&[u8])) {
    let folder = readers::files::repository("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(folder).expect("the folder of the inputs");
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("an input").path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    let (soft, hard) = getrlimit(Resource::RLIMIT_DATA).expect("the limit of memory");
    setrlimit(Resource::RLIMIT_DATA, MEMORY.min(hard), hard).expect("a lower limit");
    for path in inputs {
        // Of a failure the last one counts.
        eprintln!("reading {}", path.display());
        read(&std::fs::read(&path).expect("an input"));
    }
    setrlimit(Resource::RLIMIT_DATA, soft, hard).expect("the limit of before");
}
