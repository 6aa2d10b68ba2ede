//! Pools as files refer to them: by slug or, in files from early servers, by name.
//!
//! A working tree has no list of pools. All that is known about them comes from the rules and the files.

use poolwright_core::{
    desired::{CurrentPlace, Declared, Desired, DesiredPoolRef, PlacementRule, PlacementVerdict},
    finding::{Code, Finding},
    live::LivePool,
    model::{Id, Name, Place, PoolKind},
    ocl::OclProcess,
    text::nearest_name,
};

use std::collections::{BTreeMap, BTreeSet};

/// Every pool that the files and the rules mention, keyed by the [`slugify`] of its name or slug: all spellings of
/// one pool have one key.
#[derive(Debug, Default)]
pub(super) struct CheckoutPools(BTreeMap<String, CheckoutPool>);

/// What is known about a pool.
#[derive(Debug)]
struct CheckoutPool {
    /// Its name as the rules or an OCL file has it.
    name: Name,
    /// Its slug as a file or a rule has it, which need not be derived from the name.
    slug: String,
}

impl CheckoutPools {
    /// Collects the pools that `desired` declares, its rules refer to, and `documents` use.
    pub(super) fn from_documents(desired: &Desired, documents: &[&OclProcess]) -> Self {
        let used: Vec<&str> = documents.iter().flat_map(|it| written_pools(it)).collect();
        let slugs: BTreeSet<String> = used.iter().map(|it| slugify(it)).collect();
        let mut names = BTreeMap::new();
        for pool in desired.pools.values() {
            let old = pool.renamed_from.iter().map(|it| slugify(it)).find(|it| slugs.contains(it));
            let own = slugify(pool.name.as_str());
            // A renamed pool keeps its slug, and the files use it.
            let slug = if slugs.contains(&own) { own } else { old.unwrap_or(own) };
            names.insert(slug, pool.name.clone());
        }
        let referred = desired.rules.iter().flat_map(|rule| referenced_pools(&rule.value));
        let all: Vec<&str> = used.into_iter().chain(referred).collect();
        // A file that uses names shows a pool's name better than a slug does.
        let (named, others): (Vec<&str>, Vec<&str>) =
            all.into_iter().partition(|it| cannot_be_slug(it));
        for text in named.iter().chain(&others).copied() {
            names.entry(slugify(text)).or_insert_with(|| Name::new(text));
        }
        let known_pool = |(made, name): (String, Name)| {
            let own = others.iter().find(|other| slugify(other) == made);
            let slug = own.map_or_else(|| made.clone(), |own| (*own).to_owned());
            (made, CheckoutPool { name, slug })
        };
        Self(names.into_iter().map(known_pool).collect())
    }

    /// Returns the pools as a server would have them, with their keys as ids.
    pub(super) fn live_pools(&self) -> Vec<LivePool> {
        let pool = |(made, known): (&String, &CheckoutPool)| LivePool {
            id: Id::new(made),
            name: known.name.clone(),
            slug: known.slug.clone(),
            description: String::new(),
            kind: PoolKind::Static,
            default: false,
        };
        self.0.iter().map(pool).collect()
    }

    /// Spells the pool with this id in this style.
    pub(super) fn spell_pool(&self, id: &str, style: PoolNaming) -> String {
        let known = self.0.get(id).map(|pool| match style {
            PoolNaming::Names => pool.name.as_str(),
            PoolNaming::Slugs => pool.slug.as_str(),
        });
        known.unwrap_or(id).to_owned()
    }
}

/// How a file refers to pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PoolNaming {
    /// By slug, as servers from 2022.3.4517 on do.
    Slugs,
    /// By name, as earlier servers do.
    Names,
}

