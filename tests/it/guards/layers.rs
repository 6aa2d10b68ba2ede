//! Which room of the core may import which: `ARCHITECTURE.md` says it, this guard holds it.
//!
//! Between crates Cargo holds the layers.

use super::source::{SourceFile, named_paths, read_code};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The crate whose rooms are layers.
const CORE: &str = "crates/core/src";

/// For each room, the rooms that it may import.
struct Layers(BTreeMap<String, BTreeSet<String>>);

impl Layers {
    /// Reads the block of the map: `room : the rooms it may import`.
    fn read(map: &str) -> Self {
        let block = map.split("```layers\n").nth(1).unwrap().split("```").next().unwrap();
        let rooms = block.lines().filter_map(|line| line.split_once(" :"));
        let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
        Self(rooms.map(|(room, may)| (room.trim().to_owned(), words(may))).collect())
    }

    /// The imports of a file that the map does not allow.
    fn violations(&self, file: &SourceFile) -> Vec<String> {
        let Some(room) = room_of(&file.path) else { return Vec::new() };
        let depth = file.path.components().count() - Path::new(CORE).components().count();
        let is_allowed = |other: &str| {
            other == room || !self.0.contains_key(other) || self.0[&room].contains(other)
        };
        let is_wrong = |path: &Vec<String>| match path[0].as_str() {
            "crate" => path.get(1).is_some_and(|other| !is_allowed(other)),
            // A path that climbs out of its room could name any other.
            "super" => path.iter().take_while(|word| *word == "super").count() >= depth,
            _ => false,
        };
        let wrong = named_paths(&file.code).into_iter().filter(is_wrong);
        wrong.map(|path| format!("{}: {}", file.path.display(), path.join("::"))).collect()
    }

    /// The rooms that are in a circle, if there is one.
    fn circle(mut self) -> Vec<String> {
        while let Some(room) = self.0.keys().find(|room| self.0[*room].is_empty()).cloned() {
            self.0.remove(&room);
            self.0.values_mut().for_each(|rooms| _ = rooms.remove(&room));
        }
        self.0.into_keys().collect()
    }
}

/// The room that a file is in.
fn room_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix(CORE).ok()?.components().next()?;
    let name = Path::new(first.as_os_str()).file_stem()?.to_str()?;
    (name != "lib").then(|| name.to_owned())
}

fn read_map() -> Layers {
    Layers::read(&fs::read_to_string("ARCHITECTURE.md").unwrap())
}

#[test]
fn no_module_has_a_forbidden_import() {
    let layers = read_map();
    let wrong: Vec<String> =
        read_code(CORE).iter().flat_map(|file| layers.violations(file)).collect();
    assert!(wrong.is_empty(), "imports against ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn the_layers_have_no_cycle() {
    assert_eq!(read_map().circle(), [""; 0]);
}

#[test]
fn every_module_is_in_the_layer_map() {
    let rooms: BTreeSet<String> =
        read_code(CORE).iter().filter_map(|file| room_of(&file.path)).collect();
    assert_eq!(rooms, read_map().0.into_keys().collect());
}

#[test]
fn a_seeded_forbidden_import_is_detected() {
    let layers = Layers::read("```layers\ntext :\ndiff : text\nrender : text\n```");
    let seen = |text: &str| {
        layers.violations(&SourceFile::parse("crates/core/src/diff/pools.rs", text)).len()
    };
    assert_eq!(seen("use crate::{text::count, diff::after};"), 0);
    assert_eq!(seen("use crate::{text::count, render::json};"), 1);
    // The front pages of rooms declare their tests first.
    assert_eq!(seen("#[cfg(test)]\nmod laws;\nuse crate::render::json;"), 1);
    assert_eq!(seen("fn f() -> crate::render::Json { x }"), 1);
    assert_eq!(seen("fn f() { println!(\"{}\", crate::render::json()) }"), 1);
    assert_eq!(seen("use super::super::render::json;"), 1);
    assert_eq!(
        seen("// crate::render\n#[cfg(test)]\nmod tests {\n    use crate::render::json;\n}"),
        0
    );
}

#[test]
fn a_seeded_layer_cycle_is_detected() {
    assert_eq!(Layers::read("```layers\na : b\nb : c\nc : a\nd :\n```").circle(), ["a", "b", "c"]);
}
