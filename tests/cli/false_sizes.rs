//! Files whose headers declare far more than they hold: reading them takes little more memory than
//! reading a valid file of the same format.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use hdf5::{File, H5Type};
use libtest_mimic::Trial;
use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::formats::data;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::test;

/// Memory (KiB) beyond that for a valid file: more than the unpacked size of the largest of these
/// files, far less than their declared sizes.
const SPARE: u64 = 64 << 10;
const LARGEST_FILE: u64 = 256 << 10;

pub fn tests() -> Vec<Trial> {
    let claims = |format: &'static str, proper: &'static str, files: fn() -> Vec<FalseFile>| {
        test(format!("a_file_with_false_sizes_takes_little_memory::{format}"), move || {
            let folder = Folder::new();
            fs::copy(data(proper), folder.path("mesh")).unwrap();
            check(&folder, "mesh", &["mesh"], files());
        })
    };
    [
        test("results_with_false_sizes_take_little_memory", results),
        claims("hdf5", "names.h5", hdf5),
        claims("gmsh", "names.msh", gmsh),
        claims("gmsh_binary", "names-binary.msh", gmsh_binary),
        claims("npz", "names.npz", npz),
        claims("xlsx", "plain.xlsx", xlsx),
    ]
    .into()
}

/// File with a false header, and a part of the expected message; none where the false number has no
/// effect and the file is read.
struct FalseFile {
    bytes: Vec<u8>,
    refusal: Option<&'static str>,
}

fn refused(bytes: Vec<u8>, refusal: &'static str) -> FalseFile {
    FalseFile { bytes, refusal: Some(refusal) }
}

fn read(bytes: Vec<u8>) -> FalseFile {
    FalseFile { bytes, refusal: None }
}

/// Runs the command on the valid file and on each false one.
fn check(folder: &Folder, file: &str, command: &[&str], files: Vec<FalseFile>) {
    let limit = data_size(folder, command) + SPARE;
    folder.run_within(limit, command).expect_code(0);
    if !limits_hold(folder, limit) {
        eprintln!("passed over: this system does not limit memory (ulimit -d)");
        return;
    }
    for (i, FalseFile { bytes, refusal }) in files.into_iter().enumerate() {
        assert!(bytes.len() as u64 <= LARGEST_FILE);
        fs::write(folder.path(file), bytes).unwrap();
        let outcome = folder.run_within(limit, command);
        let code = if refusal.is_some() { 2 } else { 0 };
        assert_eq!(outcome.code, Some(code), "file {i}: {outcome}");
        let errors = outcome.errors();
        assert!(errors.len() == usize::from(refusal.is_some()), "file {i}: {outcome}");
        assert!(errors.iter().zip(refusal).all(|(error, part)| error.contains(part)), "file {i}: {outcome}");
    }
}

/// Returns whether the system ends a program that takes several times its limit.
pub fn limits_hold(folder: &Folder, limit: u64) -> bool {
    static HOLD: OnceLock<bool> = OnceLock::new();
    *HOLD.get_or_init(|| folder.run_within(limit, &["--refine", "3"]).code != Some(0))
}

/// Measures the largest memory of the data (KiB) over several runs: on a busy machine few samples
/// fall into a short run.
fn data_size(folder: &Folder, args: &[&str]) -> u64 {
    (0..3).map(|_| data_size_of_a_run(folder, args)).max().unwrap_or(0)
}

fn data_size_of_a_run(folder: &Folder, args: &[&str]) -> u64 {
    let mut running = folder.start(0, args);
    let mut largest = 0;
    while running.child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap_or_default();
        let size =
            status.lines().find_map(|line| line.strip_prefix("VmData:")?.split_whitespace().next()?.parse().ok());
        largest = largest.max(size.unwrap_or(0));
        thread::sleep(Duration::from_millis(1));
    }
    running.wait().expect_code(0);
    largest
}

/// Creates a dataset without stored values.
fn sparse<T: H5Type>(file: &File, name: &str, shape: &[usize]) {
    if file.link_exists(name) {
        file.unlink(name).unwrap();
    }
    let chunk: Vec<usize> = shape.iter().map(|&n| n.min(1024)).collect();
    file.new_dataset::<T>().chunk(chunk).shape(shape).create(name).unwrap();
}

fn results() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(0, &["mesh.h5", "--quiet"]).expect_code(0);
    let proper = fs::read(folder.path("quad8.h5")).unwrap();
    let changed = |refusal, change: fn(&File)| {
        fs::write(folder.path("false.h5"), &proper).unwrap();
        change(&File::open_rw(folder.path("false.h5")).unwrap());
        refused(fs::read(folder.path("false.h5")).unwrap(), refusal)
    };
    let files = vec![
        changed("dataset 'x' of quad8.h5 claims", |file| {
            ["x", "y"].iter().for_each(|name| sparse::<f64>(file, name, &[1 << 40]));
        }),
        changed("dataset 'quad8' of quad8.h5 claims", |file| sparse::<i32>(file, "quad8", &[1 << 40, 8])),
    ];
    check(&folder, "quad8.h5", &["plot", "--width", "200"], files);
}

