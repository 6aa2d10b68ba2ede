//! `poolwright explain --code`: what the code of a finding means, from the page that the documentation has.

use super::{exit, print::outln};
use crate::ops::error_with_help;
use poolwright_core::{finding::Code, text::nearest_name};

/// The page about all codes.
const PAGE: &str = include_str!("../../docs/findings.md");

/// Prints the section about a code, or a list of all codes if it is empty.
pub(super) fn run(code: &str) -> anyhow::Result<u8> {
    if code.is_empty() {
        let width = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or_default();
        Code::ALL.iter().for_each(|code| outln!("{code:width$}  {}", code.meaning()));
        return Ok(exit::DONE);
    }
    let Some(known) = Code::from_word(code) else {
        let near = nearest_name(code, Code::ALL.iter().map(|code| code.as_str()));
        let help = match near {
            Some(near) => format!("a code with a similar name exists: `{near}`"),
            None => "`poolwright explain --code` lists the codes".to_owned(),
        };
        return Err(error_with_help(format!("`{code}` is not the code of a finding"), help));
    };
    outln!("{known}");
    outln!("");
    find_section(known).lines().for_each(|line| outln!("{}", line_from_root(line)));
    Ok(exit::DONE)
}

/// Returns the section about a code without its heading.
fn find_section(code: Code) -> &'static str {
    let mut sections = PAGE.split("\n## `").skip(1);
    let section =
        sections.find_map(|section| section.strip_prefix(code.as_str())?.strip_prefix('`'));
    section.unwrap_or_default().trim()
}

/// Returns a line whose links to other pages start at the root of the repository.
fn line_from_root(line: &str) -> String {
    line.replace("](", "](docs/")
        .replace("](docs/http", "](http")
        .replace("](docs/#", "](docs/findings.md#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_section_that_begins_with_its_meaning() {
        for code in Code::ALL {
            assert!(find_section(*code).starts_with(code.meaning()), "{code}");
        }
    }
}
