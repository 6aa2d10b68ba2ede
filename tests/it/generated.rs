//! Files that are made of the program: compared, and written anew under `UPDATE=1`.

use std::{env, fs};

#[test]
fn the_schema_of_the_language_is_up_to_date() {
    is_up_to_date(
        "schema/workers.schema.json",
        &format!("{:#}\n", poolwright_core::config::json_schema()),
    );
}

fn is_up_to_date(path: &str, made: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(path, made).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "{path} is out of date: `UPDATE=1 cargo test generated` writes it anew");
}
