//! How a file refers to pools: by slug or, if an early server wrote it, by name.
//!
//! # Source
//!
//! `api.md` 2.10: slugs since 2022.3.4517. Files with `schema_version.ocl` 1 to 3 have names, and those from 5 on
//! have slugs, in the history of public repositories; whether 4 was ever written there is not known.

use poolwright_core::{
    model::Place,
    ocl::{OclProcess, OclVariable},
};

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The file that has the version of the schema, beside the process.
pub(super) const SCHEMA: &str = "schema_version.ocl";
/// The last version of the schema with names.
const LAST_WITH_NAMES: u32 = 3;
/// The first version of the schema with slugs.
const FIRST_WITH_SLUGS: u32 = 5;

/// How a file refers to pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PoolNaming {
    /// By slug, as servers from 2022.3.4517 on do.
    Slugs,
    /// By name, as earlier servers do.
    Names,
}

impl PoolNaming {
    /// Returns the style of each document: the one of its schema, or else its own, or else that of the others.
    pub(super) fn detect_styles(documents: &[(&Path, &OclProcess)]) -> Vec<Self> {
        let versions: HashMap<PathBuf, Self> =
            documents.iter().filter_map(|(path, it)| schema_style(path, it)).collect();
        let of_schema = |path: &Path| path.ancestors().find_map(|folder| versions.get(folder));
        let own: Vec<Option<Self>> = documents
            .iter()
            .map(|(path, it)| of_schema(path).copied().or_else(|| Self::detect_style(it)))
            .collect();
        let others = if own.contains(&Some(Self::Names)) && !own.contains(&Some(Self::Slugs)) {
            Self::Names
        } else {
            Self::Slugs
        };
        own.into_iter().map(|it| it.unwrap_or(others)).collect()
    }

    /// Detects the style from a pool that is not a slug, or from whether step labels are names or slugs.
    fn detect_style(document: &OclProcess) -> Option<Self> {
        let named = written_pools(document).any(cannot_be_slug);
        let labels = &document.step_labels;
        match (named, labels.is_empty()) {
            (true, _) => Some(Self::Names),
            (false, true) => None,
            (false, false) if document.labels_are_names => {
                labels.iter().any(|it| cannot_be_slug(it)).then_some(Self::Names)
            }
            (false, false) => Some(Self::Slugs),
        }
    }
}

/// Returns the folder of a file with the version of the schema, and the style of that version.
fn schema_style(path: &Path, document: &OclProcess) -> Option<(PathBuf, PoolNaming)> {
    let is_schema = path.file_name().is_some_and(|name| name == SCHEMA);
    let style = match document.schema_version.filter(|_| is_schema)? {
        0..=LAST_WITH_NAMES => PoolNaming::Names,
        FIRST_WITH_SLUGS.. => PoolNaming::Slugs,
        _ => return None,
    };
    Some((path.parent()?.to_owned(), style))
}

/// Returns the pools that a document uses, as written: those of its steps and of its worker pool variables.
pub(super) fn written_pools(document: &OclProcess) -> impl Iterator<Item = &str> {
    let steps = document.actions.iter().filter_map(|action| match &action.place {
        Place::Pool(pool) => Some(pool.as_str()),
        Place::Variable(_) | Place::DefaultPool => None,
    });
    let variables = document.variables.iter().filter(|variable| variable.is_worker_pool);
    let values = variables.flat_map(|variable: &OclVariable| &variable.values);
    steps.chain(values.map(|value| value.text.as_str()).filter(|text| !text.is_empty()))
}

/// Whether a text is neither a slug nor an expression that may evaluate to one.
pub(super) fn cannot_be_slug(text: &str) -> bool {
    !has_variable(text) && text.contains(|c: char| c.is_uppercase() || c.is_whitespace())
}

/// Whether a text contains a variable, such as a template's parameter.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains("#{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::{finding::SourceId, ocl::read};

    fn document(text: &str) -> OclProcess {
        read(SourceId(0), text).unwrap()
    }

    #[test]
    fn the_naming_style_is_detected_from_pools_and_steps() {
        let pool =
            |text: &str| format!("step \"a\" {{\naction {{\nworker_pool = \"{text}\"\n}}\n}}\n");
        let table = [
            (pool("Hosted Ubuntu"), Some(PoolNaming::Names)),
            (pool("Ubuntu"), Some(PoolNaming::Names)),
            (pool("hosted-ubuntu"), None),
            (pool("hosted_ubuntu"), None),
            (pool("#{Pool}"), None),
            ("step \"Drain all\" {\naction {\n}\n}\n".to_owned(), Some(PoolNaming::Names)),
            (
                "step \"drain\" {\nname = \"Drain\"\naction {\n}\n}\n".to_owned(),
                Some(PoolNaming::Slugs),
            ),
            ("version = 1\n".to_owned(), None),
        ];
        for (text, style) in &table {
            assert_eq!(PoolNaming::detect_style(&document(text)), *style, "{text}");
        }
    }

    fn styles(files: &[(&str, &str)]) -> Vec<PoolNaming> {
        let parsed: Vec<_> = files.iter().map(|(_, text)| document(text)).collect();
        let paths = files.iter().map(|(path, _)| Path::new(*path));
        PoolNaming::detect_styles(&paths.zip(&parsed).collect::<Vec<_>>())
    }

    const NAMES: &str = "step \"Drain all\" {\naction {\n}\n}\n";
    const SLUGS: &str = "step \"drain\" {\nname = \"Drain\"\naction {\n}\n}\n";
    const NEITHER: &str = "step \"drain\" {\naction {\n}\n}\n";

    #[test]
    fn a_file_without_a_style_follows_the_other_files() {
        use PoolNaming::{Names, Slugs};
        assert_eq!(styles(&[("a", NAMES), ("b", NEITHER)]), [Names, Names]);
        assert_eq!(styles(&[("a", SLUGS), ("b", NEITHER)]), [Slugs, Slugs]);
        assert_eq!(styles(&[("a", NAMES), ("b", SLUGS), ("c", NEITHER)]), [Names, Slugs, Slugs]);
        assert_eq!(styles(&[("a", NEITHER)]), [Slugs]);
    }

    #[test]
    fn the_schema_version_decides_the_style_of_its_folder() {
        use PoolNaming::{Names, Slugs};
        let tree = |version: u32, text: &str| {
            let schema = format!("version = {version}");
            styles(&[
                (".octopus/schema_version.ocl", &schema),
                (".octopus/deployment_process.ocl", text),
                (".octopus/runbooks/r.ocl", text),
                ("other/.octopus/deployment_process.ocl", text),
            ])
        };
        assert_eq!(tree(10, NAMES)[1..], [Slugs, Slugs, Names]);
        assert_eq!(tree(5, NAMES)[1..], [Slugs, Slugs, Names]);
        assert_eq!(tree(3, SLUGS)[1..], [Names, Names, Slugs]);
        assert_eq!(tree(4, SLUGS)[1..], [Slugs, Slugs, Slugs]);
        assert_eq!(tree(4, NAMES)[1..], [Names, Names, Names]);
    }
}
