//! Hints for MPI-IO and the alignment of datasets, from a variable of the environment.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use hdf5::plist::file_access::FileAccessBuilder;
use mpi::ffi::MPI_Comm;

use crate::error::{Error, Result};
use crate::io::hdf5::transfers::{Hint, Info};
use crate::parallel::Comm;

/// Variable with `KEY=VALUE,...`: hints for MPI-IO, and [`ALIGNMENT`].
const VARIABLE: &str = "QUAD8_MPI_IO_HINTS";
/// Key of the alignment (bytes) of datasets that are no smaller.
const ALIGNMENT: &str = "alignment";
/// Largest alignment (bytes), 1 TiB.
const LARGEST_ALIGNMENT: u64 = 1 << 40;

/// Whether [`Hints::read`] found hints. They come from the environment, which does not change.
static ARE_GIVEN: AtomicBool = AtomicBool::new(false);

/// Tests whether rank 0 has given hints to the files that are open. The same on every rank.
pub fn are_given() -> bool {
    ARE_GIVEN.load(Relaxed)
}

/// Hints of rank 0.
pub struct Hints {
    alignment: Option<u64>,
    info: Option<Info>,
}

impl Hints {
    /// Reads the hints of rank 0. **Collective.**
    ///
    /// # Errors
    /// The variable is no list of hints, or MPI does not take one of them; the same on every rank.
    pub fn read(comm: &Comm) -> Result<Self> {
        let text = std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().into_owned();
        let text = comm.broadcast_strings(if comm.is_root() { vec![text] } else { Vec::new() }).concat();
        ARE_GIVEN.store(!text.is_empty(), Relaxed);
        let (alignment, hints) = parse(&text)?;
        let refused = |e| Error::input(format!("{VARIABLE}: {e}"));
        let info = if hints.is_empty() { Ok(None) } else { Info::new(&hints).map(Some).map_err(refused) };
        Ok(Self { alignment, info: comm.agree(info)? })
    }

    /// Sets the properties of a file that is opened through MPI-IO.
    pub fn apply<'a>(&self, access: &'a mut FileAccessBuilder, comm: MPI_Comm) -> &'a mut FileAccessBuilder {
        if let Some(bytes) = self.alignment {
            access.alignment(bytes, bytes);
        }
        access.mpio(comm, self.info.as_ref().map(Info::handle)).all_coll_metadata_ops(true)
    }
}

/// Splits hints into the alignment and those for MPI-IO.
fn parse(text: &str) -> Result<(Option<u64>, Vec<Hint<'_>>)> {
    let failed = |hint| Error::input(format!("{VARIABLE}: '{hint}' is no hint: give KEY=VALUE,..."));
    let out_of_range = |hint| {
        let range = format!("must be a whole number of bytes from 1 to {LARGEST_ALIGNMENT}");
        Error::input(format!("{VARIABLE}: {hint}: {range}"))
    };
    let (mut alignment, mut hints) = (None, Vec::new());
    for hint in text.split(',').map(str::trim).filter(|hint| !hint.is_empty()) {
        let (key, value) = hint.split_once('=').ok_or_else(|| failed(hint))?;
        if key.is_empty() || value.is_empty() {
            return Err(failed(hint));
        }
        if key == ALIGNMENT {
            let bytes = value.parse().ok().filter(|bytes| (1..=LARGEST_ALIGNMENT).contains(bytes));
            alignment = Some(bytes.ok_or_else(|| out_of_range(hint))?);
        } else {
            hints.push((key, value));
        }
    }
    Ok((alignment, hints))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alignment_is_told_from_hints() {
        let (alignment, hints) = parse("cb_nodes=4, alignment=1048576,striping_unit=1048576").unwrap();
        assert_eq!((alignment, hints), (Some(1 << 20), vec![("cb_nodes", "4"), ("striping_unit", "1048576")]));
        assert_eq!(parse("").unwrap(), (None, vec![]));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["cb_nodes", "=4", "cb_nodes=", "alignment=0", "alignment=1 MiB", "alignment=-1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
