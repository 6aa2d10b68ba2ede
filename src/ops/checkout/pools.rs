//! Pools as files refer to them: by slug or, in files from early servers, by name.
//!
//! A working tree has no list of pools. All that is known about them comes from the rules and the files, and a slug
//! that neither of them has is derived from the pool's name only if there is no doubt about it.

use super::style::{PoolNaming, cannot_be_slug, has_variable, written_pools};

use poolwright_core::{
    desired::{
        CurrentPlace, Declared, Desired, DesiredPool, DesiredPoolRef, PlacementRule,
        PlacementVerdict, ValueVerdict,
    },
    finding::{Code, Finding, Span},
    live::LivePool,
    model::{Id, Name, Place, PoolKind, dash_words, derive_slug},
    ocl::OclProcess,
    text::nearest_name,
};

use std::collections::{BTreeSet, HashMap};

/// Every pool that the files and the rules mention.
#[derive(Debug, Default)]
pub(super) struct CheckoutPools {
    pools: Vec<CheckoutPool>,
    by_slug: HashMap<String, usize>,
    by_name: HashMap<Name, usize>,
    by_words: HashMap<String, usize>,
    /// The keys of the pools as the files write them, by [`pool_words`].
    written: BTreeSet<String>,
    /// The slugs that the files have.
    written_slugs: BTreeSet<String>,
}

/// What is known about a pool.
#[derive(Debug)]
struct CheckoutPool {
    /// Its id in the state that is planned.
    id: String,
    /// Its name as the rules or an OCL file has it.
    name: Name,
    slug: PoolSlug,
    /// Its key in the rules, and where they declare it.
    declared: Option<(String, Span)>,
}

/// What is known about a pool's slug.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PoolSlug {
    /// The rules or the files have it.
    Known(String),
    /// It follows from the name, and no file confirms it.
    Derived(String),
    /// It does not follow from the name, for this reason.
    Doubtful(String),
}

impl PoolSlug {
    fn derive(name: &str) -> Self {
        match derive_slug(name) {
            Ok(slug) => Self::Derived(slug),
            Err(doubt) => Self::Doubtful(doubt.to_string()),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Known(slug) | Self::Derived(slug) => Some(slug),
            Self::Doubtful(_) => None,
        }
    }
}

impl CheckoutPools {
    /// Collects the pools that `desired` declares, its rules refer to, and `documents` use.
    pub(super) fn from_documents(desired: &Desired, documents: &[&OclProcess]) -> Self {
        let used: Vec<&str> = documents.iter().flat_map(|it| written_pools(it)).collect();
        let slugs = used.iter().filter(|text| !cannot_be_slug(text));
        let mut known = Self {
            written: used.iter().map(|text| pool_words(text)).collect(),
            written_slugs: slugs.map(|text| (*text).to_owned()).collect(),
            ..Self::default()
        };
        known.add_declared(desired);
        let rules = desired.rules.iter().flat_map(|rule| rule_pools(&rule.value));
        let values = desired.values.iter().filter_map(|rule| match &rule.verdict {
            ValueVerdict::Pool(pool) => live_name(pool),
            ValueVerdict::Remove => None,
        });
        // A file that uses names shows a pool's name better than a slug does.
        let all = used.into_iter().chain(rules).chain(values);
        let (named, others): (Vec<&str>, Vec<&str>) = all.partition(|it| cannot_be_slug(it));
        let own_slugs: HashMap<String, &str> =
            others.iter().rev().map(|text| (pool_words(text), *text)).collect();
        for text in named.into_iter().chain(others.iter().copied()) {
            if known.find(text).is_none() {
                let own = own_slugs.get(&pool_words(text));
                let slug = own.map_or_else(|| PoolSlug::derive(text), |own| known.named_slug(own));
                let (id, name) = (pool_words(text), Name::new(text));
                known.add(CheckoutPool { id, name, slug, declared: None }, &[]);
            }
        }
        known
    }

