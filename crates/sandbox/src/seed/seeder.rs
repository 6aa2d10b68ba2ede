//! The tools that seeds are planted with.

use crate::{
    document::{commit_tree, defaults, links, process, project, variable_set},
    git::{CommitSignature, CommitTree, GitRepository},
    kind::{DocumentKind, PROJECTS, RUNBOOKS, TENANT_VALUES, VARIABLES},
    store::{self, StoredDocument},
    text::slugify,
};
use rusqlite::{Connection, Result};
use serde_json::{Map, Value, json};

/// The steps of a deployment process, or of the runbook of this name.
pub(super) type SeedProcess<'a> = (Option<&'a str>, Vec<Value>);

/// The description of a seed's commits. The time is fixed, and with it the hashes.
const FIRST: CommitSignature<'static> = CommitSignature {
    message: "Initial commit of deployment process",
    author: "admin",
    time: "2026-01-05T09:00:00.000+00:00",
};

/// A space that is filled with documents.
pub(super) struct SpaceSeeder<'a> {
    db: &'a Connection,
    space: String,
    /// The number of steps so far, from which ids are made.
    steps: u64,
}

impl<'a> SpaceSeeder<'a> {
    pub(super) fn new(db: &'a Connection, space: &str) -> Self {
        Self { db, space: space.to_owned(), steps: 0 }
    }

    /// Adds a document with these fields, and returns its id.
    pub(super) fn insert_document(
        &mut self,
        kind: &'static DocumentKind,
        fields: Value,
    ) -> Result<String> {
        let id = store::next_id(self.db, kind)?;
        self.insert_with_id(kind, &id, fields)?;
        Ok(id)
    }

    fn insert_with_id(&self, kind: &'static DocumentKind, id: &str, fields: Value) -> Result<()> {
        let mut document = json!({ "Id": id, "SpaceId": self.space, "Name": fields["Name"] });
        if kind.has_slug {
            document["Slug"] = json!(slugify(fields["Name"].as_str().unwrap_or_default()));
        }
        add_missing_fields(&mut document, fields);
        defaults::add_defaults(kind, id, &mut document);
        document["Links"] = links::document_links(kind, &self.space, id, &document);
        store::save_document(self.db, &StoredDocument::new(kind, &document))
    }

    /// Adds a project with its process and its variables.
    pub(super) fn insert_project(
        &mut self,
        fields: Value,
        steps: Vec<Value>,
        set: Vec<Value>,
    ) -> Result<String> {
        let id = store::next_id(self.db, &PROJECTS)?;
        let mut project = fields;
        add_missing_fields(&mut project, project::project_defaults(&id));
        self.insert_with_id(&PROJECTS, &id, project)?;
        self.insert_process(process::empty_process(&self.space, &id, None), steps)?;
        self.insert_variables(&id, set)?;
        Ok(id)
    }

