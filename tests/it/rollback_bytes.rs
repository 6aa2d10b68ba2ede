//! Rolls back byte for byte: values that the server spells in its own way get that spelling again.

use crate::{
    rollback::unversioned,
    workbench::{Workbench, text_at},
};
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A text as servers write it that keep to ASCII, and escape what HTML would take for its own.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\'' => escaped.push_str("\\u0027"),
            _ if c.is_ascii() => escaped.push(c),
            _ => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    escaped.replace("octopus/x", "octopus\\/x")
}

/// Three steps of a process: one of a variable, one in a container, one for targets.
fn spelled() -> (Workbench, String) {
    let workbench = Workbench::new(Seed::Acme);
    let feeds = workbench.get("/api/Spaces-1/feeds/all");
    let project = workbench.id("projects", "Landing zone");
    let path = format!("/api/Spaces-1/projects/{project}/deploymentprocesses");
    workbench.respell(&path, |text| {
        let mut process: Value = serde_json::from_str(&text).unwrap();
        let mut step = process["Steps"][0].clone();
        step["Properties"] = json!({});
        let steps = ["a", "b", "c"].map(|name| {
            let mut step = step.clone();
            let action = &mut step["Actions"][0];
            action["Name"] = json!(name);
            action["Slug"] = json!(name);
            action["ActionType"] = json!("Octopus.Script");
            action["Id"] = json!(format!("00000000-0000-0000-0000-00000000000{name}"));
            action["Properties"] = json!({
                "Octopus.Action.RunOnServer": if name == "c" { "false" } else { "true" },
            });
            match name {
                "a" => {
                    action["WorkerPoolId"] = json!("");
                    action["WorkerPoolVariable"] = json!("Pöol's");
                }
                "b" => {
                    let feed = &feeds[0]["Id"];
                    action["Container"] = json!({ "FeedId": feed, "Image": "octopus/x" });
                }
                _ => step["Properties"] = json!({ "Octopus.Action.TargetRoles": "wéb" }),
            }
            step["Id"] = json!(name);
            step["Name"] = json!(name);
            step
        });
        process["Steps"] = json!(steps);
        escaped(&process.to_string())
    });
    let feed = text_at(&feeds[0], "/Name");
    workbench.write("workers.toml", &format!("version = 1\n[gates]\nempty-pool = \"allow\"\nunhealthy-pool = \"allow\"\n[pools.trial]\n[[placements]]\nproject = \"Landing zone\"\nstep = \"a\"\npool = \"trial\"\n[[placements]]\nproject = \"Landing zone\"\nstep = \"b\"\npool = \"trial\"\ncontainer = {{ image = \"img:1\", feed = \"{feed}\" }}\n[[placements]]\nproject = \"Landing zone\"\nstep = \"c\"\npool = \"trial\"\nexecution = \"once\"\n"));
    (workbench, path)
}

/// A process without what every write of it changes.
fn bytes(workbench: &Workbench, path: &str) -> String {
    let text = workbench.text(path);
    unversioned(&BTreeMap::from([(path.to_owned(), text)])).remove(path).unwrap()
}

/// A set of variables without the same.
fn unversioned_set(text: &str) -> String {
    let (before, behind) = text.split_once("\"Version\":").unwrap();
    format!("{before}{}", behind.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn a_direct_or_saved_rollback_restores_escapes() {
    let (workbench, path) = spelled();
    let before = bytes(&workbench, &path);
    for spelling in [r"P\u00f6ol\u0027s", r"octopus\/x", r"w\u00e9b"] {
        assert!(before.contains(spelling), "{spelling}: {before}");
    }
    workbench.apply();
    let after = bytes(&workbench, &path);
    for spelling in [r"P\u00f6ol", r"octopus\/x", r"w\u00e9b"] {
        assert!(!after.contains(spelling), "{spelling}: {after}");
    }
    workbench.settled();
    let receipt = workbench.receipt();
    workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    assert_eq!(bytes(&workbench, &path), before);
    // There again, and back once more.
    workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]).expect(0);
    workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
    workbench.run(&["apply", "back.json"]).expect(0);
    assert_eq!(bytes(&workbench, &path), before);
}

