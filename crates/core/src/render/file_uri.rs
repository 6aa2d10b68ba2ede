//! Paths of files as URIs, as scanners and editors read them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Whatever is not unreserved, and not the separator of folders.
///
/// # Source
///
/// RFC 3986, section 2.3.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The URI of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileUri {
    /// Inside the folder that paths are relative to, without `..`.
    Relative(String),
    /// Outside that folder, or given by an absolute path.
    Outside(String),
}

impl FileUri {
    /// Returns the URI of the file at this path, which may be one of Windows.
    pub(super) fn from_path(path: &str) -> Self {
        let is_share = path.starts_with(r"\\");
        let path = with_slashes(path);
        let encode = |path: &str| utf8_percent_encode(path, ESCAPED).to_string();
        if has_drive(&path) {
            let (drive, rest) = path.split_at(2);
            return Self::Outside(format!("file:///{drive}{}", encode(&join_parts(rest, true))));
        }
        if let Some(share) = path.strip_prefix("//").filter(|_| is_share) {
            return Self::Outside(format!("file://{}", encode(&join_parts(share, false))));
        }
        if path.starts_with('/') {
            return Self::Outside(format!("file://{}", encode(&join_parts(&path, true))));
        }
        let path = join_parts(&path, false);
        let uri = encode(&path);
        if path == ".." || path.starts_with("../") {
            Self::Outside(uri)
        } else {
            Self::Relative(uri)
        }
    }

    /// Returns the URI as text.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Relative(uri) | Self::Outside(uri) => uri,
        }
    }
}

/// Returns the path of a file as people write it, with `/` between its parts and none of them superfluous.
pub(super) fn plain_path(path: &str) -> String {
    let path = with_slashes(path);
    join_parts(&path, path.starts_with('/'))
}

/// Returns a path with `/` between its parts, if it is one of Windows.
fn with_slashes(path: &str) -> String {
    let is_windows = cfg!(windows) || path.starts_with(r"\\") || has_drive(path);
    if is_windows { path.replace('\\', "/") } else { path.to_owned() }
}

/// Returns a path without `.` and, as far as a folder comes before it, without `..`.
fn join_parts(path: &str, is_absolute: bool) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let root = if is_absolute { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Whether a path begins with a drive of Windows: `C:\` or `C:/`.
fn has_drive(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && matches!(chars.next(), Some('/' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri_with_special_characters_escaped() {
        let uris = [
            "workers.toml",
            "./config//a/../workers.toml",
            "Größe & more/50% #1?.toml",
            "<stdin>",
            "a:b.toml",
            "../shared/pools.toml",
            "/etc/octopus/../workers.toml",
            r"C:\config\my workers.toml",
            r"\\server\share\workers.toml",
            "javascript:alert(1)",
        ];
        let uris = uris.map(|path| FileUri::from_path(path).as_str().to_owned());
        insta::assert_snapshot!(uris.join("\n"), @r"
        workers.toml
        config/workers.toml
        Gr%C3%B6%C3%9Fe%20%26%20more/50%25%20%231%3F.toml
        %3Cstdin%3E
        a%3Ab.toml
        ../shared/pools.toml
        file:///etc/workers.toml
        file:///C:/config/my%20workers.toml
        file://server/share/workers.toml
        javascript%3Aalert%281%29
        ");
        assert_eq!(FileUri::from_path("a/b.toml"), FileUri::Relative("a/b.toml".into()));
        assert_eq!(FileUri::from_path("../b.toml"), FileUri::Outside("../b.toml".into()));
    }
}