    /// Adds a project whose processes are in Git. Each branch has the deployment process and the named runbooks, and
    /// the variable set if the project keeps it in Git.
    pub(super) fn insert_git_project(
        &mut self,
        fields: Value,
        set: Vec<Value>,
        branches: Vec<(&str, Vec<SeedProcess<'_>>)>,
    ) -> Result<String> {
        let id = store::next_id(self.db, &PROJECTS)?;
        let in_git = fields["PersistenceSettings"]["ConversionState"]["VariablesAreInGit"] == true;
        let mut project = fields;
        project["IsVersionControlled"] = json!(true);
        add_missing_fields(&mut project, project::project_defaults(&id));
        self.insert_with_id(&PROJECTS, &id, project)?;
        self.insert_variables(&id, set)?;
        let variables = store::list_documents(self.db, &VARIABLES, &self.space)?;
        let variables = variables.into_iter().find(|variable| in_git && variable.owner == id);
        for (branch, processes) in branches {
            let mut tree = CommitTree::new();
            for (runbook, mut steps) in processes {
                steps.iter_mut().for_each(|step| self.assign_ids(step));
                let steps = Value::Array(steps);
                tree.extend(commit_tree::process_documents(&self.space, &id, runbook, &steps));
            }
            tree.extend(
                variables.iter().map(|variable| (variable.id.clone(), variable.body.clone())),
            );
            self.repository(&id).write_commit(branch, tree, FIRST)?;
        }
        Ok(id)
    }

    /// The repository of a project.
    pub(super) fn repository<'r>(&'r self, project: &'r str) -> GitRepository<'r> {
        GitRepository { db: self.db, space: &self.space, project }
    }

    /// Adds a runbook to a project, with its process.
    pub(super) fn insert_runbook(
        &mut self,
        project: &str,
        name: &str,
        steps: Vec<Value>,
    ) -> Result<()> {
        let id = store::next_id(self.db, &RUNBOOKS)?;
        let mut runbook = json!({ "Name": name, "ProjectId": project });
        add_missing_fields(&mut runbook, project::runbook_defaults(&id));
        self.insert_with_id(&RUNBOOKS, &id, runbook)?;
        self.insert_process(process::empty_process(&self.space, project, Some(&id)), steps)
    }

    fn insert_process(&mut self, empty: StoredDocument, mut steps: Vec<Value>) -> Result<()> {
        steps.iter_mut().for_each(|step| self.assign_ids(step));
        let steps = Value::Array(steps).to_string();
        let body = empty.body.replacen("\"Steps\":[]", &format!("\"Steps\":{steps}"), 1);
        let body = body.replacen("\"Version\":0", "\"Version\":1", 1);
        store::save_document(self.db, &StoredDocument { body, ..empty })
    }

    /// Gives ids to a step, its actions and their packages.
    fn assign_ids(&mut self, part: &mut Value) {
        part["Id"] = json!(self.next_guid());
        for parts in ["Actions", "Packages"] {
            let inner = part.get_mut(parts).and_then(Value::as_array_mut);
            inner.into_iter().flatten().for_each(|inner| self.assign_ids(inner));
        }
    }

    /// Adds the variables of a project or a library set.
    pub(super) fn insert_variables(&mut self, owner: &str, set: Vec<Value>) -> Result<()> {
        let mut document = variable_set::empty_variables(&self.space, owner);
        let set = set.into_iter().map(|mut variable| {
            variable["Id"] = json!(self.next_guid());
            variable
        });
        let set = Value::Array(set.collect()).to_string();
        document.body =
            document.body.replacen("\"Variables\":[]", &format!("\"Variables\":{set}"), 1);
        store::save_document(self.db, &document)
    }

    /// Adds the values of a tenant for the variables of its projects, by project, environment and template.
    pub(super) fn insert_tenant_values(&self, tenant: &str, projects: &Value) -> Result<()> {
        let id = TENANT_VALUES.id_for(tenant);
        let fields = json!({
            "TenantId": tenant, "Token": "1", "Projects": projects, "Libraries": {},
        });
        self.insert_with_id(&TENANT_VALUES, &id, fields)
    }

    /// The next id of a step: it looks like any other, and is the same at each start.
    fn next_guid(&mut self) -> String {
        self.steps += 1;
        // An odd multiplier makes a permutation, so no two numbers give one id.
        let mixed = self.steps.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (high, low) = (mixed >> 32, mixed & 0xffff_ffff);
        let (a, b) = (low >> 16, low & 0xfff);
        format!("{high:08x}-{a:04x}-4{b:03x}-a{:03x}-{:012x}", low >> 20, self.steps)
    }
}

/// Adds the fields that a document does not have yet.
fn add_missing_fields(document: &mut Value, fields: Value) {
    let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
    for (name, value) in fields {
        if document.get(&name).is_none() {
            document[name] = value;
        }
    }
}

/// A static pool.
pub(super) fn static_pool(name: &str, description: &str, default: bool) -> Value {
    json!({
        "Name": name,
        "Description": description,
        "IsDefault": default,
        "WorkerPoolType": "StaticWorkerPool",
        "SortOrder": 0,
        "CanAddWorkers": true,
    })
}
