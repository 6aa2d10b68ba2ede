//! Reads the steps of a text and what determines where they run.
//!
//! Never: deciding where a step should run.

use super::{
    block::{OclAttribute, OclBlock, OclValue},
    scan::parse_document,
    variables::{OclVariable, read_variables},
};
use crate::{
    finding::{Code, Finding, SourceId, Span},
    model::{Container, Place},
};

use std::ops::Range;

/// The process in a text.
#[derive(Clone, Debug)]
pub struct OclProcess {
    /// What the process belongs to.
    pub kind: OclProcessKind,
    /// The name in the text: a runbook has one, a deployment process does not.
    pub name: Option<String>,
    /// The labels of the steps.
    pub step_labels: Vec<String>,
    /// Whether steps have only labels and no names, as the first servers with Git support wrote them.
    pub labels_are_names: bool,
    /// The actions, in order.
    pub actions: Vec<OclAction>,
    /// The names of a template's parameters that may be worker pools.
    pub pool_parameters: Vec<String>,
    /// The project's variables, in order.
    pub variables: Vec<OclVariable>,
    /// The version of the schema, which has a file of its own.
    pub schema_version: Option<u32>,
}

/// What a process belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OclProcessKind {
    /// A project; also a text without a process, such as settings and variables.
    Deployment,
    /// A runbook, whose steps are in a `process` block.
    Runbook,
    /// A process template of the Platform Hub, whose parameters may decide where its steps run.
    Template,
}

/// One action of one step.
#[derive(Clone, Debug)]
pub struct OclAction {
    /// The step's name.
    pub step: String,
    /// The action's name, or the step's if the action has none.
    pub action: String,
    /// Whether the step has other actions.
    pub has_siblings: bool,
    /// The action type; empty for an action from a template.
    pub action_type: String,
    /// The pool by its slug, the variable, or the default pool.
    pub place: Place<String>,
    /// Whether the action is set to run on the server or on its targets; `None` if neither.
    pub run_on_server: Option<bool>,
    /// The target tags of the step, as written; empty if there are none.
    pub target_roles: String,
    /// The container: the image and the feed's slug.
    pub container: Option<Container<String>>,
    /// The position in the file.
    pub span: Span,
    /// The positions of the lines that say where the action runs.
    pub(super) lines: ActionLines,
}

/// The position of an action's body, and of the attributes in it that set a pool.
#[derive(Clone, Debug)]
pub(super) struct ActionLines {
    /// The start of the first line.
    pub(super) start: usize,
    /// The end of the first line after the opening brace, or the start of what follows on that line.
    pub(super) head: usize,
    /// The `worker_pool` attribute.
    pub(super) pool: Option<AttributeSpan>,
    /// The `worker_pool_variable` attribute.
    pub(super) variable: Option<AttributeSpan>,
    /// The last attribute.
    pub(super) last: Option<AttributeSpan>,
    /// The properties; `None` if the action has none.
    pub(super) properties: Option<PropertySpans>,
}

/// The position of an action's properties.
#[derive(Clone, Debug)]
pub(super) struct PropertySpans {
    /// The value with its braces, if the properties are an attribute and not a block.
    pub(super) value: Option<Range<usize>>,
    /// The entries with their names, in order.
    pub(super) entries: Vec<(String, AttributeSpan)>,
}

/// The property that makes an action run on a worker and not on its targets.
pub(super) const RUN_ON_SERVER: &str = "Octopus.Action.RunOnServer";

/// The position of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AttributeSpan {
    /// The name.
    pub(super) key: Range<usize>,
    /// The value.
    pub(super) value: Range<usize>,
    /// The end of the last line including comments, or the start of what follows on that line.
    pub(super) end: usize,
    /// Whether the value is `null` or the empty string.
    pub(super) empty: bool,
}