impl PoolNaming {
    /// Returns the style of each document: its own or, if it shows none, that of the others.
    pub(super) fn detect_styles(documents: &[&OclProcess]) -> Vec<Self> {
        let own: Vec<Option<Self>> = documents.iter().map(|it| Self::detect_style(it)).collect();
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

/// Returns the pools that a document uses, as written.
fn written_pools(document: &OclProcess) -> impl Iterator<Item = &str> {
    document.actions.iter().filter_map(|action| match &action.place {
        Place::Pool(pool) => Some(pool.as_str()),
        _ => None,
    })
}

/// Whether a text is neither a slug nor an expression that may evaluate to one.
fn cannot_be_slug(text: &str) -> bool {
    !has_variable(text) && text.contains(|c: char| c.is_uppercase() || c.is_whitespace())
}

/// Whether a text contains a variable, such as a template's parameter.
fn has_variable(text: &str) -> bool {
    text.contains("#{")
}

/// Returns a warning for each rule that moves steps to a pool that nothing else mentions. `wanted` has the slugs of
/// the pools that steps move to.
pub(super) fn unknown_pool_warnings(
    desired: &Desired,
    documents: &[&OclProcess],
    wanted: &BTreeSet<String>,
) -> Vec<Finding> {
    let known: BTreeSet<String> =
        documents.iter().flat_map(|it| written_pools(it)).map(slugify).collect();
    let unknown_pool = |rule: &Declared<PlacementRule>| {
        let PlacementVerdict::Place(target) = &rule.verdict else { return None };
        let Place::Pool(pool) = &target.place else { return None };
        let DesiredPoolRef::Live(text) = &pool.value else { return None };
        let slug = slugify(text);
        (!known.contains(&slug) && wanted.contains(&slug)).then_some(())?;
        let names = desired.pools.values().map(|it| it.name.as_str());
        let near = desired.pools.keys().map(String::as_str).chain(names);
        let near = nearest_name(text, near.chain(known.iter().map(String::as_str)));
        let help = match near {
            Some(near) => format!("a pool with a similar name is known: `{near}`"),
            None => format!(
                "declare the pool with its name under `[pools]`; its slug is assumed to be `{slug}`"
            ),
        };
        let message =
            format!("pool `{text}` is not declared, and no step in these files runs in it");
        Some(Finding::warning(Code::UnknownPool, pool.span.clone(), message).with_help(help))
    };
    desired.rules.iter().filter_map(unknown_pool).collect()
}

/// Returns the undeclared pools that a rule refers to, by name or slug.
fn referenced_pools(rule: &PlacementRule) -> Vec<&str> {
    fn live_name(pool: &DesiredPoolRef) -> Option<&str> {
        match pool {
            DesiredPoolRef::Live(text) => Some(text),
            DesiredPoolRef::Declared(_) => None,
        }
    }
    let mut names = Vec::new();
    if let PlacementVerdict::Place(target) = &rule.verdict
        && let Place::Pool(pool) = &target.place
    {
        names.extend(live_name(&pool.value));
    }
    for place in rule.select.currently.iter().flat_map(|it| it.value.all_places()) {
        if let CurrentPlace::Pool(pool) = place {
            names.extend(live_name(pool));
        }
    }
    names
}

/// Derives a slug from a pool's name as Octopus does: `Kubernetes Worker Pool` → `kubernetes-worker-pool`.
///
/// # Source
///
/// `api.md` 3.1. A renamed pool keeps its slug, and rules refer to it by that slug.
pub(super) fn slugify(name: &str) -> String {
    if has_variable(name) {
        return name.to_owned();
    }
    let dashed: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::{finding::SourceId, ocl::read};

    fn document(text: &str) -> OclProcess {
        read(SourceId(0), text).unwrap()
    }

    #[test]
    fn a_file_shows_by_its_pools_or_its_steps_how_it_refers_to_pools() {
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

    #[test]
    fn a_file_that_shows_no_style_is_like_the_others() {
        let [names, slugs, none] = [
            "step \"Drain all\" {\naction {\n}\n}\n",
            "step \"drain\" {\nname = \"Drain\"\naction {\n}\n}\n",
            "step \"drain\" {\naction {\n}\n}\n",
        ]
        .map(document);
        use PoolNaming::{Names, Slugs};
        assert_eq!(PoolNaming::detect_styles(&[&names, &none]), [Names, Names]);
        assert_eq!(PoolNaming::detect_styles(&[&slugs, &none]), [Slugs, Slugs]);
        assert_eq!(PoolNaming::detect_styles(&[&names, &slugs, &none]), [Names, Slugs, Slugs]);
        assert_eq!(PoolNaming::detect_styles(&[&none]), [Slugs]);
    }

    #[test]
    fn a_slug_is_made_as_octopus_makes_it() {
        let table = [
            ("Kubernetes  Worker (Pool)", "kubernetes-worker-pool"),
            ("a.b_c", "a-b-c"),
            ("#{Pool}", "#{Pool}"),
        ];
        for (name, made) in table {
            assert_eq!(slugify(name), made);
        }
    }
}
