//! [`Live`] → the text of a `workers.toml` that a person would have written.
//!
//! A plan of that text is empty. What the language cannot say stands in it as a comment, and never as
//! something near it. Never: I/O, or a choice of what should be.

mod indirect_pools;
mod keep;
mod keys;
mod placements;
mod toml;
mod workers;

pub use keep::{FilePlan, KeepError, KeepReason, KeepResult, keep_text};

use crate::{
    live::{HiddenData, Live, LivePool, LiveVariableSet, UnreadPart, VariableStore},
    model::{Id, Name, Pool, PoolKind},
};

use keys::KeyAllocator;
use std::{collections::HashMap, fmt::Write as _};
use toml::{escape_value, is_valid_name, table_key};

/// How a pool is called in the file.
struct PulledPools<'a> {
    /// Those that the file declares, with their keys.
    declared: Vec<(String, &'a LivePool)>,
    by_id: HashMap<&'a Id<Pool>, String>,
    /// Pools that the file cannot declare, and why.
    left: Vec<String>,
}

/// The whole of `live` as a file. `url` is the server as the user named it.
pub fn render_config(live: &Live, url: &str) -> String {
    let pools = PulledPools::new(&live.pools);
    let mut text = render_header(live, url);
    text.extend(pools.declared.iter().map(|(key, pool)| render_pool_table(key, pool)));
    push_comments(&mut text, &pools.left);
    text.push_str(&workers::render_all_tables(live, &pools));
    text.push_str(&placements::render_rules(live, &pools));
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
    push_comment(&mut text, &format!("Space {space:?} of {url}{version}, as it is."));
    for UnreadPart { what, why, .. } in &live.unread {
        push_comment(&mut text, &format!("Not in here: {what}: {why}"));
    }
    _ = write!(
        text,
        "version = 1\n\n[octopus]\nurl   = {}\nspace = {}\n",
        escape_value(url),
        escape_value(space)
    );
    if let Some(on) = server.built_in_worker {
        _ = write!(text, "\n[server]\nbuilt_in_worker = {on}\n");
    }
    let is_on_branch = |set: &LiveVariableSet| matches!(set.store, VariableStore::Branch(_));
    if live.processes.iter().any(|it| it.git.is_some())
        || live.indirect.sets.iter().any(is_on_branch)
    {
        text.push_str("\n[version_control]\nbranch = \"default\"\n");
        if live.unread.iter().any(|gap| gap.hidden == HiddenData::StepsInGit) {
            text.push_str("on_unreachable = \"skip\"\n");
        }
    }
    text
}

impl<'a> PulledPools<'a> {
    fn new(pools: &'a [LivePool]) -> Self {
        let mut keys = KeyAllocator::new(pools.iter().map(|pool| pool.name.as_str()));
        let mut this = Self { declared: Vec::new(), by_id: HashMap::new(), left: Vec::new() };
        for pool in pools {
            if let Some(why) = undeclarable_reason(pool, pools) {
                this.left.push(format!("Pool {:?} ({}): {why}.", pool.name, pool.id.as_str()));
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

    /// How the file points at a pool; its id where the file does not declare it.
    fn pool_reference(&self, id: &Id<Pool>) -> String {
        self.by_id.get(id).cloned().unwrap_or_else(|| id.as_str().to_owned())
    }

    /// Whether the pool is there at all.
    fn has_reference(&self, id: &Id<Pool>) -> bool {
        self.by_id.contains_key(id)
    }
}

/// Why the file cannot declare a pool.
fn undeclarable_reason(pool: &LivePool, all: &[LivePool]) -> Option<&'static str> {
    if all.iter().filter(|other| other.name == pool.name).count() > 1 {
        return Some("another pool has its name");
    }
    if matches!(&pool.kind, PoolKind::Dynamic { image } if image.trim().is_empty()) {
        return Some("it is not static, and says no image");
    }
    (!is_valid_name(pool.name.as_str())).then_some("its name is no text of one line")
}

/// Whether a pool's id, as the file says it, can only be its id: no name of a pool is the same word.
fn is_unambiguous_id(id: &str, all: &[LivePool]) -> bool {
    !all.iter().any(|pool| pool.name == Name::new(id))
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

/// Adds a comment; a name with a line break in it stays on its line.
fn push_comment(text: &mut String, said: &str) {
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    _ = writeln!(text, "# {said}");
}

fn push_comments(text: &mut String, all: &[String]) {
    if !all.is_empty() {
        text.push('\n');
        all.iter().for_each(|said| push_comment(text, said));
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

    fn of(pools: Vec<LivePool>) -> String {
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
        render_config(&live, "https://octopus.acme.example")
    }

    #[test]
    fn pools_have_the_keys_that_a_person_would_give_them() {
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
        insta::assert_snapshot!(of([vec![first], others.to_vec()].concat()));
    }

    #[test]
    fn what_the_language_cannot_say_is_a_comment() {
        let pools = [
            ("WorkerPools-1", "Twice"),
            ("WorkerPools-2", "TWICE"),
            ("WorkerPools-3", "a ${b}\n[pools.x]"),
        ];
        let text = of(pools.map(|(id, name)| pool(id, name, None)).to_vec());
        insta::assert_snapshot!(text);
    }
}
