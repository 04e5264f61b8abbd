#![no_main]

use quad8_mpi_fuzz::xlsx::read;

mod alone;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alone::with_comm(|comm| read(comm, bytes)));