/// A plan is untrusted, and a spelling is part of it.
#[test]
fn a_spelling_of_something_else_is_refused() {
    let (workbench, path) = spelled();
    workbench.apply();
    workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
    let plan = workbench.read("back.json");
    let old = r#""after_text": "\"P\\u00f6ol\\u0027s\"""#;
    assert!(plan.contains(old), "{plan}");
    let after = bytes(&workbench, &path);
    let forged = plan.replace(old, r#""after_text": "\"Evil\"""#);
    workbench.write("forged.json", &forged);
    let output = workbench.run(&["apply", "forged.json"]).expect(1);
    assert!(
        output.stderr.contains("the fields that it writes differ from what it shows"),
        "{output:?}"
    );
    assert_eq!(bytes(&workbench, &path), after);
    // What is no JSON is no spelling, and is passed over.
    workbench.write("forged.json", &plan.replace(old, r#""after_text": "\"P\",\"Name\":\"x\"""#));
    workbench.run(&["apply", "forged.json"]).expect(0);
    assert!(bytes(&workbench, &path).contains(r#""WorkerPoolVariable":"Pöol's""#));
}

#[test]
fn values_and_target_pools_return_to_absent_null_or_empty() {
    let workbench = Workbench::new(Seed::Acme);
    let set = "/api/Spaces-1/variables/variableset-Projects-7";
    let target = format!("/api/Spaces-1/machines/{}", workbench.id("machines", "web-store-app"));
    workbench.write("workers.toml", "version = 1\n[gates]\nempty-pool = \"allow\"\nunhealthy-pool = \"allow\"\n[pools.new]\n[[pool_variables]]\nproject = \"Infrastructure\"\nvariable = \"Terraform.WorkerPool\"\npool = \"new\"\n[[target_pools]]\ntarget = \"web-store-app\"\npool = \"new\"\n");
    let now = || (unversioned_set(&workbench.text(set)), workbench.text(&target));
    for spelling in ["null", r#""""#, "", r#""WorkerPools\u002d1""#] {
        let of = |key: &str| match spelling {
            "" => String::new(),
            _ => format!("\"{key}\": {spelling},"),
        };
        workbench.respell(set, |text| {
            let mut set: Value = serde_json::from_str(&text).unwrap();
            let values = set["Variables"].as_array_mut().unwrap().iter_mut();
            let mut values = values.filter(|value| value["Name"] == "Terraform.WorkerPool");
            let value = values.next().unwrap().as_object_mut().unwrap();
            value.shift_remove("Value");
            value.shift_insert(0, "Value".into(), json!("?"));
            set.to_string().replace("\"Value\":\"?\",", &of("Value"))
        });
        workbench.respell(&target, |text| {
            let mut target: Value = serde_json::from_str(&text).unwrap();
            let endpoint = target["Endpoint"].as_object_mut().unwrap();
            endpoint.shift_remove("DefaultWorkerPoolId");
            endpoint.shift_insert(0, "DefaultWorkerPoolId".into(), json!("?"));
            target.to_string().replace("\"DefaultWorkerPoolId\":\"?\",", &of("DefaultWorkerPoolId"))
        });
        let before = now();
        for saves in [false, true] {
            workbench.apply();
            assert_ne!(now(), before);
            let receipt = workbench.receipt();
            if saves {
                workbench.write("back.json", "");
                workbench.run(&["rollback", &receipt, "-o", "back.json"]).expect(0);
                workbench.run(&["apply", "back.json"]).expect(0);
            } else {
                workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
            }
            assert_eq!(now(), before, "{spelling}");
        }
    }
}

#[test]
fn a_removed_value_is_restored_with_its_spelling() {
    const VALUE: &str = r#"{"Id":"00000000-0000-0000-0000-00000000000a","Name":"P\u00f6ol","Value":"WorkerPools-1","Type":"WorkerPool","Scope":{ },"IsEditable":true}"#;
    let workbench = Workbench::new(Seed::Acme);
    let set = "/api/Spaces-1/variables/variableset-Projects-7";
    workbench.respell(set, |text| {
        let mut set: Value = serde_json::from_str(&text).unwrap();
        set["Variables"].as_array_mut().unwrap().push(json!("?"));
        set.to_string().replace("\"?\"", VALUE)
    });
    let before = unversioned_set(&workbench.text(set));
    assert!(before.contains(VALUE), "{before}");
    workbench.write("workers.toml", "version = 1\n[[pool_variables]]\nproject = \"Infrastructure\"\nvariable = \"Pöol\"\nremove = true\n");
    workbench.apply();
    assert_ne!(unversioned_set(&workbench.text(set)), before);
    workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
    workbench.run(&["apply", "back.json"]).expect(0);
    assert_eq!(unversioned_set(&workbench.text(set)), before);
}
