//! Reads the values of worker pool variables in `variables.ocl`.
//!
//! Never: deciding what a value should be.
//!
//! # Source
//!
//! `api.md` 2.12: the value of a worker pool variable in OCL is a pool's slug. A `value` block has the value as its
//! label, and lists of slugs as its scope (OctopusDeploy/Ocl; octopus.com, "Configuration as Code: variables").

use super::block::OclBlock;
use crate::finding::{SourceId, Span};

use std::ops::Range;

/// A variable of a project.
#[derive(Clone, Debug)]
pub struct OclVariable {
    /// Its name.
    pub name: String,
    /// Whether its type is worker pool.
    pub is_worker_pool: bool,
    /// Its values, in order, without prompted ones.
    pub values: Vec<OclVariableValue>,
    /// The position in the file.
    pub span: Span,
}

/// A value of a variable.
#[derive(Clone, Debug)]
pub struct OclVariableValue {
    /// The value; a pool, for a worker pool variable.
    pub text: String,
    /// The environments, as written.
    pub environments: Vec<String>,
    /// The channels, as written.
    pub channels: Vec<String>,
    /// The tenant tags, as written.
    pub tenant_tags: Vec<String>,
    /// Whether the value has other conditions, or is prompted for.
    pub has_other_scope: bool,
    /// The position in the file.
    pub span: Span,
    /// The label as written, quotes included.
    pub(super) label: Range<usize>,
}

/// Reads the variables in a text.
pub(super) fn read_variables(source: SourceId, root: &OclBlock) -> Vec<OclVariable> {
    let read_variable = |block: &OclBlock| {
        Some(OclVariable {
            name: block.labels.first()?.clone(),
            is_worker_pool: block.text_attribute("type") == Some("WorkerPool"),
            values: block.child_blocks("value").filter_map(|it| read_value(source, it)).collect(),
            span: Span { source, bytes: block.span.clone() },
        })
    };
    root.child_blocks("variable").filter_map(read_variable).collect()
}

fn read_value(source: SourceId, block: &OclBlock) -> Option<OclVariableValue> {
    let known = ["description", "environment", "channel", "tenant_tag", "tenant_tags"];
    let is_other = |name: &str| !known.contains(&name);
    let tags = ["tenant_tag", "tenant_tags"].map(|name| block.text_list(name));
    Some(OclVariableValue {
        text: block.labels.first()?.clone(),
        environments: block.text_list("environment"),
        channels: block.text_list("channel"),
        tenant_tags: tags.concat(),
        has_other_scope: block.attributes.iter().any(|it| is_other(&it.name))
            || !block.blocks.is_empty(),
        span: Span { source, bytes: block.span.clone() },
        label: block.label_spans.first()?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ocl::{apply_edits, read, value_edit};

    #[test]
    fn changing_a_value_edits_only_its_label() {
        let text = "variable \"A\" {\r\n    type = \"WorkerPool\"\r\n\r\n    value   \"old \\\"x\\\"\"  {\r\n        \
                    environment = [\"production\", \"test\"]\r\n        description = \"\"\r\n    }\r\n    \
                    value \"b\" {}\r\n    value {\r\n    }\r\n    value \"c\" {\r\n        role = [\"web\"]\r\n    }\r\n}";
        let variables = read(SourceId(0), text).unwrap().variables;
        let [variable] = variables.as_slice() else { unreachable!() };
        assert!(variable.is_worker_pool && variable.name == "A");
        let [first, second, third] = variable.values.as_slice() else { unreachable!() };
        assert_eq!(first.environments, ["production", "test"]);
        assert!(!first.has_other_scope && !second.has_other_scope && third.has_other_scope);
        assert_eq!((&*first.text, &*second.text), ("old \"x\"", "b"));
        let edited = apply_edits(text, &[value_edit(first, "new"), value_edit(second, "d")]);
        let by_hand = text.replace("\"old \\\"x\\\"\"", "\"new\"").replace("\"b\"", "\"d\"");
        assert_eq!(edited, by_hand);
    }
}
