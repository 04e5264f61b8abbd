use crate::io::mesh::gmsh::*;
use crate::mesh::Location;

const TEXT: &str = include_str!("../../../../tests/data/meshes/names.msh");

fn flaw(text: &str) -> String {
    parse(text.as_bytes()).expect_err("a flaw").to_string()
}

#[test]
fn both_encodings_give_the_same_mesh() {
    let mesh = parse(TEXT.as_bytes()).unwrap();
    assert_eq!((mesh.coordinates.len(), mesh.elements.len()), (73, 18));
    let names = &mesh.tags.boundary_names;
    assert_eq!(names, &["outlet to the sea", "Inlet", "Höhe über Grund – Wand", "inner line"]);
    assert_eq!(mesh.tags.region_names, ["cold rock", "warmes Öl"]);
    assert_eq!(mesh.tags.regions.iter().filter(|r| **r == 1).count(), 9);
    let binary = parse(include_bytes!("../../../../tests/data/meshes/names-binary.msh")).unwrap();
    let parametric = parse(include_bytes!("../../../../tests/data/meshes/names-parametric.msh")).unwrap();
    for other in [binary, parametric] {
        // Text has sixteen digits.
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
        assert!(other.coordinates.as_flattened().iter().zip(mesh.coordinates.as_flattened()).all(near));
        assert_eq!(SerialMesh { coordinates: mesh.coordinates.clone(), ..other }, mesh);
    }
}

#[test]
fn numbers_with_the_high_byte_first_are_read_too() {
    let format = |binary: &[u8]| [b"$MeshFormat\n4.1 1 8\n", binary, b"\n$EndMeshFormat\n"].concat();
    let int = |n: i32| n.to_be_bytes().to_vec();
    let size = |n: u64| n.to_be_bytes().to_vec();
    let mut bytes = [format(&1_i32.to_be_bytes()), b"$Nodes\n".to_vec()].concat();
    for number in [size(1), size(8), size(1), size(8), int(2), int(1), int(0), size(8)] {
        bytes.extend(number);
    }
    (1..=8).for_each(|tag| bytes.extend(size(tag)));
    for [x, y] in crate::quad8::NODES {
        [x, y, 0.0].iter().for_each(|v: &f64| bytes.extend(v.to_be_bytes()));
    }
    bytes.extend(b"\n$EndNodes\n$Elements\n");
    for number in [size(1), size(1), size(1), size(1), int(2), int(1), int(16), size(1), size(1)] {
        bytes.extend(number);
    }
    (1..=8).for_each(|tag| bytes.extend(size(tag)));
    bytes.extend(b"\n$EndElements\n");
    let mesh = parse(&bytes).unwrap();
    assert_eq!((mesh.coordinates, mesh.elements), (crate::quad8::NODES.to_vec(), vec![[0, 1, 2, 3, 4, 5, 6, 7]]));
    let neither = format(&2_i32.to_be_bytes());
    assert!(parse(&neither).unwrap_err().to_string().ends_with("stands where a binary 1 should"));
}

#[test]
fn nine_nodes_lose_their_centre_with_a_note() {
    let mesh = parse(include_bytes!("../../../../tests/data/meshes/names-quad9.msh")).unwrap();
    assert_eq!((mesh.coordinates.len(), mesh.elements.len()), (73, 18));
    assert_eq!(mesh.warnings, ["18 quadrilaterals have nine nodes: they are read without their centres"]);
    assert!(mesh.elements.iter().flatten().all(|&n| (0..73).contains(&n)));
}

#[test]
fn tags_may_have_gaps_and_any_order() {
    let mesh = parse(TEXT.as_bytes()).unwrap();
    let renumbered = |new: fn(u64) -> u64| {
        let mut out = String::new();
        let (mut section, mut left) = ("", [0_u64; 2]);
        for line in TEXT.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |i: usize| words[i].parse::<u64>().unwrap();
            let mut line = line.to_owned();
            if words[0].starts_with('$') {
                (section, left) = (if words[0].starts_with("$End") { "" } else { words[0] }, [u64::MAX; 2]);
            } else if left[0] == u64::MAX && ["$Nodes", "$Elements"].contains(&section) {
                left = [0; 2];
            } else if section == "$Nodes" && left == [0; 2] {
                left = [number(3); 2];
            } else if section == "$Nodes" && left[0] > 0 {
                line = new(number(0)).to_string();
                left[0] -= 1;
            } else if section == "$Nodes" {
                left[1] -= 1;
            } else if section == "$Elements" && left[0] == 0 {
                left[0] = number(3);
            } else if section == "$Elements" {
                let nodes = (1..words.len()).map(|i| new(number(i)).to_string());
                line = [words[0].to_owned()].into_iter().chain(nodes).collect::<Vec<_>>().join(" ");
                left[0] -= 1;
            }
            out += &(line + "\n");
        }
        parse(out.as_bytes()).unwrap()
    };
    assert_eq!(renumbered(|tag| 3 * tag + 1_000_000_007), mesh);
    assert_eq!(renumbered(|tag| 74 - tag), mesh);
}

