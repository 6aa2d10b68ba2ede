//! Writes [`Live`] as a `workers.toml`, the way a person would.
//!
//! A plan of the text is empty. What the language cannot express becomes a comment, never an
//! approximation. Never: I/O, or deciding what should be.

mod indirect_pools;
mod keep;
mod keys;
mod placements;
mod toml;
mod workers;

pub use keep::{FilePlan, KeepError, KeepReason, KeepResult, keep_text};
pub use placements::RuleCoverage;

use crate::{
    live::{HiddenData, Live, LivePool, LiveVariableSet, UnreadPart, VariableStore},
    model::{Id, Name, Pool, PoolKind},
    text::escape::{Escaped, Syntax, escape_output},
};

use keys::KeyAllocator;
use std::{collections::HashMap, fmt::Write as _};
use toml::{escape_value, is_valid_name, table_key};

/// How the file refers to pools.
struct PulledPools<'a> {
    /// The pools that the file declares, with their keys.
    declared: Vec<(String, &'a LivePool)>,
    by_id: HashMap<&'a Id<Pool>, String>,
    /// Comments on the pools that the file cannot declare.
    omitted: Vec<String>,
}

/// Renders all of `live` as a file. `url` is the server's address as the user gave it.
pub fn render_config(live: &Live, url: &str, coverage: RuleCoverage) -> String {
    let pools = PulledPools::new(&live.pools);
    let mut text = render_header(live, url);
    text.extend(pools.declared.iter().map(|(key, pool)| render_pool_table(key, pool)));
    push_comments(&mut text, &pools.omitted);
    text.push_str(&workers::render_all_tables(live, &pools));
    text.push_str(&placements::render_rules(live, &pools, coverage));
    text.push_str(&indirect_pools::indirect_tables(live, &pools));
    text
}

fn render_header(live: &Live, url: &str) -> String {
    let server = &live.server;
    let mut text = String::new();
    let version = if server.version.is_empty() {
        String::new()
    } else {
        format!(" (Octopus {})", server.version)
    };
    let space = &server.space.name;
    push_comment(&mut text, &format!("Space {space:?} on {url}{version}."));
    for UnreadPart { what, why, .. } in &live.unread {
        push_comment(&mut text, &format!("Not included: {what}: {why}"));
    }
    _ = write!(
        text,
        "version = 1\n\n[octopus]\nurl   = {}\nspace = {}\n",
        escape_value(url),
        // A name that the language does not accept is replaced by the id.
        escape_value(if is_valid_name(space) { space } else { server.space.id.as_str() })
    );
    if let Some(on) = server.built_in_worker {
        _ = write!(text, "\n[server]\nbuilt_in_worker = {on}\n");
    }
    let is_on_branch = |set: &LiveVariableSet| matches!(set.store, VariableStore::Branch(_));
    if live.processes.iter().any(|process| process.git.is_some())
        || live.indirect.sets.iter().any(is_on_branch)
    {
        text.push_str("\n[version_control]\nbranch = \"default\"\n");
        if live.unread.iter().any(|part| part.hidden == HiddenData::StepsInGit) {
            text.push_str("on_unreachable = \"skip\"\n");
        }
    }
    text
}

impl<'a> PulledPools<'a> {
    fn new(pools: &'a [LivePool]) -> Self {
        let mut keys = KeyAllocator::new(pools.iter().map(|pool| pool.name.as_str()));
        let mut this = Self { declared: Vec::new(), by_id: HashMap::new(), omitted: Vec::new() };
        for pool in pools {
            if let Some(why) = undeclarable_reason(pool, pools) {
                this.omitted.push(format!("Pool {:?} ({}): {why}.", pool.name, pool.id.as_str()));
                let free = is_unambiguous_id(pool.id.as_str(), pools);
                this.by_id.extend(free.then(|| (&pool.id, pool.id.as_str().to_owned())));
                continue;
            }
            let key = keys.assign_key(pool.name.as_str());
            this.by_id.insert(&pool.id, key.clone());
            this.declared.push((key, pool));
        }
        this
    }

    /// Returns how the file refers to a pool: by its key, or by its id if the file does not declare it.
    fn pool_reference(&self, id: &Id<Pool>) -> String {
        self.by_id.get(id).cloned().unwrap_or_else(|| id.as_str().to_owned())
    }

