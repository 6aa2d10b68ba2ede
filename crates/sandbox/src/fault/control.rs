//! `/sandbox/faults`: shows and changes the rules while the sandbox runs.
//!
//! A rule is a text, or an object with the same clauses as keys.

use crate::fault::{FaultRuleError, counter::Faults, rule::FaultRule};
use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of a request: rules, with or without a seed.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FaultsInput {
    Rule(RuleInput),
    Rules(Vec<RuleInput>),
    All(SeededRules),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeededRules {
    #[serde(default)]
    seed: Option<u64>,
    faults: Vec<RuleInput>,
}

/// A rule as it is sent.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RuleInput {
    Text(String),
    Object(RuleObject),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleObject {
    what: String,
    at: Option<ClauseValue>,
    every: Option<ClauseValue>,
    chance: Option<ClauseValue>,
    on: Option<ClauseValue>,
}

/// A value of a clause.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ClauseValue {
    Number(u64),
    Text(String),
}

impl ClauseValue {
    fn clause_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl RuleInput {
    fn into_rule(self) -> Result<FaultRule, FaultRuleError> {
        match self {
            Self::Text(text) => text.parse(),
            Self::Object(RuleObject { what, at, every, chance, on }) => {
                let clauses = [("at", at), ("every", every), ("chance", chance), ("on", on)];
                let values: Vec<(&str, String)> = clauses
                    .iter()
                    .filter_map(|(clause, value)| Some((*clause, value.as_ref()?.clause_text())))
                    .collect();
                FaultRule::from_clauses(
                    &what,
                    values.iter().map(|(clause, value)| (*clause, value.as_str())),
                )
            }
        }
    }
}

/// The forms of a body, for the error message.
const FORMS: &str = "the body must be rules as text, one on each line, or JSON: a string, an object with `what` and \
    any of `at`, `every`, `chance` and `on`, an array of those, or an object with `faults` and `seed`";

impl Faults {
    /// Answers a request to `/sandbox/faults`.
    pub(crate) fn answer_control(&mut self, method: &Method, body: &str) -> (StatusCode, Value) {
        let done = match method.as_str() {
            "GET" | "HEAD" => Ok(StatusCode::OK),
            "PUT" => self.replace_rules(body).map(|()| StatusCode::OK),
            "POST" => self.append_rules(body).map(|()| StatusCode::CREATED),
            "DELETE" => {
                *self = Self { seed: self.seed, ..Self::default() };
                Ok(StatusCode::OK)
            }
            _ => {
                let error = "`GET` shows the faults, `PUT` sets them, `POST` adds some, `DELETE` clears them";
                return (StatusCode::METHOD_NOT_ALLOWED, json!({ "error": error }));
            }
        };
        match done {
            Ok(status) => (status, self.rules_as_json()),
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
        }
    }

    fn replace_rules(&mut self, body: &str) -> Result<(), String> {
        let (seed, rules) = parse_rules(body)?;
        *self = Self::new(seed.unwrap_or(self.seed), rules);
        Ok(())
    }

    fn append_rules(&mut self, body: &str) -> Result<(), String> {
        let (seed, rules) = parse_rules(body)?;
        if seed.is_some() {
            return Err("`seed` can only be set together with all faults, by `PUT`".to_owned());
        }
        rules.into_iter().for_each(|rule| self.add_rule(rule));
        Ok(())
    }

    fn rules_as_json(&self) -> Value {
        let rules = self.rules.iter().map(|counted| {
            let mut shown = json!({
                "fault": counted.rule.to_string(),
                "what": counted.rule.fault.to_string(),
            });
            for (clause, value) in counted.rule.clause_values() {
                shown[clause] = json!(value);
            }
            shown["seen"] = json!(counted.matched);
            shown["met"] = json!(counted.triggered);
            shown
        });
        json!({ "seed": self.seed, "faults": rules.collect::<Vec<_>>() })
    }
}

fn parse_rules(body: &str) -> Result<(Option<u64>, Vec<FaultRule>), String> {
    let body = body.trim();
    let (seed, written) = if body.starts_with(['{', '[', '"']) {
        match serde_json::from_str(body).map_err(|_| FORMS)? {
            FaultsInput::Rule(rule) => (None, vec![rule]),
            FaultsInput::Rules(rules) => (None, rules),
            FaultsInput::All(SeededRules { seed, faults }) => (seed, faults),
        }
    } else {
        let lines = body.lines().filter(|line| !line.trim().is_empty());
        (None, lines.map(|line| RuleInput::Text(line.to_owned())).collect())
    };
    let rules: Result<_, FaultRuleError> = written.into_iter().map(RuleInput::into_rule).collect();
    Ok((seed, rules.map_err(|error| error.to_string())?))
}