#[test]
fn what_cannot_be_read_is_named_with_its_remedy() {
    let file = |bytes: &[u8]| parse(bytes).expect_err("a flaw").to_string();
    let old = file(include_bytes!("../../../../tests/data/meshes/names-22.msh"));
    assert_eq!(old, "its version is 2.2: save it as 4.1 with gmsh old.msh -save -format msh41 -o new.msh");
    let triangles = file(include_bytes!("../../../../tests/data/meshes/triangles.msh"));
    assert!(triangles.contains("triangles with six nodes") && triangles.contains("Mesh.RecombineAll=1"), "{triangles}");
    let bent = file(include_bytes!("../../../../tests/data/meshes/not-plane.msh"));
    assert!(bent.starts_with("it is not plane: z goes from 0 to "), "{bent}");
    assert_eq!(flaw(&TEXT.replace("4.1 0 8", "4.1 0 4")), "its numbers have 4 bytes, only 8 are known");
    assert_eq!(flaw(""), "it has no $MeshFormat");
    assert_eq!(flaw("$Nodes\n0 0 0 0\n$EndNodes\n"), "it has no $MeshFormat");
    assert_eq!(flaw(&TEXT.replace("$EndNodes", "$EndNode")), "'$EndNode' stands where $EndNodes should");
    assert!(flaw(&TEXT.replace("$Entities", "$PartitionedEntities")).starts_with("it is partitioned"));
}

/// A case that gives a condition or a material to the names that contain one of these words.
struct Given(&'static [&'static str]);

impl GivenNames for Given {
    fn has_condition(&self, boundary: &str) -> bool {
        self.0.iter().any(|word| boundary.contains(word))
    }

    fn has_material(&self, region: &str) -> bool {
        self.has_condition(region)
    }
}

/// A case that takes the data of these names.
struct Takes(&'static [&'static str]);

impl GivenNames for Takes {
    fn data(&self) -> Vec<&str> {
        self.0.to_vec()
    }
}

#[test]
fn data_are_read_in_text_and_binary() {
    let header =
        |name: &str, components: u32, count: usize| format!("\"{name}\"\n1\n0.5\n3\n0\n{components}\n{count}\n");
    let tags: Vec<i32> = (1..=73).collect();
    let lines: String = tags.iter().map(|tag| format!("{tag} {}\n", f64::from(*tag) / 2.0)).collect();
    let text = format!("{TEXT}\n$NodeData\n1\n{}{lines}$EndNodeData\n", header("k", 1, 73));
    let read = |bytes: &[u8], names| parse_for(bytes, &Takes(names)).map_err(|e| e.to_string());
    let mut mesh = read(text.as_bytes(), &["k"]).unwrap();
    let data = mesh.data.pop().unwrap();
    assert_eq!((data.location, data.values.len(), data.values[2]), (Location::Nodes, 73, 1.5));
    assert_eq!(mesh, parse(TEXT.as_bytes()).unwrap());

    let mut binary = include_bytes!("../../../../tests/data/meshes/names-binary.msh").to_vec();
    binary.extend(format!("\n$NodeData\n1\n{}", header("k", 1, 73)).bytes());
    binary
        .extend(tags.iter().flat_map(|tag| [&tag.to_le_bytes()[..], &(f64::from(*tag) / 2.0).to_le_bytes()].concat()));
    binary.extend(b"\n$EndNodeData\n");
    assert_eq!(read(&binary, &["k"]).unwrap().data, [data]);

    let missing = read(text.as_bytes(), &["f"]).unwrap_err();
    assert_eq!(missing, "it has no data 'f' for k or f; found: k");
    let vectors = format!("{TEXT}\n$ElementData\n1\n{}1 0 0 0\n$EndElementData\n", header("v", 3, 1));
    assert_eq!(read(vectors.as_bytes(), &["v"]).unwrap_err(), "array 'v' has shape [1, 3]: expected one value each");
    assert!(read(vectors.as_bytes(), &[]).is_ok());
    let lie = text.replace("\n1\n73\n1 0.5", "\n1\n7300000\n1 0.5");
    assert!(read(lie.as_bytes(), &["k"]).unwrap_err().contains("the file has room for"));
    for end in TEXT.len() + 2..text.trim_ascii_end().len() {
        assert!(read(&text.as_bytes()[..end], &["k"]).is_err(), "{end}");
    }
}

