//! No circle between the modules of a crate.
//!
//! A module may use what its own ancestors define, since a front page holds its room's main types. All
//! other edges count: `crate::a::b`, `super::a` and `self::a`, and what a front page re-exports counts as
//! the module's that defines it.

use super::source::{CODE, SourceFile, named_paths, read_code};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Each module with the modules that it imports, as paths below the crate's root.
type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// A file's module: its path below `root`, without its ending. The root itself is empty.
fn module_of(path: &Path, root: &Path) -> PathBuf {
    let below = path.strip_prefix(root).unwrap().with_extension("");
    if below == Path::new("lib") || below == Path::new("main") { PathBuf::new() } else { below }
}

/// The graph of a crate's modules, without the edges from a module to its ancestors.
fn module_graph(files: &[SourceFile], root: &Path) -> Graph {
    let modules: BTreeSet<PathBuf> = files.iter().map(|file| module_of(&file.path, root)).collect();
    let exports = re_exports(files, root, &modules);
    let edges = |file: &SourceFile| {
        let from = module_of(&file.path, root);
        let targets = named_paths(&file.code).into_iter().filter_map(|path| {
            let mut absolute = absolute_path(&path, &from)?;
            while let Some(defined) = absolute.ancestors().find_map(|item| exports.get(item)) {
                absolute.clone_from(defined);
            }
            let target = absolute.ancestors().find(|module| modules.contains(*module))?;
            Some(target.to_owned())
        });
        let targets = targets.filter(|target| !from.starts_with(target)).collect();
        (from.clone(), targets)
    };
    files.iter().map(edges).collect()
}

/// What front pages re-export of their children: `room/Name` with `room/child/Name`.
fn re_exports(
    files: &[SourceFile],
    root: &Path,
    modules: &BTreeSet<PathBuf>,
) -> BTreeMap<PathBuf, PathBuf> {
    let of_file = |file: &SourceFile| {
        let from = module_of(&file.path, root);
        let children = named_paths(&file.code).into_iter().filter_map(|path| {
            let [child, .., item] = &path[..] else { return None };
            let is_type = item.starts_with(char::is_uppercase);
            let defined: PathBuf = path.iter().collect();
            (is_type && modules.contains(&from.join(child)))
                .then(|| (from.join(item), from.join(defined)))
        });
        children.collect::<Vec<_>>()
    };
    files.iter().flat_map(of_file).collect()
}

/// What a path names, below the crate's root; none for a path into another crate.
fn absolute_path(path: &[String], from: &Path) -> Option<PathBuf> {
    let mut base = match path[0].as_str() {
        "crate" => PathBuf::new(),
        "self" | "super" => from.to_owned(),
        _ => return None,
    };
    for word in path.iter().skip_while(|word| matches!(word.as_str(), "crate" | "self")) {
        if word == "super" {
            base.pop();
        } else {
            base.push(word);
        }
    }
    Some(base)
}

/// The modules that one module imports, directly or through others.
fn reachable_modules(graph: &Graph, start: &Path) -> BTreeSet<PathBuf> {
    let (mut open, mut reached) = (vec![start.to_owned()], BTreeSet::new());
    while let Some(module) = open.pop() {
        let imported = graph.get(&module).into_iter().flatten();
        open.extend(imported.filter(|next| reached.insert((*next).clone())).cloned());
    }
    reached
}

/// The modules that are in a circle with others: those that can reach themselves.
fn modules_in_circles(graph: &Graph) -> Vec<String> {
    let reaches_itself = |start: &PathBuf| reachable_modules(graph, start).contains(start);
    let circular = graph.keys().filter(|module| reaches_itself(module));
    circular.map(|module| module.display().to_string()).collect()
}

#[test]
fn no_modules_import_each_other() {
    let circles: Vec<String> = CODE
        .iter()
        .flat_map(|folder| {
            let graph = module_graph(&read_code(folder), Path::new(folder));
            let modules = modules_in_circles(&graph);
            modules.into_iter().map(|module| format!("{folder}/{module}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(circles.is_empty(), "modules in circles:\n{}", circles.join("\n"));
}

#[test]
fn a_seeded_module_cycle_is_detected() {
    let file = |path: &str, text: &str| SourceFile::parse(path, text);
    let circles = |files: &[SourceFile]| modules_in_circles(&module_graph(files, Path::new("src")));
    let root = || file("src/lib.rs", "mod a; mod b;");
    assert_eq!(
        circles(&[
            root(),
            file("src/a.rs", "use crate::b::B;"),
            file("src/b.rs", "use super::a::A;")
        ]),
        ["a", "b"]
    );
    // A child that uses its front page is no circle; a front page that calls its child is not one either.
    assert_eq!(
        circles(&[
            root(),
            file("src/a.rs", "mod c; use c::f; pub struct A;"),
            file("src/a/c.rs", "use super::A;"),
            file("src/b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ]),
        [""; 0]
    );
    // A front page that re-exports hides no circle.
    assert_eq!(
        circles(&[
            file("src/lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            file("src/a.rs", "use super::B;"),
            file("src/b.rs", "use crate::A;"),
        ]),
        ["a", "b"]
    );
    // Nor does a longer way around hide one.
    assert_eq!(
        circles(&[
            file("src/lib.rs", "mod a; mod b; mod d;"),
            file("src/a.rs", "fn f() { crate::b::g() }"),
            file("src/b.rs", "use crate::d::D;"),
            file("src/d.rs", "use crate::{a::A};"),
        ]),
        ["a", "b", "d"]
    );
}
