//! The hosts that the user trusts with credentials, and the question that adds one.
//!
//! Hosts come from `OCTOPUS_ALLOWED_HOSTS`, and from the answers that are kept in the user's configuration folder: the
//! host, never a key. Nobody is asked without a terminal, or where `CI` is set.

use super::{
    confirm::{ask_yes, may_ask},
    print::errln,
    replace_file::replace_file,
};
use crate::ops::error_with_help;
use poolwright_client::octopus::ServerHost;

use anyhow::Context as _;
use etcetera::{BaseStrategy as _, choose_base_strategy};
use std::{collections::BTreeSet, env, fs, path::PathBuf};

/// The variable that lists hosts.
pub(super) const ALLOWED_HOSTS: &str = "OCTOPUS_ALLOWED_HOSTS";

/// The first lines of the file of remembered hosts.
const HEADING: &str =
    "# Hosts that poolwright may send your credentials to. Remove a line to be asked again.\n";

/// Returns the hosts that the environment lists and those that are remembered.
pub(super) fn trusted_hosts() -> anyhow::Result<BTreeSet<ServerHost>> {
    let listed = env::var(ALLOWED_HOSTS).unwrap_or_default();
    let mut hosts = BTreeSet::new();
    for text in listed.split([',', ';', ' ', '\t', '\n']).filter(|it| !it.is_empty()) {
        let host: ServerHost = text.parse().map_err(|why| {
            error_with_help(
                format!("{ALLOWED_HOSTS} is not a list of hosts: {why}"),
                "separate the hosts by commas, each with its port unless that is 443",
            )
        })?;
        hosts.insert(host);
    }
    hosts.extend(remembered_hosts());
    Ok(hosts)
}

/// Asks whether credentials may be sent to a host that a file names, and remembers the answer. `false` if the user
/// declines, or cannot be asked.
pub(super) fn ask_to_trust(host: &ServerHost) -> anyhow::Result<bool> {
    if !may_ask() {
        return Ok(false);
    }
    errln!("The file names a server that you have not used before.");
    if !ask_yes(&format!("Send your credentials to {host}?"))? {
        return Ok(false);
    }
    if let Err(error) = remember_host(host) {
        errln!("warning: {host} is not remembered: {error:#}");
    }
    Ok(true)
}

/// Returns the hosts of earlier answers. A line that is not a host is passed over.
fn remembered_hosts() -> BTreeSet<ServerHost> {
    let text = hosts_file().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn remember_host(host: &ServerHost) -> anyhow::Result<()> {
    let path = hosts_file().context("there is no configuration folder")?;
    let mut hosts = remembered_hosts();
    hosts.insert(host.clone());
    let lines: String = hosts.iter().map(|host| format!("{host}\n")).collect();
    replace_file(&path, format!("{HEADING}{lines}").as_bytes())
}

/// Returns the file of remembered hosts, such as `~/.config/poolwright/hosts`.
fn hosts_file() -> Option<PathBuf> {
    let folders = choose_base_strategy().ok()?;
    Some(folders.config_dir().join("poolwright").join("hosts"))
}