    fn add_declared(&mut self, desired: &Desired) {
        let pools: Vec<(&String, &Declared<DesiredPool>)> = desired.pools.iter().collect();
        let slugs: Vec<PoolSlug> = pools.iter().map(|(_, pool)| self.declared_slug(pool)).collect();
        let mut owners: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, slug) in slugs.iter().enumerate() {
            if let Some(text) = slug.text() {
                owners.entry(text).or_default().push(at);
            }
        }
        for (at, (key, pool)) in pools.iter().enumerate() {
            let slug = slugs.get(at).cloned().unwrap_or_else(|| PoolSlug::Doubtful(String::new()));
            let sharing = slug.text().and_then(|text| owners.get(text)).into_iter().flatten();
            let other = sharing.filter(|other| **other != at).find_map(|other| pools.get(*other));
            let slug = match (other, &pool.slug) {
                (Some((other, _)), None) => {
                    PoolSlug::Doubtful(format!("`pools.{other}` has a name with the same slug"))
                }
                _ => slug,
            };
            let declared = Some(((*key).clone(), pool.span.clone()));
            let known = CheckoutPool {
                id: format!("pools.{key}"),
                name: pool.name.clone(),
                slug,
                declared,
            };
            let before: Vec<&str> = pool.renamed_from.iter().map(|it| it.value.as_str()).collect();
            self.add(known, &before);
        }
    }

    /// Returns the slug that the file declares, or that an OCL file has for the pool's name or a former name of it,
    /// or else the one that follows from its name.
    fn declared_slug(&self, pool: &DesiredPool) -> PoolSlug {
        if let Some(slug) = &pool.slug {
            return PoolSlug::Known(slug.value.clone());
        }
        let before = pool.renamed_from.iter().map(|it| it.value.as_str());
        let names = std::iter::once(pool.name.as_str()).chain(before);
        let written = names.map(pool_words).find_map(|words| {
            self.written_slugs.iter().find(|slug| pool_words(slug) == words).cloned()
        });
        // A pool keeps its slug when it is renamed.
        let mut before = pool.renamed_from.iter().map(|it| it.value.as_str());
        let before = before.find(|name| self.written.contains(&pool_words(name)));
        let name = before.unwrap_or(pool.name.as_str());
        written.map_or_else(|| PoolSlug::derive(name), PoolSlug::Known)
    }

    /// Returns the slug that a file or a rule writes, unless only a rule does and Octopus could not have given it.
    fn named_slug(&self, text: &str) -> PoolSlug {
        match derive_slug(text) {
            Err(doubt) if !self.written_slugs.contains(text) && !has_variable(text) => {
                PoolSlug::Doubtful(doubt.to_string())
            }
            _ => PoolSlug::Known(text.to_owned()),
        }
    }

    /// Adds a pool, under its name, its slug and its former names.
    fn add(&mut self, pool: CheckoutPool, former_names: &[&str]) {
        let at = self.pools.len();
        if let Some(slug) = pool.slug.text() {
            self.by_slug.entry(slug.to_owned()).or_insert(at);
            self.by_words.entry(pool_words(slug)).or_insert(at);
        }
        for name in std::iter::once(pool.name.as_str()).chain(former_names.iter().copied()) {
            self.by_name.entry(Name::new(name)).or_insert(at);
            self.by_words.entry(pool_words(name)).or_insert(at);
        }
        self.pools.push(pool);
    }

    /// Returns the pool that a file or a rule calls `text`: its slug, its name, or another spelling of these.
    fn find(&self, text: &str) -> Option<&CheckoutPool> {
        let at = self.by_slug.get(text).or_else(|| self.by_name.get(&Name::new(text)));
        self.pools.get(*at.or_else(|| self.by_words.get(&pool_words(text)))?)
    }

    /// Returns the id of the pool that a file calls `text`.
    pub(super) fn id_of_text(&self, text: &str) -> String {
        self.find(text).map_or_else(|| text.to_owned(), |pool| pool.id.clone())
    }

    /// Returns the id of the pool that a rule refers to.
    pub(super) fn id_of_reference(&self, reference: &DesiredPoolRef) -> String {
        match reference {
            DesiredPoolRef::Declared(key) => format!("pools.{key}"),
            DesiredPoolRef::Live(text) => self.id_of_text(text),
        }
    }

    fn by_id(&self, id: &str) -> Option<&CheckoutPool> {
        self.pools.iter().find(|pool| pool.id == id)
    }

    /// Returns the pools as a server would have them.
    pub(super) fn live_pools(&self) -> Vec<LivePool> {
        let pool = |known: &CheckoutPool| LivePool {
            id: Id::new(&known.id),
            name: known.name.clone(),
            slug: known.slug.text().unwrap_or_default().to_owned(),
            description: String::new(),
            kind: PoolKind::Static,
            default: false,
        };
        self.pools.iter().map(pool).collect()
    }

    /// Returns each pool's text in this style, by the pool's id; a pool with a doubtful slug has none.
    pub(super) fn spellings(&self, style: PoolNaming) -> HashMap<String, String> {
        let spell = |pool: &CheckoutPool| match style {
            PoolNaming::Names => Some(pool.name.as_str().to_owned()),
            PoolNaming::Slugs => pool.slug.text().map(str::to_owned),
        };
        self.pools.iter().filter_map(|pool| Some((pool.id.clone(), spell(pool)?))).collect()
    }

    /// Returns findings about the slugs of the pools with these ids, which files with slugs are to get: an error for
    /// a doubtful one, a warning for one that is derived.
    pub(super) fn slug_findings(
        &self,
        wanted: &BTreeSet<String>,
        desired: &Desired,
    ) -> Vec<Finding> {
        let wanted = wanted.iter().filter_map(|id| self.by_id(id));
        wanted.filter_map(|pool| self.slug_finding(pool, desired)).collect()
    }

    fn slug_finding(&self, pool: &CheckoutPool, desired: &Desired) -> Option<Finding> {
        let name = &pool.name;
        let at = pool.declared.as_ref().map(|(_, span)| span.clone());
        let at = at.or_else(|| reference_span(desired, name.as_str()))?;
        let table = match &pool.declared {
            Some((key, _)) => format!("`[pools.{key}]`"),
            None => format!("a table of `[pools]` with `name = {:?}`", name.as_str()),
        };
        match &pool.slug {
            PoolSlug::Doubtful(why) => {
                let message = format!("the slug of pool `{name}` is uncertain: {why}");
                let finding = Finding::error(Code::DoubtfulSlug, at, message);
                Some(finding.with_help(format!(
                    "add `slug = \"…\"` to {table}, as the pool's settings in Octopus show it"
                )))
            }
            PoolSlug::Derived(slug) if pool.declared.is_some() => {
                let message = format!(
                    "no file has the slug `{slug}`, which is derived from the name of pool `{name}`"
                );
                let near = nearest_name(slug, self.written_slugs.iter().map(String::as_str));
                let help = match near {
                    Some(near) => format!(
                        "a similar slug is in the files: `{near}`; add the right one to {table} as `slug`"
                    ),
                    None => {
                        format!("add `slug = \"{slug}\"` to {table} if that is the slug in Octopus")
                    }
                };
                Some(Finding::warning(Code::DerivedSlug, at, message).with_help(help))
            }
            PoolSlug::Known(_) | PoolSlug::Derived(_) => None,
        }
    }

    /// Returns the ids of the pools whose names have the same slug as another's, if a rule refers to them: the files
    /// do not tell which of the two their steps name.
    pub(super) fn shared_slugs(&self, desired: &Desired) -> BTreeSet<String> {
        let rules = desired.rules.iter().flat_map(|rule| rule_references(&rule.value));
        let ids = rules.map(|reference| self.id_of_reference(reference));
        let is_shared = |id: &String| {
            let pool = self.by_id(id);
            pool.is_some_and(|pool| {
                pool.slug.text().is_none() && derive_slug(pool.name.as_str()).is_ok()
            })
        };
        ids.filter(is_shared).collect()
    }

    /// Returns a warning for each rule that moves steps to a pool that nothing else mentions. `wanted` has the ids of
    /// the pools that steps move to.
    pub(super) fn unknown_pool_warnings(
        &self,
        desired: &Desired,
        wanted: &BTreeSet<String>,
    ) -> Vec<Finding> {
        let unknown_pool = |rule: &Declared<PlacementRule>| {
            let PlacementVerdict::Place(target) = &rule.verdict else { return None };
            let Place::Pool(pool) = &target.place else { return None };
            let text = live_name(&pool.value)?;
            let known = self.find(text)?;
            let is_unknown = known.declared.is_none() && !self.written.contains(&pool_words(text));
            (is_unknown && wanted.contains(&known.id)).then_some(())?;
            let names = desired.pools.values().map(|it| it.name.as_str());
            let near = desired.pools.keys().map(String::as_str).chain(names);
            let near = nearest_name(text, near.chain(self.written.iter().map(String::as_str)));
            let slug = known.slug.text().unwrap_or(text);
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
}

/// Returns a key that all spellings of a pool have: `SQL Pool` and `sql-pool` → `sql-pool`.
pub(super) fn pool_words(text: &str) -> String {
    let words = dash_words(text);
    if has_variable(text) || words.is_empty() { text.to_owned() } else { words }
}

fn live_name(pool: &DesiredPoolRef) -> Option<&str> {
    match pool {
        DesiredPoolRef::Live(text) => Some(text),
        DesiredPoolRef::Declared(_) => None,
    }
}

/// Returns the pools that a rule refers to.
fn rule_references(rule: &PlacementRule) -> impl Iterator<Item = &DesiredPoolRef> {
    let target = match &rule.verdict {
        PlacementVerdict::Place(target) => match &target.place {
            Place::Pool(pool) => Some(&pool.value),
            Place::Variable(_) | Place::DefaultPool => None,
        },
        PlacementVerdict::Leave => None,
    };
    let current = rule.select.currently.iter().flat_map(|it| it.value.all_places());
    let current = current.filter_map(|place| match place {
        CurrentPlace::Pool(pool) => Some(&pool.value),
        _ => None,
    });
    target.into_iter().chain(current)
}

/// Returns the undeclared pools that a rule refers to, by name or slug.
fn rule_pools(rule: &PlacementRule) -> impl Iterator<Item = &str> {
    rule_references(rule).filter_map(live_name)
}

/// Returns where a rule refers to an undeclared pool.
fn reference_span(desired: &Desired, text: &str) -> Option<Span> {
    let placed = desired.rules.iter().filter_map(|rule| match &rule.verdict {
        PlacementVerdict::Place(target) => match &target.place {
            Place::Pool(pool) => Some(pool),
            Place::Variable(_) | Place::DefaultPool => None,
        },
        PlacementVerdict::Leave => None,
    });
    let set = desired.values.iter().filter_map(|rule| match &rule.verdict {
        ValueVerdict::Pool(pool) => Some(pool),
        ValueVerdict::Remove => None,
    });
    let mut all = placed.chain(set);
    all.find(|pool| live_name(&pool.value) == Some(text)).map(|pool| pool.span.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{LoadedFiles, sample::source};
    use poolwright_core::{finding::SourceId, ocl::read};

    fn pools(rules: &str, written: &[&str]) -> (CheckoutPools, Desired) {
        let desired = LoadedFiles::parse(source(&format!("version = 1\n{rules}"))).unwrap().desired;
        let step =
            |pool: &&str| format!("step \"a\" {{\naction {{\nworker_pool = {pool:?}\n}}\n}}\n");
        let text: String = written.iter().map(step).collect();
        let document = read(SourceId(0), &text).unwrap();
        (CheckoutPools::from_documents(&desired, &[&document]), desired)
    }

    /// The slug of a declared pool, or the finding about it.
    fn slug(rules: &str, written: &[&str], key: &str) -> String {
        let (pools, desired) = pools(rules, written);
        let id = format!("pools.{key}");
        let found = pools.slug_findings(&[id.clone()].into(), &desired);
        let codes: String = found.iter().map(|it| format!(" {}", it.code)).collect();
        let spelled = pools.spellings(PoolNaming::Slugs).remove(&id);
        format!("{}{codes}", spelled.as_deref().unwrap_or("-"))
    }

    #[test]
    fn a_slug_is_declared_found_in_files_derived_or_doubtful() {
        let named = |name: &str| format!("[pools.a]\nname = {name:?}\n");
        let table = [
            (named("SQL Pool"), &["sql-pool"][..], "sql-pool"),
            (named("SQL Pool"), &["sql_pool"], "sql_pool"),
            (named("SQL Pool"), &["other"], "sql-pool derived-slug"),
            (named("All"), &[], "- doubtful-slug"),
            (named("東京"), &[], "- doubtful-slug"),
            (named("Tür Pool"), &[], "- doubtful-slug"),
            (named("Tür Pool"), &["tür-pool"], "tür-pool"),
            (format!("{}slug = \"tokyo\"\n", named("東京")), &[], "tokyo"),
            (format!("{}renamed_from = \"Old\"\n", named("New")), &["old"], "old"),
            (format!("{}[pools.b]\nname = \"A-B\"\n", named("A B")), &["a-b"], "- doubtful-slug"),
            (
                format!("{}[pools.b]\nname = \"x\"\nslug = \"a-b\"\n", named("A B")),
                &[],
                "- doubtful-slug",
            ),
            (
                format!("{}slug = \"a-b-1\"\n[pools.b]\nname = \"A-B\"\n", named("A B")),
                &["a-b"],
                "a-b-1",
            ),
        ];
        for (rules, written, told) in table {
            assert_eq!(slug(&rules, written, "a"), told, "{rules}");
        }
    }

    #[test]
    fn a_pool_named_only_by_a_rule_is_written_as_a_valid_slug() {
        let told = |text: &str, written: &[&str]| {
            let rule = format!("[[placements]]\nstep = \"*\"\npool = {text:?}\n");
            let (pools, desired) = pools(&rule, written);
            let id = pools.id_of_text(text);
            let found = pools.slug_findings(&[id.clone()].into(), &desired);
            assert!(found.iter().all(|it| it.code == Code::DoubtfulSlug));
            pools.spellings(PoolNaming::Slugs).remove(&id)
        };
        for (text, slug) in [("my_pool", "my_pool"), ("SQL Pool", "sql-pool"), ("#{P}", "#{P}")] {
            assert_eq!(told(text, &[]).as_deref(), Some(slug));
        }
        for text in ["東京", "all", "All", "tür", "!"] {
            assert_eq!(told(text, &[]), None, "{text}");
        }
        // What Octopus wrote itself is a slug.
        assert_eq!(told("tür", &["tür"]).as_deref(), Some("tür"));
    }

    #[test]
    fn a_pool_is_found_by_each_of_its_spellings() {
        let rules = "[pools.a]\nname = \"東京\"\nslug = \"tokyo\"\nrenamed_from = \"Old Pool\"\n";
        let (pools, _) = pools(rules, &["Hosted Ubuntu", "#{Pool}"]);
        for text in ["東京", "tokyo", "Tokyo", "old-pool", "Old Pool"] {
            assert_eq!(pools.id_of_text(text), "pools.a", "{text}");
        }
        assert_eq!(pools.id_of_text("hosted-ubuntu"), "hosted-ubuntu");
        assert_eq!(pools.id_of_text("#{Pool}"), "#{Pool}");
        let names = pools.spellings(PoolNaming::Names);
        assert_eq!(names["hosted-ubuntu"], "Hosted Ubuntu");
        assert_eq!(names["pools.a"], "東京");
    }

    #[test]
    fn pools_with_the_same_slug_are_reported_if_a_rule_uses_one() {
        let two = "[pools.a]\nname = \"A B\"\n[pools.b]\nname = \"A-B\"\n";
        let rule = |key: &str| format!("{two}[[placements]]\nstep = \"*\"\npool = {key:?}\n");
        let (found, desired) = pools(&rule("a"), &["a-b"]);
        assert_eq!(found.shared_slugs(&desired), ["pools.a".to_owned()].into());
        let (found, desired) = pools(&rule("c"), &["a-b"]);
        assert_eq!(found.shared_slugs(&desired), BTreeSet::new());
    }
}
