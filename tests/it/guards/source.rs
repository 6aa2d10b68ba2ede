//! Source files as tokens, without what is compiled for tests alone.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders that hold the code of the product.
pub(super) const CODE: [&str; 5] =
    ["src", "crates/core/src", "crates/client/src", "crates/refresh/src", "crates/sandbox/src"];

/// A source file without its tests.
pub(super) struct SourceFile {
    /// Where it is, from the top of the tree.
    pub(super) path: PathBuf,
    /// Its text, whole.
    pub(super) text: String,
    /// Its tokens, without the items under `#[cfg(test)]`.
    pub(super) code: Vec<TokenTree>,
    /// The modules that it declares for tests alone.
    test_modules: Vec<String>,
    /// How many of its lines belong to tests.
    test_lines: usize,
}

impl SourceFile {
    /// Parses a file's text.
    pub(super) fn parse(path: impl Into<PathBuf>, text: &str) -> Self {
        let path = path.into();
        let tokens: TokenStream =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut stripped = Stripped::default();
        let code = stripped.strip(tokens);
        let Stripped { test_modules, test_lines } = stripped;
        Self { path, text: text.to_owned(), code, test_modules, test_lines }
    }

    /// How many lines it has, tests apart.
    pub(super) fn line_count(&self) -> usize {
        self.text.lines().count() - self.test_lines
    }
}

/// What was taken out of a file.
#[derive(Default)]
struct Stripped {
    test_modules: Vec<String>,
    test_lines: usize,
}

impl Stripped {
    /// The tokens without items under `#[cfg(test)]`, at any depth.
    fn strip(&mut self, tokens: TokenStream) -> Vec<TokenTree> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut kept, mut index) = (Vec::new(), 0);
        while index < tokens.len() {
            if is_cfg_test(&tokens[index..]) {
                let end = index + item_length(&tokens[index..]);
                self.record(&tokens[index..end]);
                index = end;
                continue;
            }
            kept.push(match &tokens[index] {
                TokenTree::Group(group) => {
                    let inner = self.strip(group.stream()).into_iter().collect();
                    let mut stripped = Group::new(group.delimiter(), inner);
                    stripped.set_span(group.span());
                    TokenTree::Group(stripped)
                }
                other => other.clone(),
            });
            index += 1;
        }
        kept
    }

    /// Remembers an item that is compiled for tests alone.
    fn record(&mut self, item: &[TokenTree]) {
        let (Some(first), Some(last)) = (item.first(), item.last()) else { return };
        self.test_lines += last.span().end().line - first.span().start().line + 1;
        let words: Vec<String> = item.iter().map(ToString::to_string).collect();
        if let [.., keyword, name, semicolon] = &words[..]
            && (keyword.as_str(), semicolon.as_str()) == ("mod", ";")
        {
            self.test_modules.push(name.clone());
        }
    }
}

/// Whether tokens begin with `#[cfg(test)]`.
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else { return false };
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    hash.as_char() == '#' && attribute.delimiter() == Delimiter::Bracket && text == "cfg(test)"
}

/// How many tokens an item has, its attributes included: up to its semicolon, or to its braces where it
/// is no `use`, `const`, `static` or `type`, in which braces end nothing.
fn item_length(tokens: &[TokenTree]) -> usize {
    let mut ends_at_braces = true;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                ends_at_braces &= !["use", "const", "static", "type"].contains(&word.as_str())
                    || tokens.get(index + 1).is_some_and(|next| next.to_string() == "fn");
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => return index + 1,
            TokenTree::Group(group) if ends_at_braces && group.delimiter() == Delimiter::Brace => {
                return index + 1;
            }
            _ => {}
        }
    }
    tokens.len()
}

