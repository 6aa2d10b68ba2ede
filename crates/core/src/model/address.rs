//! Addresses of changes and findings: `pools.kubernetes`, `projects["Web Store"].deployment.steps["Deploy to AKS"]`.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The position of an object in the tree of names that the file and the space share.
///
/// Displayed as the user writes it; a name that is not a bare key is quoted, with `"` and `\` escaped.
/// The displayed text parses to the same address, and is the address's form in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// The setting that enables the built-in worker.
    BuiltInWorker,
    /// The order of all pools.
    PoolOrder,
    /// A worker pool, by its key in the file, or by its name if the file does not declare it.
    Pool(String),
    /// A worker, by its name.
    Worker(String),
    /// A deployment target, by its name.
    Target(String),
    /// A value of a variable, by the variable's name and the value's scope.
    Variable {
        /// The variable's owner.
        owner: VariableSetOwner,
        /// The variable's name.
        name: String,
        /// The value's scope in words; empty if it applies everywhere.
        scope: String,
    },
    /// A step of a process.
    Step {
        /// The project's name.
        project: String,
        /// The branch with the process, if it is stored in Git.
        branch: Option<String>,
        /// The process.
        process: ProcessName,
        /// The name of the step or child step.
        step: String,
    },
}

/// The owner of a variable set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VariableSetOwner {
    /// The project of this name.
    Project {
        /// The project's name.
        name: String,
        /// The branch with the variables, if they are stored in Git.
        branch: Option<String>,
    },
    /// The library variable set of this name.
    Library(String),
}

/// A process of a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProcessName {
    /// The deployment process.
    Deployment,
    /// The process of the runbook of this name.
    Runbook(String),
}

/// The kind of a process: what owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// The deployment process of a project.
    Deployment,
    /// The process of a runbook.
    Runbook,
}

impl ProcessName {
    /// Its kind.
    pub fn kind(&self) -> ProcessKind {
        match self {
            Self::Deployment => ProcessKind::Deployment,
            Self::Runbook(_) => ProcessKind::Runbook,
        }
    }
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid address: {problem} after character {position}")]
pub struct ParseAddressError {
    /// The whole text.
    pub text: String,
    /// The number of characters that were understood.
    pub position: usize,
    /// What is wrong with the rest.
    pub problem: &'static str,
}

impl Address {
    /// What addresses begin with.
    pub const ROOTS: [&str; 6] =
        ["pools", "workers", "projects", "library_sets", "targets", "server.built_in_worker"];
}

impl ParseAddressError {
    /// Returns the error for a text that does not begin as an address does.
    pub fn unknown_root(text: &str) -> Self {
        let problem = "expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker`";
        Self { text: text.to_owned(), position: 0, problem }
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = AddressParser { text, left: text };
        let address = parser.parse_address()?;
        if parser.left.is_empty() { Ok(address) } else { Err(parser.error("unexpected text")) }
    }
}

impl TryFrom<String> for Address {
    type Error = ParseAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// Parses an address: holds the whole text, and the part that is left to parse.
struct AddressParser<'a> {
    text: &'a str,
    left: &'a str,
}

impl AddressParser<'_> {
    fn parse_address(&mut self) -> Result<Address, ParseAddressError> {
        if self.eat("server.built_in_worker") {
            return Ok(Address::BuiltInWorker);
        }
        if self.eat("pools") {
            return if self.left.is_empty() {
                Ok(Address::PoolOrder)
            } else {
                self.parse_name().map(Address::Pool)
            };
        }
        if self.eat("workers") {
            return self.parse_name().map(Address::Worker);
        }
        if self.eat("targets") {
            return self.parse_name().map(Address::Target);
        }
        if self.eat("library_sets") {
            let owner = VariableSetOwner::Library(self.parse_name()?);
            return if self.eat(".variables") {
                self.parse_variable(owner)
            } else {
                Err(self.error("expected `.variables`"))
            };
        }
        if !self.eat("projects") {
            return Err(ParseAddressError::unknown_root(self.text));
        }
        let project = self.parse_name()?;
        let branch = if self.eat("@") { Some(self.parse_branch()?) } else { None };
        if self.eat(".variables") {
            return self.parse_variable(VariableSetOwner::Project { name: project, branch });
        }
        let process = self.parse_process()?;
        if self.eat(".steps") {
            Ok(Address::Step { project, branch, process, step: self.parse_name()? })
        } else {
            Err(self.error("expected `.steps`"))
        }
    }

    /// Parses a variable's name and its value's scope.
    fn parse_variable(&mut self, owner: VariableSetOwner) -> Result<Address, ParseAddressError> {
        let name = self.parse_name()?;
        let scope = if self.left.is_empty() { String::new() } else { self.parse_name()? };
        Ok(Address::Variable { owner, name, scope })
    }

