//! The files of a working tree, parsed.
//!
//! Never: deciding what changes in them.

use super::{
    EditedFile, OclFile,
    style::PoolNaming,
    templates::{FileTemplate, TemplateFolders},
};
use poolwright_core::{
    finding::{Finding, Source, SourceId, Sources},
    ocl::{self, OclProcess, TextEdit},
};

use std::path::Path;

/// A file of a working tree, parsed.
pub(super) struct CheckoutDocument {
    pub(super) file: OclFile,
    pub(super) process: OclProcess,
    /// How it refers to pools.
    pub(super) style: PoolNaming,
    /// The template that it belongs to.
    pub(super) template: Option<FileTemplate>,
}

impl CheckoutDocument {
    /// Returns the file after some edits.
    pub(super) fn edit(&self, mut edits: Vec<TextEdit>) -> EditedFile {
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let OclFile { path, text, encoding } = &self.file;
        let after = ocl::apply_edits(text, &edits);
        let (path, before) = (path.clone(), text.clone());
        EditedFile { path, encoding: *encoding, before, after, edits }
    }
}

/// The parsed files of a working tree.
pub(super) struct ParsedTree {
    /// The files that parse.
    pub(super) documents: Vec<CheckoutDocument>,
    /// The position of each file's document; a file that does not parse has none.
    positions: Vec<Option<usize>>,
}

impl ParsedTree {
    /// Whether any process refers to pools by their slugs.
    pub(super) fn has_slugs(&self) -> bool {
        let mut processes = self.documents.iter().filter(|it| !it.process.actions.is_empty());
        processes.any(|document| document.style == PoolNaming::Slugs)
    }

    /// Returns the position of a file's document.
    pub(super) fn position(&self, file: usize) -> Option<usize> {
        self.positions.get(file).copied().flatten()
    }
}

/// Parses the files. Returns a finding for each selected file that does not parse; the others are somebody else's.
pub(super) fn parse_documents(
    files: Vec<OclFile>,
    sources: &mut Sources,
    is_selected: impl Fn(usize) -> bool,
) -> (ParsedTree, Vec<Finding>) {
    let (mut parsed, mut positions, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for (at, file) in files.into_iter().enumerate() {
        let source = SourceId(sources.0.len());
        let path = file.path.to_string_lossy().trim_start_matches("./").to_owned();
        sources.0.push(Source::new(path, file.text.as_str()));
        let process = ocl::read(source, &file.text);
        positions.push(process.is_ok().then_some(parsed.len()));
        match process {
            Ok(process) => parsed.push((file, process)),
            Err(finding) if is_selected(at) => findings.push(finding),
            Err(_) => {}
        }
    }
    let known: Vec<(&Path, &OclProcess)> =
        parsed.iter().map(|(file, process)| (file.path.as_path(), process)).collect();
    let styles = PoolNaming::detect_styles(&known);
    let folders = TemplateFolders::find(known.iter().map(|(path, _)| *path));
    let templates = folders.judge(&known);
    let documents = parsed.into_iter().zip(styles).zip(templates);
    let documents = documents.map(|(((file, process), style), template)| CheckoutDocument {
        file,
        process,
        style,
        template,
    });
    (ParsedTree { documents: documents.collect(), positions }, findings)
}
