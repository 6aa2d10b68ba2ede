//! Files that are made of the program: compared, and written anew under `UPDATE=1`.

use poolwright_core::finding::{Code, CodeLevel};
use std::{collections::HashMap, env, fs};

#[test]
fn the_configuration_schema_is_up_to_date() {
    is_up_to_date(
        "schema/workers.schema.json",
        &format!("{:#}\n", poolwright_core::config::json_schema()),
    );
}

/// Headings and first sentences are made; what follows in a section is written by hand, and kept.
#[test]
fn each_code_has_a_section_in_the_list_of_findings() {
    let path = "docs/findings.md";
    let text = fs::read_to_string(path).unwrap();
    let mut sections = text.split("\n## `");
    let mut page = sections.next().unwrap().to_owned();
    let advice: HashMap<&str, &str> = sections
        .filter_map(|section| {
            let mut parts = section.trim_end().splitn(3, "\n\n");
            Some((parts.next()?.trim_end_matches('`'), parts.nth(1)?))
        })
        .collect();
    let missing = "Say here which level it has, when, what to do, and an example.";
    for code in Code::ALL {
        let advice = advice.get(code.as_str()).unwrap_or(&missing);
        page += &format!("\n## `{code}`\n\n{}\n\n{advice}\n", code.meaning());
    }
    is_up_to_date(path, &page);
    assert!(!page.contains(missing), "{path}: a section says: {missing}");
    for section in page.split("\n## `").skip(1) {
        let code = section.split('`').next().and_then(Code::from_word).unwrap();
        assert!(section.contains("\n```"), "{path}: `{code}` has no example");
        assert!(
            section.contains(levels(code)),
            "{path}: `{code}` is not told to be {}",
            levels(code)
        );
    }
}

/// How the section of a code begins that has these levels.
fn levels(code: Code) -> &'static str {
    let levels: Vec<CodeLevel> = code.levels().to_vec();
    match levels.as_slice() {
        [CodeLevel::Error] => "*Error",
        [CodeLevel::Gate] => "*Gate",
        [CodeLevel::Warning | CodeLevel::Rollback] => "*Warning",
        [CodeLevel::Error, CodeLevel::Warning | CodeLevel::Rollback] => "*Error or warning",
        [CodeLevel::Gate | CodeLevel::Refusal, CodeLevel::Warning] => "*Gate or warning",
        [CodeLevel::Unknown] => "*Any level",
        other => panic!("{code} has the levels {other:?}"),
    }
}

fn is_up_to_date(path: &str, made: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(path, made).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "{path} is out of date: `UPDATE=1 cargo test generated` writes it anew");
}