/// Reads the process in `text`; a text without a process yields one without steps.
///
/// # Errors
///
/// Returns a finding if the text is not valid OCL or Octopus would reject the place of a step.
///
/// # Source
///
/// `api.md` 2.8: `worker_pool` and `worker_pool_variable` are attributes of an action; empty means absent.
/// The steps of a runbook are in a `process` block, wherever its file is: drafts have their own folder.
/// Only process templates have `icon` and `parameter` blocks.
pub fn read(source: SourceId, text: &str) -> Result<OclProcess, Finding> {
    let root = parse_document(source, text)?;
    let in_runbook = root.child_blocks("process").flat_map(|process| process.child_blocks("step"));
    let steps: Vec<&OclBlock> = root.child_blocks("step").chain(in_runbook).collect();
    let actions = steps.iter().flat_map(|step| {
        let count = step.child_blocks("action").count();
        step.child_blocks("action").map(move |action| (step, action, count > 1))
    });
    let actions =
        actions.map(|(step, action, siblings)| read_action(source, step, action, siblings));
    Ok(OclProcess {
        kind: document_kind(&root),
        name: root.text_attribute("name").map(str::to_owned),
        actions: actions.collect::<Result<_, _>>()?,
        step_labels: steps.iter().filter_map(|it| it.labels.first().cloned()).collect(),
        labels_are_names: steps.iter().all(|it| it.text_attribute("name").is_none()),
        pool_parameters: root.child_blocks("parameter").filter_map(pool_parameter).collect(),
        variables: read_variables(source, &root),
        schema_version: root.find_attribute("version").and_then(|version| {
            text.get(version.value_span.clone())?.trim_matches('"').parse().ok()
        }),
    })
}

fn document_kind(root: &OclBlock) -> OclProcessKind {
    let has_child = |name| root.child_blocks(name).next().is_some();
    match (has_child("process"), has_child("icon") || has_child("parameter")) {
        (true, _) => OclProcessKind::Runbook,
        (false, true) => OclProcessKind::Template,
        (false, false) => OclProcessKind::Deployment,
    }
}

/// Returns the name of a template's parameter, unless its control is not one for worker pools.
fn pool_parameter(parameter: &OclBlock) -> Option<String> {
    let control = parameter.dictionary_entry("display_settings", "Octopus.ControlType");
    let may_be_pool = control.is_none_or(|control| control == "WorkerPool");
    parameter.labels.first().filter(|_| may_be_pool).cloned()
}

fn read_properties(action: &OclBlock) -> Option<PropertySpans> {
    let value = action.find_attribute("properties").map(|attribute| attribute.value_span.clone());
    let entries = action.dictionary_entries("properties");
    if value.is_none() && entries.is_none() {
        return None;
    }
    let entries =
        entries.unwrap_or_default().iter().map(|entry| (entry.name.clone(), attribute_span(entry)));
    Some(PropertySpans { value, entries: entries.collect() })
}

fn read_action(
    source: SourceId,
    step: &OclBlock,
    action: &OclBlock,
    has_siblings: bool,
) -> Result<OclAction, Finding> {
    let name_or_label = |block: &OclBlock| {
        let label = || block.labels.first().cloned();
        block.text_attribute("name").map(str::to_owned).or_else(label).filter(|it| !it.is_empty())
    };
    let name = name_or_label(step).unwrap_or_default();
    let flag = action.dictionary_entry("properties", RUN_ON_SERVER).unwrap_or_default();
    let tags =
        step.dictionary_entry("properties", "Octopus.Action.TargetRoles").unwrap_or_default();
    let container = action.child_blocks("container").find_map(|block| {
        let image = block.text_attribute("image")?.to_owned();
        let feed = block.text_attribute("feed").unwrap_or_default();
        Some(Container::from_image(image, feed))
    });
    Ok(OclAction {
        action: name_or_label(action).unwrap_or_else(|| name.clone()),
        step: name,
        has_siblings,
        action_type: action.text_attribute("action_type").unwrap_or_default().to_owned(),
        place: read_place(source, action)?,
        run_on_server: (!flag.trim().is_empty()).then(|| flag.trim().eq_ignore_ascii_case("true")),
        target_roles: tags.to_owned(),
        container: container.filter(|it| !it.image.is_empty()),
        span: Span { source, bytes: action.span.clone() },
        lines: ActionLines {
            start: action.span.start,
            head: action.head,
            pool: action.find_attribute("worker_pool").map(attribute_span),
            variable: action.find_attribute("worker_pool_variable").map(attribute_span),
            last: action.attributes.last().map(attribute_span),
            properties: read_properties(action),
        },
    })
}

