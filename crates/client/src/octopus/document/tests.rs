//! What holds of every edit.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn document(text: &str) -> JsonDocument {
    JsonDocument::parse(text.to_owned()).unwrap()
}

fn edited(text: &str, path: &[PathSegment<'_>], value: Value) -> String {
    let mut document = document(text);
    assert_eq!(document.put_value(path, &value), Ok(true), "{text}");
    document.to_text()
}

fn refused(text: &str, path: &[PathSegment<'_>]) -> String {
    let mut document = document(text);
    let error = document.put_value(path, &json!(0)).unwrap_err().to_string();
    assert_eq!(document.to_text(), text);
    error
}

use PathSegment::{End, Index, Key, KeyIgnoringCase, Where};

#[test]
fn only_the_addressed_value_is_replaced() {
    for (text, path, value, wanted) in [
        (r#"{"a":1.0,"b":1e5}"#, [Key("a")].as_slice(), json!(2), r#"{"a":2,"b":1e5}"#),
        (r#"{"a":"\u0041\/"}"#, &[Key("a")], json!("x\"y"), r#"{"a":"x\"y"}"#),
        ("[1, [2,3] ,4]", &[Index(1)], json!(null), "[1, null ,4]"),
        (
            r#" [{"Id":"x"},{"Id":"\u0079","v":0}] "#,
            &[Where { key: "Id", is: "y" }, Key("v")],
            json!(true),
            r#" [{"Id":"x"},{"Id":"\u0079","v":true}] "#,
        ),
        (
            r#"{"RUNonserver":"F"}"#,
            &[KeyIgnoringCase("RunOnServer")],
            json!("T"),
            r#"{"RUNonserver":"T"}"#,
        ),
        (" 7 ", &[], json!("all"), " \"all\" "),
    ] {
        assert_eq!(edited(text, path, value), wanted);
    }
}

#[test]
fn an_inserted_field_follows_its_neighbours_spacing() {
    for (text, path, wanted) in [
        (r#"{"a":1}"#, [Key("n")].as_slice(), r#"{"a":1,"n":0}"#),
        (r#"{ "a": 1, "b": 2 }"#, &[Key("n")], r#"{ "a": 1, "b": 2, "n": 0 }"#),
        ("{}", &[Key("n")], r#"{"n":0}"#),
        ("{\r\n\t\"a\" : 1\r\n}", &[Key("n")], "{\r\n\t\"a\" : 1,\r\n\t\"n\" : 0\r\n}"),
        ("{\n  \"a\": {}\n}", &[Key("a"), Key("n")], "{\n  \"a\": {\n    \"n\": 0\n  }\n}"),
        ("{\"a\":{ \n }}", &[Key("a"), KeyIgnoringCase("N")], "{\"a\":{\"N\":0 \n }}"),
    ] {
        assert_eq!(edited(text, path, json!(0)), wanted);
    }
}

#[test]
fn an_inserted_object_follows_the_surrounding_layout() {
    let container = json!({ "Image": "x:1", "Feeds": [], "Ids": ["a", "b"] });
    assert_eq!(
        edited(r#"{"c":null}"#, &[Key("c")], container.clone()),
        r#"{"c":{"Image":"x:1","Feeds":[],"Ids":["a","b"]}}"#
    );
    insta::assert_snapshot!(edited("{\n  \"o\": {\n    \"c\": null\n  }\n}", &[Key("o"), Key("c")], container), @r#"
    {
      "o": {
        "c": {
          "Image": "x:1",
          "Feeds": [],
          "Ids": [
            "a",
            "b"
          ]
        }
      }
    }
    "#);
}

#[test]
fn a_duplicate_key_or_element_is_not_edited() {
    insta::assert_snapshot!(refused(r#"{"a":1,"a":2}"#, &[Key("a")]), @"`a` occurs more than once");
    insta::assert_snapshot!(refused(r#"{"o":{"a":1,"A":2}}"#, &[Key("o"), KeyIgnoringCase("a")]), @"`o.a` occurs more than once");
    insta::assert_snapshot!(refused(r#"[{"i":"x"},{"i":"x"}]"#, &[Where { key: "i", is: "x" }, Key("v")]), @"`[i = x]` occurs more than once");
}

#[test]
fn a_missing_path_is_named_in_the_error() {
    insta::assert_snapshot!(refused(r#"{"a":{}}"#, &[Key("b"), Key("c")]), @"there is no `b`");
    insta::assert_snapshot!(refused("[1]", &[Index(1)]), @"there is no `[1]`");
    insta::assert_snapshot!(refused(r#"{"a":null}"#, &[Key("a"), Key("c")]), @"`a.c` does not fit the type of the value that should contain it");
}

#[test]
fn an_equal_value_keeps_its_bytes() {
    let text = r#"{"a": {"x":1.50, "y":"\u0041"}}"#;
    let mut json_document = document(text);
    assert_eq!(json_document.put_value(&[Key("a")], &json!({ "y": "A", "x": 1.5 })), Ok(false));
    assert_eq!(json_document.to_text(), text);
}

#[test]
fn invalid_and_too_deep_json_is_refused() {
    assert!(matches!(JsonDocument::parse("{".to_owned()), Err(JsonParseError::NotJson(_))));
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(JsonDocument::parse(nested(DEEPEST)).is_ok());
    assert_eq!(JsonDocument::parse(nested(DEEPEST + 1)), Err(JsonParseError::TooDeep));
    let mut deepest = document(&nested(DEEPEST));
    let path = [Index(0); DEEPEST - 1];
    assert_eq!(deepest.put_value(&path, &json!([[]])), Err(JsonEditError::TooDeep));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        Just(json!("\"\\\n{}[],:")),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-dA-D\"\\\\é]{0,3}", inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn written(value: &Value, style: u8) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap();
    match style % 3 {
        0 => value.to_string(),
        1 => pretty,
        _ => pretty.replace('\n', "\r\n"),
    }
}

/// A path to one of the value's parts: `turns` says where to go at each fork.
fn path<'a>(mut at: &'a Value, turns: &[usize]) -> Vec<PathSegment<'a>> {
    let mut path = Vec::new();
    for turn in turns {
        match at {
            Value::Array(elements) if !elements.is_empty() => {
                let index = turn % elements.len();
                path.push(Index(index));
                at = &elements[index];
            }
            Value::Object(fields) if !fields.is_empty() => {
                let (key, value) = fields.iter().nth(turn % fields.len()).unwrap();
                path.push(Key(key));
                at = value;
            }
            _ => break,
        }
    }
    path
}

fn at<'a>(value: &'a mut Value, path: &[PathSegment<'_>]) -> &'a mut Value {
    path.iter().fold(value, |value, segment| match segment {
        Key(key) | KeyIgnoringCase(key) => &mut value[*key],
        Index(index) => &mut value[*index],
        Where { .. } | End => unreachable!(),
    })
}

#[test]
fn an_element_is_appended_and_removed_again() {
    let second = [Where { key: "Id", is: "y" }];
    for (text, wanted) in [
        (r#"[{"Id":"x"}]"#, r#"[{"Id":"x"},{"Id":"y"}]"#),
        ("[]", r#"[{"Id":"y"}]"#),
        ("[ 1 ]", r#"[ 1, {"Id": "y"} ]"#),
        ("[\n  1\n]", "[\n  1,\n  {\n    \"Id\": \"y\"\n  }\n]"),
    ] {
        let mut json_document = document(text);
        assert_eq!(json_document.put_value(&[End], &json!({ "Id": "y" })), Ok(true));
        assert_eq!(json_document.to_text(), wanted);
        let old = json_document.get_raw(&second).unwrap();
        assert!(json_document.set_spelling(&[End], r#"{ "Id" :"\u0079"}"#));
        assert!(json_document.to_text().contains(r#"{ "Id" :"\u0079"}"#));
        assert_eq!(json_document.remove(&second), Ok(true));
        assert_eq!(json_document.to_text(), text);
        let anew = json_document.render_spelling(&second, &json!({ "Id": "y" }), true);
        assert!(anew.is_none_or(|anew| anew == old));
        assert_eq!(json_document.remove(&second), Ok(false));
    }
    assert_eq!(
        refused(r#"{"a":1}"#, &[End]),
        "`[]` does not fit the type of the value that should contain it"
    );
}

#[test]
fn removing_inserted_fields_restores_empty_objects() {
    for text in ["{}", "{ }", "{\r\n}", "{\n  \"a\": {}\n}", "{\n  \"a\": {\n  }\n}"] {
        let mut json_document = document(text);
        let inside = if text.contains('a') { vec![Key("a")] } else { Vec::new() };
        let path = |key| [inside.as_slice(), &[Key(key)]].concat();
        for key in ["n", "m"] {
            assert_eq!(json_document.put_value(&path(key), &json!({ "x": 1 })), Ok(true));
        }
        for key in ["n", "m"] {
            assert_eq!(json_document.remove(&path(key)), Ok(true));
        }
        assert_eq!(json_document.to_text(), text);
    }
}

#[test]
fn restoring_a_spelling_never_changes_the_value() {
    let text = r#"{"a" : "P\u00f6ol\u0027s\/x" ,"b":{ "y":1.0,"x" :null }}"#;
    for (key, new) in [("a", json!("Pöol's/x")), ("b", json!({ "x": null, "y": 1.0 }))] {
        let old = document(text).get_raw(&[Key(key)]).unwrap();
        let mut json_document = document(text);
        assert_eq!(json_document.put_value(&[Key(key)], &json!(0)), Ok(true));
        assert!(!json_document.set_spelling(&[Key(key)], &old));
        assert_eq!(json_document.put_value(&[Key(key)], &new), Ok(true));
        assert!(json_document.set_spelling(&[Key(key)], &old));
        assert_eq!(json_document.to_text(), text);
        for other in
            ["", " 0", "0", "\"x\"", r#""Pöol's/x" "#, r#""x","c":1"#, "{}}", r#"{"x":null}"#]
        {
            assert!(!json_document.set_spelling(&[Key(key)], other), "{other}");
        }
        assert!(!json_document.set_spelling(&[Key("c")], &old));
        assert_eq!(json_document.to_text(), text);
    }
}

#[test]
fn an_unrepresentable_number_does_not_block_other_edits() {
    let text = r#"{"a":{"Big":1E+400,"Id":"x"},"b":1}"#;
    let mut json_document = document(text);
    assert_eq!(json_document.get_value(&[Key("a")]), Some(json!({ "Big": "1E+400", "Id": "x" })));
    assert_eq!(json_document.put_value(&[Key("a"), Key("Id")], &json!("y")), Ok(true));
    assert_eq!(json_document.to_text(), r#"{"a":{"Big":1E+400,"Id":"y"},"b":1}"#);
    assert!(json_document.set_spelling(&[Key("a")], r#"{ "Id":"y", "Big":1E+400 }"#));
}

#[test]
fn removing_a_field_removes_one_comma() {
    let without = |text: &str, key: &str| {
        let mut json_document = document(text);
        json_document.remove(&[Key(key)]).map(|_| json_document.to_text())
    };
    let text = r#"{ "a": 1, "b": 2, "c": 3 }"#;
    assert_eq!(without(text, "a").as_deref(), Ok(r#"{ "b": 2, "c": 3 }"#));
    assert_eq!(without(text, "b").as_deref(), Ok(r#"{ "a": 1, "c": 3 }"#));
    assert_eq!(without(text, "c").as_deref(), Ok(r#"{ "a": 1, "b": 2 }"#));
    assert_eq!(without(text, "d").as_deref(), Ok(text));
    assert_eq!(without("{\"a\":1}", "a").as_deref(), Ok("{}"));
    assert!(without("[]", "a").is_err());
}

proptest! {
    #[test]
    fn an_edit_sets_the_value_and_changes_no_other_byte(
        whole in value(), new in value(), turns in prop::collection::vec(0..5_usize, 0..5),
        style in 0..3_u8, inserts in any::<bool>(),
    ) {
        let text = written(&whole, style);
        let mut path = path(&whole, &turns);
        let mut wanted = whole.clone();
        if inserts && at(&mut wanted, &path).is_object() {
            path.push(Key("new key"));
        }
        let old = document(&text).get_raw(&path);
        *at(&mut wanted, &path) = new.clone();
        let mut item = document(&text);
        let changed = item.put_value(&path, &new).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&item.to_text()).unwrap(), &wanted);
        prop_assert_eq!(changed, wanted != whole);
        if !changed {
            prop_assert_eq!(&item.to_text(), &text);
        }
        if let (Some(old), true) = (old, changed) {
            let (new, whole) = (item.get_raw(&path).unwrap(), item.to_text());
            let is_only_difference = text.match_indices(&old).any(|(start, _)| {
                let (before, after) = (&text[..start], &text[start + old.len()..]);
                whole == format!("{before}{new}{after}")
            });
            prop_assert!(is_only_difference, "{text}\n{whole}");
        }
        prop_assert_eq!(item.put_value(&path, &new), Ok(false));
    }

    #[test]
    fn an_inserted_field_is_removed_without_a_trace(
        whole in value(), new in value(), turns in prop::collection::vec(0..5_usize, 0..5), style in 0..3_u8,
    ) {
        let whole = json!({ "first": whole, "last": 1 });
        let text = written(&whole, style);
        let mut path = path(&whole, &turns);
        if at(&mut whole.clone(), &path).as_object().is_none_or(|it| it.is_empty()) {
            path.clear();
        }
        path.push(Key("new key"));
        let mut item = document(&text);
        prop_assert_eq!(item.remove(&path), Ok(false));
        prop_assert_eq!(item.put_value(&path, &new), Ok(true));
        prop_assert_eq!(item.remove(&path), Ok(true));
        prop_assert_eq!(&item.to_text(), &text);
    }

    #[test]
    fn a_replaced_or_removed_value_is_restored_byte_for_byte(
        whole in value(), turns in prop::collection::vec(0..5_usize, 0..5), style in 0..3_u8,
        escaped in any::<bool>(), gone in any::<bool>(),
    ) {
        let whole = json!({ "first": 0, "end": whole });
        let text = written(&whole, style);
        let text = if escaped { text.replace('b', "\\u0062").replace('é', "\\u00E9") } else { text };
        // What is taken away comes back behind all others.
        let path = if gone { vec![Key("end")] } else { path(&whole, &turns) };
        let mut item = document(&text);
        let (old, value) = (item.get_raw(&path).unwrap(), item.get_value(&path).unwrap());
        if gone { item.remove(&path) } else { item.put_value(&path, &json!("another")) }.unwrap();
        let foretold = item.render_spelling(&path, &value, gone);
        item.put_value(&path, &value).unwrap();
        prop_assert_eq!(foretold, item.get_raw(&path));
        prop_assert!(item.set_spelling(&path, &old));
        prop_assert_eq!(&item.to_text(), &text);
    }

    #[test]
    fn editing_a_split_document_equals_editing_it_whole(
        elements in prop::collection::vec((0..4_u8, value()), 0..4), rest in value(), new in value(),
        picks in prop::collection::vec((0..5_usize, 0..4_u8, 0..4_usize), 1..6), style in 0..3_u8,
    ) {
        let elements: Vec<_> =
            elements.iter().map(|(id, value)| json!({ "Id": id.to_string(), "v": value })).collect();
        let text = written(&json!({ "List": elements, "rest": rest, "empty": [{}] }), style);
        let (mut cut, mut whole) = (document(&text), JsonText(Cow::Owned(text)));
        for (index, id, edit) in picks {
            let id = id.to_string();
            let (by_index, by_id) = (Index(index), Where { key: "Id", is: &id });
            let path = match edit {
                0 => vec![Key("List"), by_index, Key("v")],
                1 => vec![Key("List"), by_id, Key("new")],
                2 => vec![Key("List"), by_id, Key("Id")],
                _ => vec![Key("List"), by_id],
            };
            prop_assert_eq!(cut.get_value(&path), whole.get_value(&path));
            let (one, other) = match edit {
                3 => (cut.remove(&path), whole.remove(&path)),
                _ => (cut.put_value(&path, &new), whole.put_value(&path, &new, DEEPEST)),
            };
            prop_assert_eq!(one, other);
            prop_assert_eq!(cut.to_text(), &*whole.0);
        }
    }

    #[test]
    fn no_document_makes_an_edit_panic(text in "[\\[\\]{}\",:\\\\ a-c0-2é]{0,40}") {
        if let Ok(mut document) = JsonDocument::parse(text) {
            _ = document.put_value(&[Key("a"), Index(0), Where { key: "b", is: "c" }], &json!(1));
            _ = document.put_value(&[Key("a")], &json!({ "x": [1] }));
            _ = document.put_value(&[Key("a"), End], &json!([]));
            _ = document.get_value(&[]);
            _ = document.set_spelling(&[Key("a")], "{}");
            _ = document.remove(&[Key("a"), Index(0)]);
            _ = document.remove(&[Key("a")]);
        }
    }
}
