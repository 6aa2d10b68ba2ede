//! What version-controlled projects have: branches, and processes, runbooks and variables of a ref.
//!
//! Never: a commit to a protected branch, a tag or a commit; and no OCL, since pools are ids on the wire.
//!
//! # Source
//!
//! `api.md` 2.10; where that is silent, its section 7.

use super::{
    Call, field,
    normal::{self, Fields, Reader as _},
    text,
};
use crate::sandbox::{
    answer::{Answer, Refusal, Result},
    git::{Commit, Ref, Repository, Settings, Tree, short},
    kind::{BRANCHES, Kind, POOLS, PROCESSES, PROJECTS, RUNBOOK_PROCESSES, RUNBOOKS, VARIABLES},
    page,
    request::Verb,
    store::{self, Document},
};
use serde_json::{Value, json};

/// What runbooks have in a tree, before their ids.
const RUNBOOK: &str = "runbook:";

/// A version-controlled project that is asked about.
struct Project<'a> {
    call: &'a Call<'a>,
    id: &'a str,
    settings: Settings,
    /// The ref as it was sent, and what it stands for.
    at: (Ref, Commit),
}

/// `…/projects/{id}/git/…` and `…/projects/{id}/{ref}/…`; nothing where a project in the database has
/// no such thing.
pub(in crate::sandbox) fn route(
    call: &Call<'_>,
    project: &Document,
    path: &[&str],
) -> Option<Result> {
    let value = match project.value() {
        Ok(value) => value,
        Err(error) => return Some(Err(error.into())),
    };
    if let (["git", "convert"], Verb::Post) = (path, call.verb()) {
        return Some(convert(call, project, value));
    }
    let settings = Settings::of(&value)?;
    Some(match path {
        ["git", below @ ..] => settings.reach().and_then(|()| git(call, project, &settings, below)),
        ["deploymentprocesses", ..] => Err(without_ref()),
        ["runbookprocesses" | "runbooks", ..] if settings.has_runbooks() => Err(without_ref()),
        [_, "deploymentprocesses" | "runbooks" | "runbookprocesses" | "variables", ..] => {
            in_ref(call, &project.id, settings, path)
        }
        _ => return None,
    })
}

fn without_ref() -> Refusal {
    Refusal::rule("This project is version controlled: a Git reference is needed in the path.")
}

/// The segment of a path as it was sent: refs know upper from lower case.
fn sent<'a>(call: &Call<'a>, behind: &[&str]) -> &'a str {
    let path = &call.request.path;
    let at = path.len().checked_sub(behind.len());
    at.and_then(|at| path.get(at)).map(String::as_str).unwrap_or_default()
}

