//! Every value of a saved plan, edited in turn, against a server with an object of every kind.
//!
//! The law is that of `diff::laws::tampering`, over a plan as a user has it: an edited plan is refused, or it writes
//! what the unedited one writes, or it shows something else.

use super::{
    LoadedFiles, PlanRequest, plan_files,
    sample::{Server, settle_request, source},
};
use octopus_sandbox::Seed;
use poolwright_core::{
    diff::{self, TargetFilter},
    finding::Sources,
    live::Live,
    plan::{OwnPlace, Plan, file},
    render::{RenderFormat, RenderOptions, format_plan},
};
use poolwright_refresh::refresh_live;

use serde_json::{Value, json};

/// A file that changes something of nearly every kind on the server of the seed `acme`.
const FILE: &str = include_str!("tampering.toml");

/// A text that is nowhere in the plan.
const ELSEWHERE: &str = "elsewhere";

struct Saved {
    plan: Plan,
    live: Live,
    text: Value,
}

async fn saved() -> Saved {
    let server = Server::with_seed(Seed::Acme).await;
    let files = LoadedFiles::parse(source(FILE)).unwrap();
    let settle = settle_request();
    let request = PlanRequest {
        target: server.target(),
        addresses: TargetFilter::default(),
        wave: None,
        base: None,
        own: &OwnPlace::default(),
        settle: &settle,
    };
    let reader = server.reader();
    let plan = plan_files(&reader, &files, &request).await.unwrap();
    let scope = plan.header.scope.for_apply(plan.planned_writes());
    // A plan that was not edited needs nothing more than it was made from.
    assert_eq!(scope, plan.header.scope);
    let space = &plan.header.space;
    let live = refresh_live(&reader, space, &scope, server.target().url).await.unwrap();
    let text = serde_json::from_str(&file::write(&plan, &Sources::default())).unwrap();
    Saved { plan, live, text }
}

/// What a plan writes, whatever the order of its changes.
fn writes(plan: &Plan) -> Vec<String> {
    let mut writes: Vec<_> =
        plan.changes.iter().map(|change| serde_json::to_string(&change.kind).unwrap()).collect();
    writes.sort();
    writes
}

fn show(plan: &Plan) -> String {
    let options = RenderOptions { colour: false, verbosity: 1 };
    format_plan(plan, &Sources::default(), RenderFormat::Text, options)
}

/// The pointers of all values, and the texts among them.
fn collect(value: &Value, path: &str, paths: &mut Vec<String>, texts: &mut Vec<String>) {
    paths.push(path.to_owned());
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| collect(item, &format!("{path}/{at}"), paths, texts)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            collect(member, &format!("{path}/{key}"), paths, texts);
        }),
        Value::String(text) if !texts.contains(text) => texts.push(text.clone()),
        _ => {}
    }
}

/// The edits of one value: others of its type, nothing, an empty list, another order.
fn edits(value: &Value, texts: &[String], at: usize) -> Vec<Value> {
    match value {
        Value::String(text) => {
            // Ids and names of other objects, which stand somewhere else in the plan.
            let others = (1..3).map(|step| texts[(at * 7 + step * 31) % texts.len()].clone());
            let others = others.chain([ELSEWHERE.to_owned(), String::new(), format!("{text} ")]);
            others.filter(|other| other != text).map(Value::from).collect()
        }
        Value::Bool(flag) => vec![json!(!flag)],
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1), json!(0)],
        Value::Null => vec![json!(ELSEWHERE)],
        Value::Array(items) if items.is_empty() => vec![json!([ELSEWHERE])],
        Value::Array(items) => {
            let mut reversed = items.clone();
            reversed.reverse();
            vec![
                json!([]),
                json!(reversed),
                json!(items[1..]),
                json!([items.clone(), vec![items[0].clone()]].concat()),
            ]
        }
        Value::Object(_) => vec![json!({}), Value::Null],
    }
}

fn without(text: &Value, path: &str) -> Option<Value> {
    let (parent, key) = path.rsplit_once('/')?;
    let mut text = text.clone();
    let key = key.replace("~1", "/").replace("~0", "~");
    text.pointer_mut(parent)?.as_object_mut()?.shift_remove(&key)?;
    Some(text)
}

fn replace_everywhere(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|it| replace_everywhere(it, from, to)),
        Value::Object(members) => {
            members.values_mut().for_each(|it| replace_everywhere(it, from, to));
        }
        Value::String(text) if text == from => to.clone_into(text),
        _ => {}
    }
}

impl Saved {
    /// Returns what is wrong with how an edited plan is taken.
    fn judge(&self, edited: &Value) -> Option<String> {
        let read = file::read(&edited.to_string()).ok()?;
        let checked = diff::recheck_plan(&read, &self.live, None, settle_request().today).ok()?;
        if writes(&checked) == writes(&self.plan) {
            return None;
        }
        // What is shown before a server is asked and what is shown after differ from the plan alike.
        let is_shown = |plan: &Plan| show(plan) != show(&self.plan);
        (!is_shown(&read) || !is_shown(&checked)).then(|| format!("{:#?}", writes(&checked)))
    }
}

#[tokio::test]
async fn every_edit_to_a_saved_plan_is_refused_shown_or_harmless() {
    let saved = saved().await;
    assert_eq!(saved.judge(&saved.text), None);
    let (mut paths, mut texts) = (Vec::new(), Vec::new());
    collect(&saved.text, "", &mut paths, &mut texts);
    let mut wrong = Vec::new();
    let mut judge = |what: String, edited: &Value| {
        if let Some(why) = saved.judge(edited) {
            wrong.push(format!("{what}: {why}"));
        }
    };
    for (at, path) in paths.iter().enumerate() {
        let value = saved.text.pointer(path).unwrap();
        for other in edits(value, &texts, at) {
            let mut edited = saved.text.clone();
            *edited.pointer_mut(path).unwrap() = other.clone();
            judge(format!("{path} = {other}"), &edited);
        }
        if let Some(edited) = without(&saved.text, path) {
            judge(format!("without {path}"), &edited);
        }
    }
    // The same text in all places, as somebody edits who knows the format.
    for (at, from) in texts.iter().enumerate() {
        for step in 1..4 {
            let to = &texts[(at + step * 17) % texts.len()];
            let mut edited = saved.text.clone();
            replace_everywhere(&mut edited, from, to);
            judge(format!("{from} = {to} everywhere"), &edited);
        }
    }
    assert!(paths.len() > 800, "{}", paths.len());
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test]
async fn an_unedited_plan_is_rederived_unchanged() {
    let saved = saved().await;
    let read = file::read(&saved.text.to_string()).unwrap();
    let checked = diff::recheck_plan(&read, &saved.live, None, settle_request().today).unwrap();
    assert_eq!(show(&checked), show(&read));
    assert_eq!(checked.requirements, saved.plan.requirements);
    assert_eq!(checked.consequences, saved.plan.consequences);
}
