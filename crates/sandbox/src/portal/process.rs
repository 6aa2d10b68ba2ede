//! The steps of a project as the page shows them: in the database, or on the default branch of a repository, with the
//! values that the variables of pools have.

use crate::{
    answer::HandlerResult,
    document::{commit_tree::RUNBOOK, template},
    git::{CommitTree, GitRepository, GitSettings},
    json::{array_items, bool_field, json_field, text_field, text_list},
    kind::{
        DocumentKind, LIBRARY, PROCESSES, RUNBOOK_PROCESSES, RUNBOOKS, TENANT_VALUES, VARIABLES,
    },
    place::AvailableWorkers,
    portal::place::{self, PortalPlace},
    store::{self, StoredDocument},
    work,
};
use rusqlite::{Connection, params};
use serde_json::Value;

/// A project, or a runbook of one.
#[derive(Debug)]
pub(super) struct PortalProject {
    pub(super) id: String,
    pub(super) name: String,
    /// Its steps; `None` if its process cannot be read.
    pub(super) steps: Option<Vec<PortalStep>>,
    pub(super) origin: ProcessOrigin,
    pub(super) runbooks: Vec<PortalProject>,
}

/// Where a process is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProcessOrigin {
    /// In the database, or where that of its project is.
    Database,
    /// On the default branch of a repository.
    Branch(String),
    /// In a repository that cannot be reached, or that lacks this default branch.
    Unreadable(String),
}

/// An action of a step; most steps have one.
#[derive(Debug)]
pub(super) struct PortalStep {
    pub(super) name: String,
    pub(super) place: PortalPlace,
    pub(super) is_disabled: bool,
}

/// Reads the projects of a space.
pub(super) struct ProjectReader<'a> {
    pub(super) db: &'a Connection,
    pub(super) space: &'a str,
    pub(super) available: &'a AvailableWorkers,
    /// The ids of the environments.
    pub(super) environments: &'a [String],
}

/// What decides the values of a project's variables.
struct ProjectVariables {
    /// The project's set, then those of the libraries that it includes.
    sets: Vec<Value>,
    /// The values of tenants, and the defaults of those: names and values.
    of_tenants: Vec<(String, String)>,
}

