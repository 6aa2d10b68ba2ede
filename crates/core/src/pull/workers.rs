//! Writes workers as tables; those that differ only by a number share one.

use super::{
    PulledPools, push_comments,
    toml::{escape_value, is_valid_name, render_list, table_key},
};
use crate::{
    live::{DirectoryEntry, Live, LiveWorker},
    model::{
        Endpoint, KubernetesLink, LiveEndpoint, Name, ParseEndpointError, Parsed, PoolKind,
        SSH_PORT,
    },
};

use std::{collections::HashMap, fmt::Write as _};

/// The platforms that the language knows.
const PLATFORMS: [&str; 4] = ["linux-x64", "linux-arm64", "linux-arm", "osx-x64"];

/// A worker's table, as lines.
struct WorkerLines {
    name: String,
    lines: Vec<(&'static str, String)>,
}

/// Renders the tables of all workers, in the server's order.
pub(super) fn render_all_tables(live: &Live, pools: &PulledPools) -> String {
    let (mut text, omitted) = render_tables(live, pools, &live.workers.iter().collect::<Vec<_>>());
    push_comments(&mut text, &omitted);
    text
}

/// Renders the tables of the given workers, and comments on those that the language cannot express.
pub(super) fn render_tables(
    live: &Live,
    pools: &PulledPools,
    workers: &[&LiveWorker],
) -> (String, Vec<String>) {
    let (mut tables, mut omitted) = (Vec::new(), Vec::new());
    let mut names: HashMap<&Name, usize> = HashMap::new();
    live.workers.iter().for_each(|it| *names.entry(&it.name).or_default() += 1);
    for worker in workers {
        let is_shared = names.get(&worker.name).is_some_and(|count| *count > 1);
        let lines = if is_shared { Err(SAME_NAME) } else { unique_lines(live, pools, worker) };
        match lines {
            Ok(lines) => tables.push(WorkerLines { name: worker.name.to_string(), lines }),
            Err(why) => omitted.push(format!("Worker {:?}: {why}.", worker.name)),
        }
    }
    let mut text = String::new();
    for WorkerLines { name, lines } in fold_ranges(tables) {
        _ = writeln!(text, "\n[workers.{}]", table_key(&name));
        lines.iter().for_each(|(key, value)| _ = writeln!(text, "{key} = {value}"));
    }
    (text, omitted)
}

/// Why a worker that shares its name with another cannot be declared.
const SAME_NAME: &str = "another worker has the same name";

/// Returns the lines of a worker's table.
///
/// # Errors
///
/// Returns the reason if the language cannot express the worker.
pub(super) fn table_lines(
    live: &Live,
    pools: &PulledPools,
    worker: &LiveWorker,
) -> Result<Vec<(&'static str, String)>, &'static str> {
    if live.workers.iter().filter(|candidate| candidate.name == worker.name).count() > 1 {
        return Err(SAME_NAME);
    }
    unique_lines(live, pools, worker)
}

/// Returns the lines of the table of a worker whose name no other has.
fn unique_lines(
    live: &Live,
    pools: &PulledPools,
    worker: &LiveWorker,
) -> Result<Vec<(&'static str, String)>, &'static str> {
    let name = worker.name.as_str();
    if !is_valid_name(name) || name.contains("${") || name.contains('[') && name.contains(']') {
        return Err("its name would have another meaning in the file");
    }
    let address = worker.endpoint.address();
    let mut earlier = live.workers.iter().take_while(|other| other.id != worker.id);
    if address.is_some() && earlier.any(|other| other.endpoint.address() == address) {
        return Err("another worker has the same endpoint");
    }
    let is_static = |id| live.find_pool(id).is_some_and(|pool| pool.kind == PoolKind::Static);
    if worker.pools.is_empty()
        || !worker.pools.iter().all(|id| pools.has_reference(id) && is_static(id))
    {
        return Err("it has no pool, or one that is not static");
    }
    let members: Vec<String> = worker.pools.iter().map(|id| pools.pool_reference(id)).collect();
    let (kind, fields) = endpoint_table(live, &worker.endpoint)?;
    let mut lines = vec![("pools", render_list(&members)), (kind, inline_table(&fields))];
    let policies = &live.directory.policies;
    let is_default =
        policies.iter().any(|policy| policy.default && policy.id == worker.policy.id.as_str());
    let policy = policy_reference(live, worker)?;
    if !is_default {
        lines.push(("policy", policy));
    }
    if worker.disabled {
        lines.push(("disabled", true.to_string()));
    }
    Ok(lines)
}

/// Returns how the file refers to a worker's machine policy.
///
/// # Errors
///
/// Returns the reason if it cannot.
pub(super) fn policy_reference(live: &Live, worker: &LiveWorker) -> Result<String, &'static str> {
    let policies = &live.directory.policies;
    if !policies.iter().any(|policy| policy.id == worker.policy.id.as_str()) {
        return Err("its machine policy is not visible");
    }
    entry_reference(policies, worker.policy.id.as_str())
}

/// Renders keys and values as an inline table.
pub(super) fn inline_table(fields: &[(&str, String)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

/// A kind of endpoint, and its keys and values.
type EndpointEntries = (&'static str, Vec<(&'static str, String)>);

/// Returns the key of an endpoint's kind, and the keys and values in its table.
///
/// # Errors
///
/// Returns the reason if the language cannot express the endpoint.
pub(super) fn endpoint_table(
    live: &Live,
    endpoint: &LiveEndpoint,
) -> Result<EndpointEntries, &'static str> {
    let endpoint = endpoint.convert::<Parsed>().map_err(|error| match error {
        ParseEndpointError::Thumbprint(_) => "its thumbprint is not 40 hexadecimal digits",
        ParseEndpointError::Url(_) => "its URL is not that of a listening Tentacle",
        ParseEndpointError::Subscription(_) => {
            "its subscription is not `poll://` followed by an id"
        }
        ParseEndpointError::Style(_) => "the language does not support its kind of endpoint",
    })?;
    let text_value = |text: &dyn ToString| escape_value(&text.to_string());
    Ok(match &endpoint {
        Endpoint::Listening { url, thumbprint, proxy } => {
            let mut fields = vec![("url", text_value(url)), ("thumbprint", text_value(thumbprint))];
            if let Some(proxy) = proxy {
                fields
                    .push(("proxy", entry_reference(&live.directory.proxies, proxy.id.as_str())?));
            }
            ("listening", fields)
        }
        Endpoint::Polling { subscription, thumbprint } => {
            let fields = [
                ("subscription", text_value(subscription)),
                ("thumbprint", text_value(thumbprint)),
            ];
            ("polling", fields.to_vec())
        }
        Endpoint::Ssh { .. } => ("ssh", ssh_fields(live, &endpoint)?),
        Endpoint::Kubernetes { link, thumbprint, namespace } => {
            let link = match link {
                KubernetesLink::Polling(text) => ("subscription", text_value(text)),
                KubernetesLink::Listening(text) => ("url", text_value(text)),
            };
            let mut fields = vec![link, ("thumbprint", text_value(thumbprint))];
            if is_valid_name(namespace) {
                fields.push(("namespace", escape_value(namespace)));
            }
            ("kubernetes", fields)
        }
        Endpoint::Other(style) => match *style {},
    })
}

fn ssh_fields(
    live: &Live,
    endpoint: &Endpoint,
) -> Result<Vec<(&'static str, String)>, &'static str> {
    let Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } = endpoint else {
        return Err("it has no SSH endpoint");
    };
    let is_host = !host.contains(|c: char| c.is_whitespace() || c == '/');
    if *port == 0 || !is_host || [host, fingerprint].into_iter().any(|it| !is_valid_name(it)) {
        return Err("its SSH endpoint is incomplete");
    }
    let directory = &live.directory;
    let mut fields = vec![("host", escape_value(host))];
    if *port != SSH_PORT {
        fields.push(("port", port.to_string()));
    }
    fields.push(("account", entry_reference(&directory.accounts, account.id.as_str())?));
    fields.push(("fingerprint", escape_value(fingerprint)));
    // A platform that the language does not support is left out, so it stays unchanged.
    let platform = platform.iter().filter(|it| PLATFORMS.contains(&it.as_str()));
    fields.extend(platform.map(|it| ("platform", escape_value(it))));
    if let Some(proxy) = proxy {
        fields.push(("proxy", entry_reference(&directory.proxies, proxy.id.as_str())?));
    }
    Ok(fields)
}

/// Returns how the file refers to an entry: by its name, or by its id if the name is not unique.
fn entry_reference(entries: &[DirectoryEntry], id: &str) -> Result<String, &'static str> {
    let Some(entry) = entries.iter().find(|entry| entry.id == id) else {
        return Err("something it refers to is not visible");
    };
    let is_unique = entries.iter().filter(|candidate| candidate.name == entry.name).count() == 1;
    let name = entry.name.as_str();
    Ok(escape_value(if is_unique && is_valid_name(name) { name } else { id }))
}

/// Folds neighbours whose names and lines differ only by a number that counts up.
fn fold_ranges(tables: Vec<WorkerLines>) -> Vec<WorkerLines> {
    let mut folded = Vec::new();
    let mut rest = tables.into_iter().peekable();
    while let Some(first) = rest.next() {
        let Some(range) = NumberedWorkers::from_table(&first) else {
            folded.push(first);
            continue;
        };
        let mut last = range.first;
        while rest.next_if(|next| range.matches_number(next, last + 1)).is_some() {
            last += 1;
        }
        folded.push(if last == range.first { first } else { range.into_table(last) });
    }
    folded
}

/// A worker's table with its number taken out.
struct NumberedWorkers {
    before: String,
    after: String,
    width: usize,
    first: u32,
    lines: Vec<(&'static str, String)>,
}

impl NumberedWorkers {
    /// Returns the range that a worker may start, numbered by the last number in its name.
    fn from_table(table: &WorkerLines) -> Option<Self> {
        let end = table.name.rfind(|c: char| c.is_ascii_digit())? + 1;
        let digits = table.name[..end].chars().rev().take_while(char::is_ascii_digit).count();
        let (before, number) = table.name[..end].split_at(end - digits);
        Some(Self {
            before: before.to_owned(),
            after: table.name[end..].to_owned(),
            width: digits,
            first: number.parse().ok()?,
            lines: table
                .lines
                .iter()
                .map(|line| with_placeholder(line, number))
                .collect::<Option<_>>()?,
        })
    }