fn git(call: &Call<'_>, project: &Document, settings: &Settings, path: &[&str]) -> Result {
    call.who.needs(PROJECTS.view)?;
    let repository = Repository { db: call.db, space: &call.space, project: &project.id };
    let branch = |name: &str| branch(call, &project.id, settings, name);
    match (call.verb(), path) {
        (Verb::Get, ["branches"]) => {
            let all = repository.branches()?;
            let part = call.request.parameter("searchbyname").unwrap_or_default().to_lowercase();
            let found = all.iter().filter(|it| it.to_lowercase().contains(&part));
            let at = call.at(&format!("projects/{}/git/branches", project.id));
            Ok(page::of_values(call.request, &BRANCHES, &at, found.map(|it| branch(it)).collect()))
        }
        (Verb::Post, ["branches" | "branches/v2"] | ["branches", "v2"]) => {
            make_branch(call, &repository, settings)
        }
        (Verb::Get, ["branches" | "refs", _]) => match repository.find(sent(call, &path[1..]))? {
            Some((Ref::Branch(name), _)) => Ok(Answer::of(&branch(&name))),
            Some((Ref::Fixed(name), commit)) if path.first() == Some(&"refs") => Ok(Answer::of(
                &json!({ "Name": name, "CanonicalName": name, "Commit": commit.hash }),
            )),
            _ => Err(Refusal::missing()),
        },
        (Verb::Get, ["tags"]) => {
            let tag = |name: &String| json!({ "Name": name, "CanonicalName": format!("refs/tags/{name}"), "Links": {} });
            let at = call.at(&format!("projects/{}/git/tags", project.id));
            let all = repository.tags()?.iter().map(tag).collect();
            Ok(page::of_values(call.request, &BRANCHES, &at, all))
        }
        (Verb::Get, ["commits", _]) => {
            let commit = repository.commit(sent(call, &path[1..]))?.ok_or_else(Refusal::missing)?;
            let Commit { hash, parent, message, author, at, .. } = commit;
            Ok(Answer::of(&json!({
                "Name": hash, "CanonicalName": hash, "Parent": parent, "Message": message,
                "Author": author, "CommittedAt": at, "Links": {},
            })))
        }
        (_, [_] | [_, _]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn branch(call: &Call<'_>, project: &str, settings: &Settings, name: &str) -> Value {
    let encoded = page::encode(&format!("refs/heads/{name}"));
    let here = call.at(&format!("projects/{project}"));
    json!({
        "Name": name,
        "CanonicalName": format!("refs/heads/{name}"),
        "IsProtected": settings.protects(name),
        "Links": {
            "Self": format!("{here}/git/branches/{encoded}"),
            "DeploymentProcess": format!("{here}/{encoded}/deploymentprocesses"),
            "Runbook": format!("{here}/{encoded}/runbooks{{/id}}{{?skip,take,partialName}}"),
            "Variables": format!("{here}/{encoded}/variables"),
        },
    })
}

fn make_branch(call: &Call<'_>, repository: &Repository<'_>, settings: &Settings) -> Result {
    call.who.needs(BRANCHES.edit)?;
    let body = call.request.document()?;
    let name = short(text(&body, "NewBranchName").trim()).to_owned();
    let base = text(&body, "BaseGitRef");
    let is_name = !name.is_empty() && !name.contains([' ', '~', '^', ':', '?', '*', '[', '\\']);
    if !is_name {
        return Err(Refusal::rule(format!("'{name}' is not a valid branch name.")));
    }
    if repository.branches()?.contains(&name) {
        return Err(Refusal::rule(format!("A branch named '{name}' already exists.")));
    }
    let missing = || Refusal::rule(format!("The Git reference '{base}' could not be found."));
    let (_, commit) = repository.find(base)?.ok_or_else(missing)?;
    repository.point(&name, &commit.hash)?;
    Ok(Answer::created(&branch(call, repository.project, settings, &name)))
}

fn in_ref(call: &Call<'_>, id: &str, settings: Settings, path: &[&str]) -> Result {
    settings.reach()?;
    let repository = Repository { db: call.db, space: &call.space, project: id };
    let at = repository.find(sent(call, path))?.ok_or_else(Refusal::missing)?;
    let project = Project { call, id, settings, at };
    let process = format!("{}-{id}", PROCESSES.prefix);
    match (call.verb(), &path[1..]) {
        (Verb::Get, ["deploymentprocesses"] | ["deploymentprocesses", "resolved"]) => {
            project.process(&PROCESSES, &process)
        }
        (Verb::Put, ["deploymentprocesses"]) => project.commit(&PROCESSES, &process),
        (_, ["deploymentprocesses", below @ ..]) => {
            call.who.needs(PROCESSES.view)?;
            let process = serde_json::from_str(&project.document(&process)?)?;
            super::processes::beside(call, &process, below)
        }
        (Verb::Get, ["runbookprocesses", _]) => {
            project.process(&RUNBOOK_PROCESSES, sent(call, &path[2..]))
        }
        (Verb::Put, ["runbookprocesses", _]) => {
            project.commit(&RUNBOOK_PROCESSES, sent(call, &path[2..]))
        }
        (Verb::Get, ["runbooks"]) => project.runbooks(),
        (Verb::Get, ["runbooks", _]) => {
            call.who.needs(RUNBOOKS.view)?;
            let runbook = format!("{RUNBOOK}{}", sent(call, &path[2..]));
            Ok(Answer::text(project.document(&runbook)?))
        }
        (Verb::Get, ["variables"]) if project.settings.has_variables() => {
            call.who.needs(VARIABLES.view)?;
            Ok(Answer::text(project.document(&format!("{}-{id}", VARIABLES.prefix))?))
        }
        (Verb::Put, ["variables"]) if project.settings.has_variables() => {
            project.commit_variables()
        }
        _ => Err(Refusal::missing()),
    }
}

impl Project<'_> {
    fn document(&self, id: &str) -> Result<String> {
        let tree = &self.at.1.tree;
        let alike =
            || tree.iter().find(|(it, _)| it.eq_ignore_ascii_case(id)).map(|(_, text)| text);
        tree.get(id).or_else(alike).cloned().ok_or_else(Refusal::missing)
    }

    fn process(&self, kind: &'static Kind, id: &str) -> Result {
        self.call.who.needs(kind.view)?;
        let text = self.document(id)?;
        self.loads(&serde_json::from_str(&text)?)?;
        Ok(Answer::text(text))
    }

    /// A process that names a pool which is gone cannot be loaded: its OCL has the slug of nothing.
    fn loads(&self, process: &Fields) -> Result<()> {
        let steps = process.objects("Steps")?;
        let actions =
            steps.iter().map(|step| step.objects("Actions")).collect::<Result<Vec<_>>>()?;
        for action in actions.iter().flatten() {
            let pool = action.text("WorkerPoolId");
            if !pool.is_empty() && !self.call.has(&POOLS, &pool)? {
                let name = action.text("Name");
                return Err(Refusal::rule(format!(
                    "The worker pool of the step '{name}' could not be found. Its reference has to be \
                     corrected in the Git repository."
                )));
            }
        }
        Ok(())
    }

    fn runbooks(&self) -> Result {
        let tree = &self.at.1.tree;
        let all = tree.iter().filter(|(id, _)| id.starts_with(RUNBOOK));
        let all: Vec<Value> =
            all.map(|(_, text)| serde_json::from_str(text)).collect::<serde_json::Result<_>>()?;
        let may = self.call.who.may(RUNBOOKS.view) && self.settings.has_runbooks();
        let at =
            self.call.at(&format!("projects/{}/{}/runbooks", self.id, page::encode(&self.name())));
        Ok(page::of_values(self.call.request, &RUNBOOKS, &at, if may { all } else { Vec::new() }))
    }

    fn name(&self) -> String {
        match &self.at.0 {
            Ref::Branch(name) => format!("refs/heads/{name}"),
            Ref::Fixed(name) => name.clone(),
        }
    }

    /// The branch to commit to.
    fn branch(&self) -> Result<&str> {
        match &self.at.0 {
            Ref::Fixed(name) => Err(Refusal::rule(format!(
                "'{name}' is not a branch. Changes can only be committed to a branch."
            ))),
            Ref::Branch(name) if self.settings.protects(name) => Err(Refusal::rule(format!(
                "refs/heads/{name} is a protected branch. Cannot commit to protected branches. Please \
                 create a new branch before committing."
            ))),
            Ref::Branch(name) => Ok(name),
        }
    }

    /// Commits a process that is sent.
    fn commit(&self, kind: &'static Kind, id: &str) -> Result {
        self.call.who.needs(kind.edit)?;
        let branch = self.branch()?;
        let old: Fields = serde_json::from_str(&self.document(id)?)?;
        let mut new: Fields = serde_json::from_str(&self.call.request.body)?;
        let message = message(&mut new, kind.noun);
        let mut process = normal::process(self.call, new, &old)?;
        for name in
            ["Id", "SpaceId", "ProjectId", "RunbookId", "LastSnapshotId", "Version", "Links"]
        {
            if let Some(value) = old.get(name) {
                process.put(name, value.clone());
            }
        }
        let text = serde_json::to_string(&process)?;
        self.write(branch, id, text.clone(), &message)?;
        Ok(Answer::text(text))
    }

    fn commit_variables(&self) -> Result {
        self.call.who.needs(VARIABLES.edit)?;
        let branch = self.branch()?;
        let id = format!("{}-{}", VARIABLES.prefix, self.id);
        let old: Fields = serde_json::from_str(&self.document(&id)?)?;
        let mut new: Fields = serde_json::from_str(&self.call.request.body)?;
        let message = message(&mut new, VARIABLES.noun);
        let text = super::variables::kept(new, &old)?;
        self.write(branch, &id, text.clone(), &message)?;
        Ok(Answer::text(text))
    }

    fn write(&self, branch: &str, id: &str, text: String, message: &str) -> Result<()> {
        let mut tree = self.at.1.tree.clone();
        let spelled = tree.keys().find(|it| it.eq_ignore_ascii_case(id)).cloned();
        tree.insert(spelled.unwrap_or_else(|| id.to_owned()), text);
        let repository = Repository { db: self.call.db, space: &self.call.space, project: self.id };
        repository.write(branch, tree, message, &self.call.who.username)?;
        Ok(())
    }
}

/// What a commit says; a server has words of its own for who says nothing.
fn message(body: &mut Fields, noun: &str) -> String {
    let said = body.text("ChangeDescription");
    let own = ["ChangeDescription", "GitRef"];
    body.retain(|name, _| !own.iter().any(|it| it.eq_ignore_ascii_case(name)));
    if said.trim().is_empty() { format!("Updated {noun}") } else { said }
}

/// Moves a project from the database into Git.
fn convert(call: &Call<'_>, document: &Document, mut project: Value) -> Result {
    call.who.needs(PROJECTS.edit)?;
    if Settings::of(&project).is_some() {
        return Err(Refusal::rule("This project is version controlled already."));
    }
    let body = call.request.document()?;
    let mut settings = field(&body, "VersionControlSettings").clone();
    if !settings.is_object() {
        return Err(Refusal::rule("Please provide the version control settings."));
    }
    settings["Type"] = json!("VersionControlled");
    settings["ConversionState"] = json!({ "VariablesAreInGit": true, "RunbooksAreInGit": false });
    super::plain::forget_secrets(&mut settings);
    project["PersistenceSettings"] = settings;
    let settings = Settings::of(&project)
        .ok_or_else(|| Refusal::rule("These are no version control settings."))?;
    settings.reach()?;
    // A protected default branch takes no commit, the first one included.
    let first = match settings.protects(settings.default_branch()) {
        true => text(&body, "InitialCommitBranchName"),
        false => settings.default_branch(),
    };
    let first = if first.is_empty() { "octopus-vcs-conversion" } else { first };
    let message = Some(text(&body, "CommitMessage")).filter(|it| !it.is_empty());
    let message = message.unwrap_or("Initial commit of deployment process");
    into_git(call, document, project, (short(first), message))?;
    Ok(Answer::of(&json!({ "Messages": [] })))
}

fn into_git(
    call: &Call<'_>,
    document: &Document,
    project: Value,
    (branch, message): (&str, &str),
) -> Result<()> {
    let author = &call.who.username;
    let repository = Repository { db: call.db, space: &call.space, project: &document.id };
    let settings = Settings::of(&project).unwrap_or_default();
    let mut tree = Tree::new();
    let mut wanted = vec![(&PROCESSES, format!("{}-{}", PROCESSES.prefix, document.id))];
    if settings.has_variables() {
        wanted.push((&VARIABLES, format!("{}-{}", VARIABLES.prefix, document.id)));
    }
    for (kind, id) in wanted {
        let body = call.find(kind, &id)?.body;
        tree.insert(id.clone(), body);
        if kind.path == PROCESSES.path {
            store::delete(call.db, &id)?;
        }
    }
    repository.write(branch, tree, message, author)?;
    store::save(call.db, &Document::new(&PROJECTS, &in_git(project, &call.space)))?;
    Ok(())
}

/// A project as it says itself that it is in Git.
pub(in crate::sandbox) fn in_git(mut project: Value, space: &str) -> Value {
    project["IsVersionControlled"] = json!(true);
    let id = text(&project, "Id").to_owned();
    project["Links"] = super::links::of(&PROJECTS, space, &id, &project);
    project
}

/// What a tree has of a process: the process, and the runbook that owns it, by their ids. A runbook is
/// known by the slug of its name.
pub(in crate::sandbox) fn documents(
    space: &str,
    project: &str,
    runbook: Option<&str>,
    steps: Value,
) -> Vec<(String, String)> {
    let slug = runbook.map(super::slug);
    let here = json!({ "Project": format!("/api/{space}/projects/{project}") });
    let empty = super::processes::empty(space, project, slug.as_deref());
    let mut process: Value = empty.value().unwrap_or_default();
    process["Steps"] = steps;
    process["Links"] = here.clone();
    let mut documents = vec![(empty.id, process.to_string())];
    if let (Some(name), Some(slug)) = (runbook, slug) {
        let mut document = json!({
            "Id": slug, "Name": name, "Slug": slug, "SpaceId": space, "ProjectId": project,
        });
        let defaults = super::projects::runbook_defaults(&slug);
        for (key, value) in defaults.as_object().into_iter().flatten() {
            document[key.as_str()] = value.clone();
        }
        document["Links"] = here;
        documents.push((format!("{RUNBOOK}{slug}"), document.to_string()));
    }
    documents
}