impl ProjectReader<'_> {
    /// A project with its runbooks.
    pub(super) fn read_project(&self, stored: StoredDocument) -> HandlerResult<PortalProject> {
        let project = stored.parse_body()?;
        let settings = GitSettings::from_project(&project);
        let tree = settings.as_ref().map(|it| self.default_tree(&stored.id, it)).transpose()?;
        let in_git = settings.as_ref().map(|it| it.default_branch().to_owned());
        let origin = match (&in_git, &tree) {
            (Some(branch), Some(Some(_))) => ProcessOrigin::Branch(branch.clone()),
            (Some(branch), _) => ProcessOrigin::Unreadable(branch.clone()),
            (None, _) => ProcessOrigin::Database,
        };
        let tree = tree.flatten();
        let variables = self.read_variables(&stored, &project, tree.as_ref())?;
        let own = PROCESSES.id_for(&stored.id);
        let process = match &tree {
            Some(tree) => tree.get(&own).map(|text| serde_json::from_str(text)).transpose()?,
            None if settings.is_some() => None,
            None => self.find_body(&PROCESSES, &own)?,
        };
        let runbooks = match &tree {
            Some(tree) if settings.as_ref().is_some_and(GitSettings::has_runbooks) => {
                self.committed_runbooks(tree, &variables)?
            }
            _ => self.stored_runbooks(&stored.id, &variables)?,
        };
        Ok(PortalProject {
            steps: process
                .map(|process| self.read_steps(process, &stored.id, &variables))
                .transpose()?,
            id: stored.id,
            name: stored.name,
            origin,
            runbooks,
        })
    }

    /// The documents of a project's default branch; `None` if they cannot be read.
    fn default_tree(
        &self,
        project: &str,
        settings: &GitSettings,
    ) -> HandlerResult<Option<CommitTree>> {
        if settings.check_reachable().is_err() {
            return Ok(None);
        }
        let repository = GitRepository { db: self.db, space: self.space, project };
        let found = repository.find_ref(settings.default_branch())?;
        Ok(found.map(|(_, commit)| commit.tree))
    }

    fn find_body(&self, kind: &'static DocumentKind, id: &str) -> HandlerResult<Option<Value>> {
        let found = store::find_document(self.db, kind, self.space, id)?;
        Ok(found.map(|it| it.parse_body()).transpose()?)
    }

    fn read_variables(
        &self,
        stored: &StoredDocument,
        project: &Value,
        tree: Option<&CommitTree>,
    ) -> HandlerResult<ProjectVariables> {
        let mut sets = Vec::new();
        let own = VARIABLES.id_for(&stored.id);
        if let Some(text) = tree.and_then(|tree| tree.get(&own)) {
            sets.push(serde_json::from_str(text)?);
        }
        sets.extend(self.find_body(&VARIABLES, &own)?);
        for library in text_list(project, "IncludedLibraryVariableSetIds") {
            if self.find_body(&LIBRARY, &library)?.is_some() {
                sets.extend(self.find_body(&VARIABLES, &VARIABLES.id_for(&library))?);
            }
        }
        Ok(ProjectVariables { sets, of_tenants: self.tenant_values(&stored.id, project)? })
    }

    /// The defaults of a project's templates, and the values that tenants have for them.
    fn tenant_values(&self, id: &str, project: &Value) -> HandlerResult<Vec<(String, String)>> {
        let tenants = store::list_documents(self.db, &TENANT_VALUES, self.space)?;
        let tenants: Vec<Value> =
            tenants.iter().map(StoredDocument::parse_body).collect::<serde_json::Result<_>>()?;
        let by_environment =
            tenants.iter().filter_map(|it| json_field(&it["Projects"], id).as_object());
        let of_tenants: Vec<&Value> = by_environment.flat_map(|it| it.values()).collect();
        let mut values = Vec::new();
        for variable in array_items(project, "Templates") {
            let (name, id) = (text_field(variable, "Name"), text_field(variable, "Id"));
            let of_tenants = of_tenants.iter().map(|values| text_field(values, id));
            let all = std::iter::once(text_field(variable, "DefaultValue")).chain(of_tenants);
            let set = all.filter(|value| !value.is_empty());
            values.extend(set.map(|value| (name.to_owned(), value.to_owned())));
        }
        Ok(values)
    }

    fn stored_runbooks(
        &self,
        project: &str,
        variables: &ProjectVariables,
    ) -> HandlerResult<Vec<PortalProject>> {
        let of_project = params![RUNBOOKS.prefix, project];
        let runbooks = store::select_documents(self.db, &RUNBOOKS, "owner = ?2", of_project)?;
        let runbooks = runbooks.into_iter().map(|runbook| {
            let process = RUNBOOK_PROCESSES.id_for(&runbook.id);
            let process = self.find_body(&RUNBOOK_PROCESSES, &process)?;
            self.runbook_with_steps(runbook.id, runbook.name, process, variables)
        });
        runbooks.collect()
    }

    fn committed_runbooks(
        &self,
        tree: &CommitTree,
        variables: &ProjectVariables,
    ) -> HandlerResult<Vec<PortalProject>> {
        let mut runbooks = Vec::new();
        for (id, text) in tree.iter().filter(|(id, _)| id.starts_with(RUNBOOK)) {
            let runbook: Value = serde_json::from_str(text)?;
            let process = tree.get(text_field(&runbook, "RunbookProcessId"));
            let process = process.map(|text| serde_json::from_str(text)).transpose()?;
            let name = text_field(&runbook, "Name").to_owned();
            runbooks.push(self.runbook_with_steps(id.clone(), name, process, variables)?);
        }
        Ok(runbooks)
    }

    fn runbook_with_steps(
        &self,
        id: String,
        name: String,
        process: Option<Value>,
        variables: &ProjectVariables,
    ) -> HandlerResult<PortalProject> {
        let steps = process.map(|process| self.read_steps(process, &id, variables)).transpose()?;
        let origin = ProcessOrigin::Database;
        Ok(PortalProject { id, name, steps, origin, runbooks: Vec::new() })
    }

    /// The steps of a process and where each runs.
    fn read_steps(
        &self,
        process: Value,
        owner: &str,
        variables: &ProjectVariables,
    ) -> HandlerResult<Vec<PortalStep>> {
        let process = template::expand_for_run(self.db, process)?;
        let mut steps = Vec::new();
        for step in array_items(&process, "Steps") {
            for action in array_items(step, "Actions") {
                let values = self.variable_values(action, owner, variables);
                steps.push(PortalStep {
                    name: text_field(action, "Name").to_owned(),
                    place: place::locate_action(step, action, self.available, &values),
                    is_disabled: bool_field(action, "IsDisabled"),
                });
            }
        }
        Ok(steps)
    }

    /// The values that the pool variable of an action has in the environments in which the action runs.
    fn variable_values(
        &self,
        action: &Value,
        owner: &str,
        variables: &ProjectVariables,
    ) -> Vec<String> {
        let name = text_field(action, "WorkerPoolVariable");
        if name.is_empty() {
            return Vec::new();
        }
        let (only, not) =
            (text_list(action, "Environments"), text_list(action, "ExcludedEnvironments"));
        let runs_in = |id: &&String| (only.is_empty() || only.contains(id)) && !not.contains(id);
        let environments: Vec<&str> =
            self.environments.iter().filter(runs_in).map(String::as_str).collect();
        let mut values =
            work::values_in_environments(&variables.sets, name, &environments, owner, action);
        let of_tenants = variables.of_tenants.iter();
        let of_tenants = of_tenants.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        for (_, value) in of_tenants {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values
    }
}