    /// Returns whether a worker has this number in the range.
    fn matches_number(&self, table: &WorkerLines, number: u32) -> bool {
        let n = format!("{number:0width$}", width = self.width);
        let name = format!("{}{n}{}", self.before, self.after);
        let lines = self.lines.iter().map(|(key, value)| (*key, value.replace("{n}", &n)));
        table.name == name && lines.eq(table.lines.iter().cloned())
    }

    fn into_table(self, last: u32) -> WorkerLines {
        let Self { before, after, width, first, lines } = self;
        WorkerLines { name: format!("{before}[{first:0width$}..{last:0width$}]{after}"), lines }
    }
}

/// Replaces a number with `{n}` in the address of an endpoint; in other values, such as a thumbprint, the
/// same digits are a coincidence.
///
/// Returns `None` if the line contains a literal `{n}`.
fn with_placeholder(
    (key, value): &(&'static str, String),
    number: &str,
) -> Option<(&'static str, String)> {
    if value.contains("{n}") {
        return None;
    }
    let address = ["{ url = ", "{ host = "].iter().any(|start| value.starts_with(start));
    let replace_number = || {
        let (address, rest) = value.split_once("\",")?;
        Some(format!("{}\",{rest}", address.replace(number, "{n}")))
    };
    Some((key, replace_number().filter(|_| address).unwrap_or_else(|| value.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render_ranges(workers: &[(&str, &str)]) -> String {
        let table = |(name, url): &(&str, &str)| WorkerLines {
            name: (*name).to_owned(),
            lines: vec![
                ("pools", "[\"p-01\"]".to_owned()),
                ("listening", format!("{{ url = {url:?}, thumbprint = \"01\" }}")),
            ],
        };
        let folded = fold_ranges(workers.iter().map(table).collect());
        let line = |table: WorkerLines| format!("{} {}", table.name, table.lines[1].1);
        folded.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn workers_that_differ_by_a_number_become_a_range() {
        insta::assert_snapshot!(render_ranges(&[
            ("db-09", "db-09.acme"), ("db-10", "db-10.acme"), ("db-11", "db-11.acme"),
            ("db-12", "other-12.acme"), ("db-14", "other-14.acme"),
            ("k8s-1", "x"), ("k8s-2", "y"), ("plain", "z"),
        ]), @r#"
        db-[09..11] { url = "db-{n}.acme", thumbprint = "01" }
        db-12 { url = "other-12.acme", thumbprint = "01" }
        db-14 { url = "other-14.acme", thumbprint = "01" }
        k8s-1 { url = "x", thumbprint = "01" }
        k8s-2 { url = "y", thumbprint = "01" }
        plain { url = "z", thumbprint = "01" }
        "#);
    }
}
