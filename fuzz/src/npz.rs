//! Reader of npz files.

use std::rc::Rc;

use quad8_mpi::parallel::Comm;

/// Reads a file. No bytes may make the reader panic or take memory beyond their size.
pub fn read(_: &Rc<Comm>, bytes: &[u8]) {
    let _ = quad8_mpi::io::mesh::npz::parse(bytes);
}