#[test]
fn of_several_groups_the_one_that_is_given_something_counts() {
    let text = TEXT.replace("1 0 0 0 1 1 0 1 5 4 1 7 5 6", "1 0 0 0 1 1 0 2 5 6 4 1 7 5 6");
    let text = text.replace("6 0 0 0 0 1 0 1 7 2", "6 0 0 0 0 1 0 2 7 20 2");
    let parse = |given| parse_for(text.as_bytes(), &Given(given));
    let chosen = |given| {
        let mesh = parse(given).unwrap();
        let inlet = mesh.tags.boundary_names.iter().position(|name| name == "Inlet").unwrap();
        let edges = mesh.tags.edges.iter().filter(|edge| usize::from(edge.boundary) == inlet).count();
        (mesh.tags.region_names.len(), edges, mesh.warnings)
    };
    let (regions, edges, warnings) = chosen(&["Öl", "inner"]);
    assert_eq!((regions, edges), (1, 0));
    let [surfaces, curves] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(surfaces.ends_with("material counts: surface 1 is read as 'warmes Öl', not as 'cold rock'"), "{surfaces}");
    assert!(curves.ends_with("condition counts: curve 6 is read as 'inner line', not as 'Inlet'"), "{curves}");
    let (regions, edges, _) = chosen(&[]);
    assert_eq!((regions, edges), (2, 3));
    let message = |given| parse(given).unwrap_err().to_string();
    let expected = "curve 6 of Gmsh (its element 10 goes from node 6 at x = 0, y = 1 to node 32 at x = 0, y = 0.666667) \
                    is in two physical groups that both have a condition, 'Inlet' and 'inner line'";
    assert!(message(&["In", "in"]).starts_with(expected), "{}", message(&["In", "in"]));
    let expected = "in two physical groups that both have a material, 'cold rock' and 'warmes Öl'";
    assert!(message(&["rock", "Öl"]).contains(expected), "{}", message(&["rock", "Öl"]));
}

#[test]
fn a_file_without_surface_elements_and_physical_points_are_noticed() {
    let lines = include_str!("../../../../tests/data/meshes/no-surface.msh");
    assert!(flaw(lines).starts_with("it holds 4 lines and no surface elements"), "{}", flaw(lines));
    let text = TEXT.replacen("1 0 0 0 0 \n", "1 0 0 0 1 9 \n", 1);
    let warnings = parse(text.as_bytes()).unwrap().warnings;
    assert_eq!(warnings, ["physical points are not read ('9'): conditions hold on curves"]);
}

#[test]
fn groups_without_a_name_are_called_by_their_number_and_signs_do_not_matter() {
    let text = TEXT.replace("1 7 \"Inlet\"\n", "").replace("\n6\n1 3", "\n5\n1 3");
    let text = text.replace("6 0 0 0 0 1 0 1 7 2", "6 0 0 0 0 1 0 1 -7 2");
    assert_eq!(parse(text.as_bytes()).unwrap().tags.boundary_names[1], "7");
}

#[test]
fn counts_that_lie_are_found_before_memory_is_taken() {
    for (honest, lie) in [
        ("15 73 1 73", "15000000000 73 1 73"),
        ("\n0 1 0 1\n", "\n0 1 0 18446744073709551615\n"),
        ("6 7 2 0\n", "6 7 4000000000000 0\n"),
        ("$PhysicalNames\n6", "$PhysicalNames\n60000000000"),
        ("1 12 2 1 -2", "99999999999 12 2 1 -2"),
    ] {
        assert!(TEXT.contains(honest), "{honest}");
        let message = flaw(&TEXT.replacen(honest, lie, 1));
        assert!(message.contains("the file has room for"), "{message}");
    }
}

#[test]
fn a_file_that_ends_anywhere_is_a_flaw() {
    let binary = include_bytes!("../../../../tests/data/meshes/names-binary.msh");
    for bytes in [TEXT.as_bytes(), &binary[..]] {
        for end in 0..bytes.trim_ascii_end().len() {
            assert!(parse(&bytes[..end]).is_err(), "{end} bytes of {} are a mesh", bytes.len());
        }
    }
}