    fn parse_process(&mut self) -> Result<ProcessName, ParseAddressError> {
        if self.eat(".deployment") {
            return Ok(ProcessName::Deployment);
        }
        if self.eat(".runbooks") {
            self.parse_name().map(ProcessName::Runbook)
        } else {
            Err(self.error("expected `.deployment`, `.runbooks` or `.variables`"))
        }
    }

    /// Parses `.key` or `["any name"]`.
    fn parse_name(&mut self) -> Result<String, ParseAddressError> {
        if self.eat("[\"") {
            return self.parse_quoted("\"]", "expected a name that ends in `\"]`");
        }
        let rest = self.left.strip_prefix('.').unwrap_or_default();
        let end = rest.find(|c| !is_bare_char(c)).unwrap_or(rest.len());
        let (key, left) = rest.split_at(end);
        if key.is_empty() {
            return Err(self.error("expected a name such as `.key` or `[\"name\"]`"));
        }
        self.left = left;
        Ok(key.to_owned())
    }

    /// Parses `main`, `feature/x` or `"any name"`.
    fn parse_branch(&mut self) -> Result<String, ParseAddressError> {
        if self.eat("\"") {
            return self.parse_quoted("\"", "expected a branch that ends in `\"`");
        }
        let end = self.left.find(|c| !is_branch_char(c)).unwrap_or(self.left.len());
        let (branch, left) = self.left.split_at(end);
        if branch.is_empty() {
            return Err(self.error("expected a branch such as `main` or `\"release/1.2\"`"));
        }
        self.left = left;
        Ok(branch.to_owned())
    }

    /// Parses the rest of a name after its opening quote, up to `end`, which starts with a quote.
    fn parse_quoted(
        &mut self,
        end: &str,
        problem: &'static str,
    ) -> Result<String, ParseAddressError> {
        let mut name = String::new();
        let mut chars = self.left.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if self.left[at..].starts_with(end) => {
                    self.left = &self.left[at + end.len()..];
                    return Ok(name);
                }
                '"' => break,
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => name.push(escaped),
                    _ => break,
                },
                plain => name.push(plain),
            }
        }
        Err(self.error(problem))
    }

    fn eat(&mut self, token: &str) -> bool {
        let left = self.left.strip_prefix(token);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    fn error(&self, problem: &'static str) -> ParseAddressError {
        let position = self.text.chars().count() - self.left.chars().count();
        ParseAddressError { text: self.text.to_owned(), position, problem }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltInWorker => f.write_str("server.built_in_worker"),
            Self::PoolOrder => f.write_str("pools"),
            Self::Pool(key) => write!(f, "pools{}", KeySegment(key)),
            Self::Worker(name) => write!(f, "workers{}", KeySegment(name)),
            Self::Target(name) => write!(f, "targets{}", KeySegment(name)),
            Self::Variable { owner, name, scope } => {
                write!(f, "{owner}.variables[{}]", QuotedName(name))?;
                if scope.is_empty() { Ok(()) } else { write!(f, "[{}]", QuotedName(scope)) }
            }
            Self::Step { project, branch, process, step } => {
                let project = ProjectSegment(project, branch.as_deref());
                write!(f, "{project}.{process}.steps[{}]", QuotedName(step))
            }
        }
    }
}

impl fmt::Display for VariableSetOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project { name, branch } => ProjectSegment(name, branch.as_deref()).fmt(f),
            Self::Library(name) => write!(f, "library_sets[{}]", QuotedName(name)),
        }
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment => f.write_str("deployment"),
            Self::Runbook(name) => write!(f, "runbooks[{}]", QuotedName(name)),
        }
    }
}

/// Displays `projects["any name"]`, followed by the branch if there is one.
struct ProjectSegment<'a>(&'a str, Option<&'a str>);

impl fmt::Display for ProjectSegment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects[{}]", QuotedName(self.0))?;
        match self.1 {
            Some(branch) => write!(f, "@{}", BranchName(branch)),
            None => Ok(()),
        }
    }
}

/// Displays `.key`, or `["any name"]` if the name is not a bare key in TOML.
struct KeySegment<'a>(&'a str);

impl fmt::Display for KeySegment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_bare_char) {
            write!(f, ".{}", self.0)
        } else {
            write!(f, "[{}]", QuotedName(self.0))
        }
    }
}

fn is_bare_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Displays `main`, or `"release/1.2"` if the name has characters that a bare one cannot.
struct BranchName<'a>(&'a str);

impl fmt::Display for BranchName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_branch_char) {
            f.write_str(self.0)
        } else {
            QuotedName(self.0).fmt(f)
        }
    }
}

fn is_branch_char(c: char) -> bool {
    is_bare_char(c) || c == '/'
}

/// Displays `"name"`, with `"` and `\` escaped.
struct QuotedName<'a>(&'a str);

