//! One name for one type, so that a search for it finds one thing.

use super::source::{CODE, SourceFile, read_code};
use proc_macro2::TokenTree;
use std::collections::BTreeMap;

/// Names that may stand for a type in each of many files: clap's arguments of a command.
const SHARED: [&str; 1] = ["Args"];

/// The types that a file defines, with the line of each.
fn defined_types(tokens: &[TokenTree]) -> Vec<(String, usize)> {
    let mut types = Vec::new();
    for pair in tokens.windows(2) {
        if let [TokenTree::Ident(keyword), TokenTree::Ident(name)] = pair
            && ["struct", "enum", "trait", "union"].iter().any(|word| keyword == word)
        {
            types.push((name.to_string(), name.span().start().line));
        }
    }
    for token in tokens {
        if let TokenTree::Group(group) = token {
            types.extend(defined_types(&group.stream().into_iter().collect::<Vec<_>>()));
        }
    }
    types
}

/// The names that stand for two types or more, with their places.
fn doubled_types(files: &[SourceFile]) -> Vec<String> {
    let mut places = BTreeMap::<String, Vec<String>>::new();
    for file in files {
        for (name, line) in defined_types(&file.code) {
            places.entry(name).or_default().push(format!("{}:{line}", file.path.display()));
        }
    }
    places.retain(|name, places| places.len() > 1 && !SHARED.contains(&name.as_str()));
    places.into_iter().map(|(name, places)| format!("{name}: {}", places.join(", "))).collect()
}

#[test]
fn no_type_name_is_defined_twice() {
    let files: Vec<SourceFile> = CODE.iter().flat_map(|folder| read_code(folder)).collect();
    assert_eq!(doubled_types(&files), [""; 0]);
}

#[test]
fn a_seeded_duplicate_type_name_is_detected() {
    let files = [
        SourceFile::parse("src/a.rs", "pub struct Entry;\nstruct Args;"),
        SourceFile::parse("src/b.rs", "mod m { enum Entry {} }\nstruct Args;"),
        SourceFile::parse("src/c.rs", "#[cfg(test)]\nstruct Entry;\nstruct Other;"),
    ];
    assert_eq!(doubled_types(&files), ["Entry: src/a.rs:1, src/b.rs:1"]);
}
