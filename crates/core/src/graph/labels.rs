//! Labels: names made harmless and short enough for a box.

use crate::text::escape::Escaped;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How many columns of a name are shown.
pub(super) const NAME_COLUMNS: usize = 60;

/// Returns a name without characters that hide or reorder text, cut to so many columns.
pub(super) fn short_label(name: &str, columns: usize) -> String {
    let name = Escaped(name).to_string();
    if name.width() <= columns {
        return name;
    }
    let mut width = 0;
    let mut short = String::new();
    for c in name.chars() {
        width += c.width().unwrap_or_default();
        if width >= columns {
            break;
        }
        short.push(c);
    }
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_never_wider_than_its_box_and_hides_nothing() {
        assert_eq!(short_label("Build", 10), "Build");
        assert_eq!(short_label("Build and publish", 10), "Build and…");
        assert_eq!(short_label("部署到生产环境的步骤", 10), "部署到生…");
        assert_eq!(short_label("a\u{202e}b", 20), "a\\u{202e}b");
    }
}
