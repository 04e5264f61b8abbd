//! Checks that results have the same bits on processors with other vector instructions than this
//! one: qemu-user runs the program on processors without AVX, and with AVX2 and FMA.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use hdf5::File;
use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::reproducible::bits;
use crate::test;
use crate::tier::{needs_tool, slow};

/// A case with a formula for each of its data. The functions must not depend on the processor,
/// either.
const CASE: &str = "
    mesh = 'mesh.h5'
    refine = 1
    [material]
    k = '1+exp(-x)+hypot(x,y)'
    f = 'sin(3*x)*exp(0.1*y)+log(2+x^2)+x^2.5'
    [boundary]
    outlet.dirichlet = 'cos(y)+tanh(x)+atan2(y,1+x)'";

pub fn tests() -> Vec<Trial> {
    let qemu = Command::new("qemu-x86_64").arg("--version").stdout(Stdio::null()).status();
    let missing = match (cfg!(target_arch = "x86_64"), qemu) {
        (true, Ok(_)) => None,
        (true, Err(_)) => Some("no qemu-x86_64: apt-get install qemu-user"),
        (false, _) => Some("needs x86-64"),
    };
    [
        test("a_processor_without_avx_gives_the_same_bits", || same_bits("Nehalem")),
        test("a_processor_with_avx2_gives_the_same_bits", || same_bits("Haswell")),
    ]
    .map(|test| needs_tool(slow(test), missing))
    .into()
}

fn same_bits(processor: &str) {
    let [here, there] = ["", &format!("qemu-x86_64 -cpu {processor} ")].map(solve);
    assert!(here.len() > 12);
    let differing: Vec<_> = here.iter().filter(|(name, bits)| there.get(*name) != Some(*bits)).collect();
    assert!(differing.is_empty(), "{:?}", differing.iter().map(|(name, _)| name).collect::<Vec<_>>());
}

/// Solves the case with a prefix of the command line. Returns the bits of all datasets.
fn solve(prefix: &str) -> BTreeMap<String, Vec<u64>> {
    let folder = Folder::with(&Mesh::rectangle(16, 8));
    fs::write(folder.path("case.toml"), CASE).unwrap();
    let line = format!("exec {prefix}\"$0\" \"$@\"");
    folder.run_in_shell(&line, &["case.toml", "--threads", "2", "-q"]).expect_code(0);
    let mut found = BTreeMap::new();
    bits(&File::open(folder.path("quad8.h5")).unwrap(), "", &mut found);
    found
}
