//! The configuration files of a command, parsed.

use poolwright_core::{
    config,
    desired::Desired,
    finding::{Finding, Level, Source, Sources},
    plan::FileDigest,
    text::sha256_text,
};

/// Configuration files without errors.
#[derive(Debug)]
pub(crate) struct LoadedFiles {
    /// Their texts.
    pub(crate) sources: Sources,
    /// What they declare.
    pub(crate) desired: Desired,
    /// Warnings about them.
    pub(crate) warnings: Vec<Finding>,
}

impl LoadedFiles {
    /// Parses the texts of files.
    ///
    /// # Errors
    ///
    /// Returns the texts and the findings if one of the findings is an error.
    pub(crate) fn parse(sources: Sources) -> Result<Self, (Sources, Vec<Finding>)> {
        let (desired, findings) = config::load_desired(&sources);
        if findings.iter().any(|finding| finding.level == Level::Error) {
            return Err((sources, findings));
        }
        Ok(Self { sources, desired, warnings: findings })
    }

    /// The URL of the server that the files name.
    pub(crate) fn url(&self) -> Option<&str> {
        self.desired.url.as_ref().map(|url| url.value.as_str())
    }

    /// The space that the files name.
    pub(crate) fn space(&self) -> Option<&str> {
        self.desired.space.as_ref().map(|space| space.value.as_str())
    }

    /// The files' names, as the user gave them.
    pub(crate) fn names(&self) -> Vec<String> {
        self.sources.0.iter().map(|source| source.path.clone()).collect()
    }

    /// Returns `sha256:` and the digest of the files' texts.
    pub(crate) fn sources_digest(&self) -> String {
        // The length separates the texts, so that different lists of files have different digests.
        let lengths: Vec<_> =
            self.sources.0.iter().map(|source| source.text.len().to_le_bytes()).collect();
        let parts = self.sources.0.iter().zip(&lengths);
        sha256_text(parts.flat_map(|(source, length)| [length.as_slice(), source.text.as_bytes()]))
    }

    /// Returns the digest of each file.
    pub(crate) fn file_digests(&self) -> Vec<FileDigest> {
        let digest = |source: &Source| FileDigest {
            file: source.path.clone(),
            digest: sha256_text([source.text.as_bytes()]),
        };
        self.sources.0.iter().map(digest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::source;

    #[test]
    fn files_with_an_error_are_returned_with_the_findings() {
        let (sources, findings) =
            LoadedFiles::parse(source("version = 1\npols = 3\n")).unwrap_err();
        assert_eq!(sources.0.len(), 1);
        assert!(findings.iter().any(|finding| finding.level == Level::Error));
    }

    #[test]
    fn the_digest_depends_on_file_boundaries() {
        let digest = |texts: &[&str]| {
            let sources = Sources(texts.iter().flat_map(|text| source(text).0).collect());
            let (desired, warnings) = (Desired::default(), Vec::new());
            LoadedFiles { sources, desired, warnings }.sources_digest()
        };
        assert_ne!(digest(&["version = 1\n", ""]), digest(&["version = 1\n"]));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert!(digest(&[]).starts_with("sha256:"));
    }
}