    /// Returns whether the file can refer to the pool.
    fn has_reference(&self, id: &Id<Pool>) -> bool {
        self.by_id.contains_key(id)
    }
}

/// Returns why the file cannot declare a pool, or `None` if it can.
fn undeclarable_reason(pool: &LivePool, pools: &[LivePool]) -> Option<&'static str> {
    if pools.iter().filter(|candidate| candidate.name == pool.name).count() > 1 {
        return Some("another pool has the same name");
    }
    if matches!(&pool.kind, PoolKind::Dynamic { image } if image.trim().is_empty()) {
        return Some("it is dynamic but has no image");
    }
    (!is_valid_name(pool.name.as_str()))
        .then_some("its name is not a single line of at most 200 characters")
}

/// Returns whether a pool's id is not also the name of a pool.
fn is_unambiguous_id(id: &str, pools: &[LivePool]) -> bool {
    !pools.iter().any(|pool| pool.name == Name::new(id))
}

fn render_pool_table(key: &str, pool: &LivePool) -> String {
    let mut text = format!("\n[pools.{}]\n", table_key(key));
    let mut write_line = |key: &str, value: String| _ = writeln!(text, "{key} = {value}");
    if Name::new(key).as_str() != pool.name.as_str() {
        write_line("name", escape_value(pool.name.as_str()));
    }
    if !pool.description.is_empty() {
        write_line("description", escape_value(&pool.description));
    }
    if let PoolKind::Dynamic { image } = &pool.kind {
        write_line("image", escape_value(image));
    }
    if pool.default {
        write_line("default", true.to_string());
    }
    text
}

/// Adds a comment on one line, with control characters replaced by spaces.
fn push_comment(text: &mut String, comment: &str) {
    let comment = format!("# {}", Escaped(comment));
    _ = writeln!(text, "{}", escape_output(&comment, Syntax::Toml));
}

fn push_comments(text: &mut String, comments: &[String]) {
    if !comments.is_empty() {
        text.push('\n');
        comments.iter().for_each(|comment| push_comment(text, comment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Directory, LiveServer};
    use crate::model::Linked;

    fn pool(id: &str, name: &str, image: Option<&str>) -> LivePool {
        let kind =
            image.map_or(PoolKind::Static, |image| PoolKind::Dynamic { image: image.to_owned() });
        LivePool {
            id: Id::new(id),
            name: Name::new(name),
            slug: String::new(),
            description: String::new(),
            kind,
            default: false,
        }
    }

    fn render_pools(pools: Vec<LivePool>) -> String {
        let space = Linked::new("Spaces-1", "Default");
        let live = Live {
            server: LiveServer {
                url: String::new(),
                version: "2026.2.9314".to_owned(),
                space,
                built_in_worker: Some(false),
            },
            pools,
            workers: Vec::new(),
            projects: Vec::new(),
            processes: Vec::new(),
            directory: Directory::default(),
            references: Vec::new(),
            indirect: Default::default(),
            snapshots: Vec::new(),
            other_spaces: Vec::new(),
            unread: Vec::new(),
        };
        render_config(&live, "https://octopus.acme.example", RuleCoverage::Seen)
    }

    #[test]
    fn pools_get_the_keys_that_a_person_would_choose() {
        let first = LivePool {
            default: true,
            description: "for \"all\"\nand none".to_owned(),
            ..pool("WorkerPools-1", "Default Worker Pool", None)
        };
        let others = [
            ("WorkerPools-2", "Hosted Ubuntu", Some("UbuntuDefault")),
            ("WorkerPools-3", "linux", None),
        ];
        let others = others.map(|(id, name, image)| pool(id, name, image));
        insta::assert_snapshot!(render_pools([vec![first], others.to_vec()].concat()));
    }

    #[test]
    fn pools_that_cannot_be_declared_become_comments() {
        let pools = [
            ("WorkerPools-1", "Twice"),
            ("WorkerPools-2", "TWICE"),
            ("WorkerPools-3", "a ${b}\n[pools.x]"),
        ];
        let text = render_pools(pools.map(|(id, name)| pool(id, name, None)).to_vec());
        insta::assert_snapshot!(text);
    }
}