/// All source files of a folder that are not part of the tests alone.
pub(super) fn read_code(folder: &str) -> Vec<SourceFile> {
    let files: Vec<SourceFile> = list_files(folder)
        .into_iter()
        .map(|path| SourceFile::parse(&path, &fs::read_to_string(&path).unwrap()))
        .collect();
    let test_paths: Vec<PathBuf> = files
        .iter()
        .flat_map(|file| {
            let folder = module_folder(&file.path);
            file.test_modules.iter().map(move |name| folder.join(name))
        })
        .collect();
    let is_test =
        |path: &Path| test_paths.iter().any(|test| path.with_extension("").starts_with(test));
    files.into_iter().filter(|file| !is_test(&file.path)).collect()
}

/// The folder in which the modules are that a file declares.
pub(super) fn module_folder(path: &Path) -> PathBuf {
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("lib" | "main" | "mod") => path.parent().unwrap().to_owned(),
        _ => path.with_extension(""),
    }
}

/// All Rust files below a folder, sorted.
pub(super) fn list_files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files.into_iter().filter(is_rust).chain(folders.iter().flat_map(list_files)).collect()
}

/// The paths that tokens name: `crate::a::{b, c::d}` is `crate::a::b` and `crate::a::c::d`.
pub(super) fn named_paths(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let (mut paths, mut index) = (Vec::new(), 0);
    while index < tokens.len() {
        match &tokens[index] {
            TokenTree::Ident(_) => {
                let (found, length) = path_at(&tokens[index..], &[]);
                paths.extend(found);
                index += length;
            }
            TokenTree::Group(group) => {
                paths.extend(named_paths(&group.stream().into_iter().collect::<Vec<_>>()));
                index += 1;
            }
            _ => index += 1,
        }
    }
    paths
}

/// The paths that begin at the first token, an identifier, and how many tokens they take.
fn path_at(tokens: &[TokenTree], prefix: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut path = prefix.to_vec();
    let mut index = 0;
    while let Some(TokenTree::Ident(word)) = tokens.get(index) {
        path.push(word.to_string());
        index += 1;
        if !is_path_separator(&tokens[index..]) {
            return (vec![path], index);
        }
        index += 2;
        if let Some(TokenTree::Group(group)) = tokens.get(index)
            && group.delimiter() == Delimiter::Brace
        {
            return (grouped_paths(group, &path), index + 1);
        }
    }
    (vec![path], index)
}

/// The paths of a group behind `path::`.
fn grouped_paths(group: &Group, path: &[String]) -> Vec<Vec<String>> {
    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
    let parts =
        inner.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','));
    parts.filter(|part| !part.is_empty()).flat_map(|part| path_at(part, path).0).collect()
}

fn is_path_separator(tokens: &[TokenTree]) -> bool {
    let is_colon =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':');
    matches!(tokens, [first, second, ..] if is_colon(first) && is_colon(second))
}

#[test]
fn only_test_code_is_left_out() {
    let text = "use a::b;\n#[cfg(test)]\nmod sample;\n#[cfg(test)]\nuse x::{y, z};\nfn f() {}\n\
                impl T { #[cfg(test)] fn g() { h() } fn i() {} }\n#[cfg(test)]\nmod tests {\n}\n";
    let file = SourceFile::parse("src/x.rs", text);
    let code: TokenStream = file.code.iter().cloned().collect();
    assert_eq!(code.to_string(), "use a :: b ; fn f () { } impl T { fn i () { } }");
    assert_eq!((file.test_modules, file.test_lines), (vec!["sample".to_owned()], 8));
}

#[test]
fn grouped_paths_are_expanded() {
    let file =
        SourceFile::parse("src/x.rs", "use crate::{a::{self, B}, c}; fn f() { m!(crate::d::E) }");
    let paths: Vec<String> = named_paths(&file.code).iter().map(|path| path.join("::")).collect();
    let of_crate: Vec<&String> = paths.iter().filter(|path| path.starts_with("crate")).collect();
    assert_eq!(of_crate, ["crate::a::self", "crate::a::B", "crate::c", "crate::d::E"]);
}
