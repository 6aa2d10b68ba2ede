//! The steps of a text, as far as it matters where they run.
//!
//! Never: whether a step should run elsewhere.

use super::{
    block::{OclAttribute, OclBlock, OclValue},
    scan::parse_document,
};
use crate::{
    finding::{Code, Finding, SourceId, Span},
    model::{Container, Place},
};

use std::ops::Range;

/// A text's process.
#[derive(Clone, Debug)]
pub struct OclProcess {
    /// What it is the process of.
    pub kind: OclProcessKind,
    /// What the text calls itself: a runbook's name; a deployment process has none.
    pub name: Option<String>,
    /// What its steps are labelled.
    pub step_labels: Vec<String>,
    /// Whether no step has a name but its label, as the first servers with Git wrote them.
    pub labels_are_names: bool,
    /// Its actions, in their order.
    pub actions: Vec<OclAction>,
}

/// What a text has the process of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OclProcessKind {
    /// A project, or nothing: settings and variables have no process.
    Deployment,
    /// A runbook: it keeps its steps in a block of their own.
    Runbook,
    /// A process template of the Platform Hub: it has parameters, and its steps run where these say.
    Template,
}

/// One action of one step.
#[derive(Clone, Debug)]
pub struct OclAction {
    /// The step's name.
    pub step: String,
    /// The action's name; the step's where it has none of its own.
    pub action: String,
    /// Whether the step has other actions too.
    pub has_siblings: bool,
    /// Its type; empty for one that is made from a template.
    pub action_type: String,
    /// What chooses its pool: a slug or a variable.
    pub place: Place<String>,
    /// Whether it says that it runs on the server's side, or on its targets; none where it says neither.
    pub run_on_server: Option<bool>,
    /// The target tags of the step, as written; empty where it has none.
    pub target_roles: String,
    /// Its container: image and the feed's slug.
    pub container: Option<Container<String>>,
    /// Where the file has it.
    pub span: Span,
    /// Where the lines are that say where it runs.
    pub(super) lines: ActionLines,
}

/// Where an action's body is, and the attributes in it that choose a pool.
#[derive(Clone, Debug)]
pub(super) struct ActionLines {
    /// Where its first line begins.
    pub(super) start: usize,
    /// Where its first line ends behind the brace, or what stands there instead.
    pub(super) head: usize,
    /// The name and the value of `worker_pool`.
    pub(super) pool: Option<AttributeSpan>,
    /// The name and the value of `worker_pool_variable`.
    pub(super) variable: Option<AttributeSpan>,
    /// Its last attribute.
    pub(super) last: Option<AttributeSpan>,
}

/// Where an attribute is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AttributeSpan {
    /// Its name.
    pub(super) key: Range<usize>,
    /// Its value.
    pub(super) value: Range<usize>,
    /// Where its last line ends, comments and all, or what stands there instead.
    pub(super) end: usize,
    /// Whether the value is `null` or the empty string.
    pub(super) empty: bool,
}

/// The process that `text` has; one without steps where it has none.
///
/// # Errors
///
/// A finding, where the text is not of the language, or says of a step what Octopus would refuse.
///
/// # Source
///
/// `api.md` 2.8: `worker_pool` and `worker_pool_variable` are attributes of an action, and one that is
/// empty is one that is not there. Runbooks keep their steps in a block `process`, wherever their file is:
/// drafts are in a folder of their own. Process templates alone have the blocks `icon` and `parameter`.
pub fn read(source: SourceId, text: &str) -> Result<OclProcess, Finding> {
    let root = parse_document(source, text)?;
    let of_runbook = root.child_blocks("process").flat_map(|it| it.child_blocks("step"));
    let steps: Vec<&OclBlock> = root.child_blocks("step").chain(of_runbook).collect();
    let actions = steps.iter().flat_map(|step| {
        let count = step.child_blocks("action").count();
        step.child_blocks("action").map(move |action| (step, action, 1 < count))
    });
    let actions =
        actions.map(|(step, action, siblings)| read_action(source, step, action, siblings));
    Ok(OclProcess {
        kind: document_kind(&root),
        name: root.text_attribute("name").map(str::to_owned),
        actions: actions.collect::<Result<_, _>>()?,
        step_labels: steps.iter().filter_map(|it| it.labels.first().cloned()).collect(),
        labels_are_names: steps.iter().all(|it| it.text_attribute("name").is_none()),
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
    let flag =
        action.dictionary_entry("properties", "Octopus.Action.RunOnServer").unwrap_or_default();
    let tags =
        step.dictionary_entry("properties", "Octopus.Action.TargetRoles").unwrap_or_default();
    let container = action.child_blocks("container").find_map(|block| {
        let image = block.text_attribute("image")?.to_owned();
        Some(Container { image, feed: block.text_attribute("feed").unwrap_or_default().to_owned() })
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
            pool: action.find_attribute("worker_pool").map(attribute_slot),
            variable: action.find_attribute("worker_pool_variable").map(attribute_slot),
            last: action.attributes.last().map(attribute_slot),
        },
    })
}

fn attribute_slot(attribute: &OclAttribute) -> AttributeSpan {
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

/// What chooses an action's pool.
fn read_place(source: SourceId, action: &OclBlock) -> Result<Place<String>, Finding> {
    let place_error = |attribute: &OclAttribute, message: String| {
        let span = Span { source, bytes: attribute.key.start..attribute.value_span.end };
        Finding::error(Code::OclPlace, span, message)
    };
    let read_attribute = |name: &str| {
        let mut all = action.attributes.iter().filter(|attribute| attribute.name == name);
        let Some(one) = all.next() else { return Ok(None) };
        if let Some(again) = all.next() {
            return Err(place_error(again, format!("`{name}` is said twice of one step"))
                .with_help("remove one of the two lines"));
        }
        match &one.value {
            OclValue::Text(text) if text.is_empty() => Ok(None),
            OclValue::Null => Ok(None),
            OclValue::Text(text) => Ok(Some((one, text.clone()))),
            _ => Err(place_error(one, format!("`{name}` is not a string"))
                .with_help("write the slug or the variable's name between quotes, on one line")),
        }
    };
    Ok(match (read_attribute("worker_pool")?, read_attribute("worker_pool_variable")?) {
        (Some(_), Some((variable, _))) => {
            let message = "a step cannot have both a pool and a variable that chooses one";
            return Err(place_error(variable, message.to_owned()).with_help(
                "remove `worker_pool` or `worker_pool_variable`; Octopus refuses both",
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
    fn steps_of_processes_and_of_runbooks_are_read() {
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
    fn a_place_that_octopus_would_refuse_is_refused() {
        let wrong = |lines: &str| {
            let text = format!("step \"a\" {{\naction {{\n{lines}\n}}\n}}\n");
            read(SourceId(0), &text).map(|_| ()).unwrap_err().message
        };
        assert_eq!(
            wrong("worker_pool = \"a\"\nworker_pool_variable = \"b\""),
            "a step cannot have both a pool and a variable that chooses one"
        );
        assert_eq!(wrong("worker_pool = 1"), "`worker_pool` is not a string");
        assert_eq!(
            wrong("worker_pool = \"a\"\nworker_pool = \"b\""),
            "`worker_pool` is said twice of one step"
        );
    }
}
