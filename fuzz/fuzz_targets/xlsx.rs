//! No bytes may make the reader panic or take memory beyond their size.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = quad8_mpi::io::mesh::xlsx::parse(bytes);
});