fn hdf5() -> Vec<FalseFile> {
    let changed = |refusal, change: fn(&File)| {
        let folder = Folder::with(&Mesh::rectangle(4, 2));
        change(&File::open_rw(folder.path("mesh.h5")).unwrap());
        refused(fs::read(folder.path("mesh.h5")).unwrap(), refusal)
    };
    vec![
        changed("dataset 'x' of mesh claims", |file| {
            ["x", "y"].iter().for_each(|name| sparse::<f64>(file, name, &[1 << 32]));
        }),
        changed("dataset 'quad8' of mesh claims", |file| sparse::<i64>(file, "quad8", &[1 << 30, 8])),
        changed("dataset 'regions/a' of mesh claims", |file| sparse::<i64>(file, "regions/a", &[1 << 31])),
        changed("dataset 'boundaries/b' of mesh claims", |file| sparse::<i32>(file, "boundaries/b", &[1 << 31, 2])),
    ]
}

/// Returns the Gmsh file with another line after the one that opens a section.
fn with_counts(section: &str, counts: &str) -> Vec<u8> {
    let text = fs::read_to_string(data("names.msh")).unwrap();
    let (before, after) = text.split_once(&format!("${section}\n")).unwrap();
    let (_, rest) = after.split_once('\n').unwrap();
    format!("{before}${section}\n{counts}\n{rest}").into_bytes()
}

fn gmsh() -> Vec<FalseFile> {
    vec![
        refused(with_counts("PhysicalNames", "1000000000000"), "claims"),
        refused(with_counts("Entities", "1000000000 1000000000 1000000000 0"), "claims"),
        read(with_counts("Nodes", "15 1000000000000 1 1000000000000")),
        refused(with_counts("Nodes", "1000000000 73 1 73"), "claims"),
        refused(with_counts("Elements", "1000000000 30 1 30"), "claims"),
    ]
}

/// Returns the binary file with other eight-byte numbers at the start of a section.
fn gmsh_binary() -> Vec<FalseFile> {
    let whole = fs::read(data("names-binary.msh")).unwrap();
    let changed = |section: &str, place: usize| {
        let mut bytes = whole.clone();
        let start = bytes.windows(section.len()).position(|part| part == section.as_bytes()).unwrap();
        let at = start + section.len() + 8 * place;
        bytes[at..at + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        refused(bytes, "claims")
    };
    vec![changed("$Entities\n", 1), changed("$Nodes\n", 0), changed("$Elements\n", 0)]
}

/// Rewrites an archive with changed entries.
fn altered(name: &str, change: impl Fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(fs::read(data(name)).unwrap())).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        change(&name, &mut bytes);
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Returns an archive whose first entry declares 4 GB.
fn with_a_huge_entry(name: &str) -> Vec<u8> {
    let mut bytes = altered(name, |_, _| ());
    let directory = bytes.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    for place in [22, directory + 24] {
        bytes[place..place + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    }
    bytes
}

/// Replaces a part of a text, which must occur.
fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    bytes.splice(at..at + from.len(), to.bytes());
}

fn npz() -> Vec<FalseFile> {
    // Blanks keep the length of the header of an array.
    let shape = |array: &'static str, from: &'static str, to: &'static str| {
        altered("names.npz", move |name, bytes| {
            if name == array {
                let blanks = " ".repeat(to.len() - from.len());
                replace(bytes, &format!("{from}, }}{blanks}"), &format!("{to}, }}"));
            }
        })
    };
    vec![
        refused(shape("x.npy", "(73,)", "(900000000000,)"), "claims"),
        refused(shape("quad8.npy", "(18, 8)", "(900000000000, 8)"), "claims"),
        refused(with_a_huge_entry("names.npz"), "claims"),
    ]
}

fn xlsx() -> Vec<FalseFile> {
    const SHEET: &str = "xl/worksheets/sheet1.xml";
    let wide = altered("plain.xlsx", |name, bytes| {
        if name == SHEET {
            replace(bytes, "A1:B74", "A1:XFD1048576");
        }
    });
    let far = altered("plain.xlsx", |name, bytes| {
        if name == SHEET {
            replace(bytes, "</sheetData>", "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row></sheetData>");
        }
    });
    vec![read(wide), read(far), refused(with_a_huge_entry("plain.xlsx"), "claims")]
}
