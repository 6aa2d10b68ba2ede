//! Quotes arguments in commands that people copy.

/// Quotes an argument so that a shell takes it as it is: in double quotes, which every shell knows, or in single
/// quotes if it has characters that some shell acts on between double quotes.
pub fn quote_argument(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " _.-:/=,{}@+()[]#~&;<>|*?".contains(c);
    if text.chars().all(is_plain) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Quotes an argument only if some shell would not take it as it is.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let is_word = !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain);
    if is_word { text.to_owned() } else { quote_argument(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        let quoted = ["Web Store", "a={b,c}", "$(x)", "it's `x` \"y\" \\"].map(quote_argument);
        insta::assert_snapshot!(quoted.join("\n"), @r#"
        "Web Store"
        "a={b,c}"
        '$(x)'
        'it'\''s `x` "y" \'
        "#);
    }
}