fn attribute_span(attribute: &OclAttribute) -> AttributeSpan {
    let empty = match &attribute.value {
        OclValue::Null => true,
        OclValue::Text(text) => text.is_empty(),
        _ => false,
    };
    AttributeSpan {
        key: attribute.key.clone(),
        value: attribute.value_span.clone(),
        end: attribute.end,
        empty,
    }
}

/// Reads the place of an action.
fn read_place(source: SourceId, action: &OclBlock) -> Result<Place<String>, Finding> {
    let place_error = |attribute: &OclAttribute, message: String| {
        let span = Span { source, bytes: attribute.key.start..attribute.value_span.end };
        Finding::error(Code::OclPlace, span, message)
    };
    let read_attribute = |name: &str| {
        let mut found = action.attributes.iter().filter(|attribute| attribute.name == name);
        let Some(one) = found.next() else { return Ok(None) };
        if let Some(again) = found.next() {
            return Err(place_error(again, format!("this step sets `{name}` twice"))
                .with_help("remove one of the two lines"));
        }
        match &one.value {
            OclValue::Text(text) if text.is_empty() => Ok(None),
            OclValue::Null => Ok(None),
            OclValue::Text(text) => Ok(Some((one, text.clone()))),
            _ => Err(place_error(one, format!("`{name}` is not a string"))
                .with_help("write the slug or the variable's name in quotes, on one line")),
        }
    };
    Ok(match (read_attribute("worker_pool")?, read_attribute("worker_pool_variable")?) {
        (Some(_), Some((variable, _))) => {
            let message = "a step cannot have both a pool and a pool variable";
            return Err(place_error(variable, message.to_owned()).with_help(
                "remove `worker_pool` or `worker_pool_variable`; Octopus rejects a step with both",
            ));
        }
        (Some((_, slug)), None) => Place::Pool(slug),
        (None, Some((_, name))) => Place::Variable(name),
        (None, None) => Place::DefaultPool,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_processes_and_runbooks_are_read() {
        let step = r#"step "migrate" {
    name = "Migrate database"
    properties = {
        Octopus.Action.TargetRoles = "db"
    }
    action {
        action_type = "Octopus.Script"
        properties = {
            Octopus.Action.RunOnServer = "True"
        }
        worker_pool = "database"
        worker_pool_variable = ""

        container {
            feed = "docker"
            image = "sql:1"
        }
    }
    action "second" {
        name = "Second"
        worker_pool_variable = "Pool"
    }
}
"#;
        for text in [step.to_owned(), format!("name = \"Restart\"\nprocess {{\n{step}}}\n")] {
            let document = read(SourceId(0), &text).unwrap();
            let [first, second] = document.actions.as_slice() else { unreachable!() };
            assert_eq!(document.name.as_deref(), text.starts_with("name").then_some("Restart"));
            assert_eq!((&*first.step, &*first.action), ("Migrate database", "Migrate database"));
            assert_eq!(first.place, Place::Pool("database".into()));
            assert!(first.run_on_server == Some(true) && first.has_siblings);
            assert_eq!((&*first.target_roles, &*first.action_type), ("db", "Octopus.Script"));
            assert_eq!(first.container.as_ref().map(|it| &*it.feed), Some("docker"));
            assert_eq!(second.place, Place::Variable("Pool".into()));
            assert_eq!(&*second.action, "Second");
        }
    }

    #[test]
    fn a_place_that_octopus_would_reject_is_rejected() {
        let wrong = |lines: &str| {
            let text = format!("step \"a\" {{\naction {{\n{lines}\n}}\n}}\n");
            read(SourceId(0), &text).map(|_| ()).unwrap_err().message
        };
        assert_eq!(
            wrong("worker_pool = \"a\"\nworker_pool_variable = \"b\""),
            "a step cannot have both a pool and a pool variable"
        );
        assert_eq!(wrong("worker_pool = 1"), "`worker_pool` is not a string");
        assert_eq!(
            wrong("worker_pool = \"a\"\nworker_pool = \"b\""),
            "this step sets `worker_pool` twice"
        );
    }
}