impl fmt::Display for QuotedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_is_not_a_bare_key_is_quoted() {
        let pool = |key: &str| Address::Pool(key.to_owned()).to_string();
        assert_eq!(pool("kubernetes-2"), "pools.kubernetes-2");
        assert_eq!(pool("Old \"SQL\" Pool"), r#"pools["Old \"SQL\" Pool"]"#);
    }

    #[test]
    fn a_step_is_found_by_project_process_and_name() {
        let step = |process| Address::Step {
            project: "Web Store".into(),
            branch: None,
            process,
            step: "Drain".into(),
        };
        assert_eq!(
            step(ProcessName::Deployment).to_string(),
            r#"projects["Web Store"].deployment.steps["Drain"]"#
        );
        assert_eq!(
            step(ProcessName::Runbook("Restart".into())).to_string(),
            r#"projects["Web Store"].runbooks["Restart"].steps["Drain"]"#
        );
    }

    #[test]
    fn a_value_is_found_by_its_variable_and_its_scope() {
        let value = |owner, scope: &str| {
            Address::Variable { owner, name: "Pool".into(), scope: scope.into() }.to_string()
        };
        let project = |branch: Option<&str>| VariableSetOwner::Project {
            name: "Web Store".into(),
            branch: branch.map(str::to_owned),
        };
        assert_eq!(value(project(None), ""), r#"projects["Web Store"].variables["Pool"]"#);
        assert_eq!(
            value(project(Some("main")), ""),
            r#"projects["Web Store"]@main.variables["Pool"]"#
        );
        assert_eq!(
            value(project(None), "environment Production"),
            r#"projects["Web Store"].variables["Pool"]["environment Production"]"#
        );
        assert_eq!(
            value(VariableSetOwner::Library("Shared".into()), ""),
            r#"library_sets["Shared"].variables["Pool"]"#
        );
    }

    #[test]
    fn the_branch_follows_the_project() {
        let step = |branch: &str| {
            let (project, step, process) = ("Web".into(), "Drain".into(), ProcessName::Deployment);
            Address::Step { project, branch: Some(branch.into()), process, step }.to_string()
        };
        assert_eq!(step("feature/x"), r#"projects["Web"]@feature/x.deployment.steps["Drain"]"#);
        assert_eq!(step("v1.2"), r#"projects["Web"]@"v1.2".deployment.steps["Drain"]"#);
    }

    #[test]
    fn an_invalid_address_is_an_error_that_says_where() {
        let wrong = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        insta::assert_snapshot!(wrong("pool.sql"), @"`pool.sql` is not a valid address: expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker` after character 0");
        insta::assert_snapshot!(wrong("pools.sql pool"), @"`pools.sql pool` is not a valid address: unexpected text after character 9");
        insta::assert_snapshot!(wrong("workers"), @r#"`workers` is not a valid address: expected a name such as `.key` or `["name"]` after character 7"#);
        insta::assert_snapshot!(wrong(r#"pools["SQL"#), @r#"`pools["SQL` is not a valid address: expected a name that ends in `"]` after character 7"#);
        insta::assert_snapshot!(wrong(r#"pools["a"b"]"#), @r#"`pools["a"b"]` is not a valid address: expected a name that ends in `"]` after character 7"#);
        insta::assert_snapshot!(wrong(r#"projects["Web Store"].steps["Drain"]"#), @r#"`projects["Web Store"].steps["Drain"]` is not a valid address: expected `.deployment`, `.runbooks` or `.variables` after character 21"#);
    }

    #[test]
    fn unnecessary_quotes_do_not_change_an_address() {
        assert_eq!(r#"pools["sql"]"#.parse(), Ok(Address::Pool("sql".into())));
        assert_eq!("pools".parse(), Ok(Address::PoolOrder));
    }

    fn any_address() -> impl Strategy<Value = Address> {
        let name = || prop_oneof!["[a-z0-9_-]{0,8}", r#"["\\\[\]. é\n]{0,6}"#, any::<String>()];
        let process =
            prop_oneof![Just(ProcessName::Deployment), name().prop_map(ProcessName::Runbook)];
        let step = (name(), proptest::option::of(name()), process, name());
        let project = (name(), proptest::option::of(name()))
            .prop_map(|(name, branch)| VariableSetOwner::Project { name, branch });
        let owner = prop_oneof![project, name().prop_map(VariableSetOwner::Library)];
        let variable = (owner, name(), name());
        prop_oneof![
            Just(Address::BuiltInWorker),
            Just(Address::PoolOrder),
            name().prop_map(Address::Pool),
            name().prop_map(Address::Worker),
            name().prop_map(Address::Target),
            variable.prop_map(|(owner, name, scope)| Address::Variable { owner, name, scope }),
            step.prop_map(|(project, branch, process, step)| Address::Step {
                project,
                branch,
                process,
                step
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_printed_address_parses_to_the_same_address(address in any_address()) {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_parses_without_a_panic(text in r#"(pools|workers|targets|library_sets|projects)?[\["a\]\\.@é ]{0,12}"#) {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
