//! Where applies on this machine take turns: a folder for each server, for the user alone.

use etcetera::{BaseStrategy as _, choose_base_strategy};
use std::path::PathBuf;

/// The longest name of a folder.
const NAME_LENGTH: usize = 120;

/// Returns the folder of a server, such as `~/.cache/poolwright/turns/https---octopus-example`; `None` without a home
/// folder.
pub(super) fn turns_folder(url: &str) -> Option<PathBuf> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = url.chars().map(plain).take(NAME_LENGTH).collect();
    let folders = choose_base_strategy().ok()?;
    Some(folders.cache_dir().join("poolwright").join("turns").join(name))
}
