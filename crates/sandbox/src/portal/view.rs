//! What the page shows, read from the store in one transaction.

use crate::{
    answer::HandlerResult,
    document::features,
    json::{bool_field, json_field, text_field, text_list},
    kind::{ENVIRONMENTS, EVENTS, FEATURES, LEASES, POOLS, PROJECTS, WORKERS},
    news::NewsItem,
    portal::process::{PortalProject, PortalStep, ProjectReader},
    spaces::Spaces,
    store::{self, StoredDocument},
    work,
};
use rusqlite::{Connection, params};
use serde_json::Value;

/// How many projects are shown.
const PROJECTS_SHOWN: usize = 40;

/// How many events are shown.
const EVENTS_SHOWN: i64 = 14;

/// The state of a space.
#[derive(Debug, Default)]
pub(super) struct PortalView {
    /// Every space: its id, its name, and whether it is the one shown.
    pub(super) spaces: Vec<(String, String, bool)>,
    /// The space that was asked for, if there is none of that id or slug.
    pub(super) unknown_space: Option<String>,
    /// Whether the built-in worker is switched on; `None` on a cloud instance, which has none.
    pub(super) built_in: Option<bool>,
    /// The pools, in their order.
    pub(super) pools: Vec<PortalPool>,
    /// The first projects by name.
    pub(super) projects: Vec<PortalProject>,
    /// How many projects are not shown.
    pub(super) hidden: usize,
    /// The latest events, newest first.
    pub(super) events: Vec<PortalEvent>,
}

/// A worker pool.
#[derive(Debug)]
pub(super) struct PortalPool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) is_default: bool,
    /// The image of its workers, if the pool is dynamic.
    pub(super) image: Option<String>,
    pub(super) workers: Vec<PortalWorker>,
}

/// A worker.
#[derive(Clone, Debug)]
pub(super) struct PortalWorker {
    pub(super) id: String,
    pub(super) name: String,
    /// `Healthy`, `Unknown` and so on.
    pub(super) health: String,
    pub(super) is_disabled: bool,
    /// How it is reached, in a word.
    pub(super) style: &'static str,
    /// The tasks that hold it.
    pub(super) leases: Vec<String>,
    pools: Vec<String>,
}

/// An entry of the list of events.
#[derive(Debug)]
pub(super) struct PortalEvent {
    pub(super) id: String,
    /// As the API writes times.
    pub(super) time: String,
    pub(super) actor: String,
    pub(super) message: String,
    /// Whether something went wrong.
    pub(super) is_bad: bool,
}

impl PortalView {
    /// Reads the space of an id, or the default one.
    pub(super) fn read_space(
        db: &Connection,
        space: Option<&str>,
        news: Vec<NewsItem>,
    ) -> HandlerResult<Self> {
        let spaces = Spaces::read(db)?;
        let wanted = space.filter(|id| !id.is_empty());
        let found = wanted.and_then(|id| spaces.find_by_id(id).or_else(|| spaces.find_by_slug(id)));
        let Some(shown) = found.or_else(|| spaces.default_id()) else { return Ok(Self::default()) };
        let workers = read_workers(db, shown)?;
        let mut view = Self {
            built_in: built_in_state(db)?,
            pools: read_pools(db, shown, &workers)?,
            events: read_events(db, shown, news)?,
            unknown_space: wanted.filter(|_| found.is_none()).map(str::to_owned),
            ..Self::default()
        };
        view.read_projects(db, shown)?;
        let entry = |space: &Value| {
            let [id, name] = ["Id", "Name"].map(|field| text_field(space, field).to_owned());
            let is_shown = id == shown;
            (id, name, is_shown)
        };
        view.spaces = spaces.documents().iter().map(entry).collect();
        Ok(view)
    }

    fn read_projects(&mut self, db: &Connection, space: &str) -> HandlerResult<()> {
        let available = work::read_available_workers(db, space)?;
        let projects = store::list_documents(db, &PROJECTS, space)?;
        self.hidden = projects.len().saturating_sub(PROJECTS_SHOWN);
        let environments = store::list_documents(db, &ENVIRONMENTS, space)?;
        let environments: Vec<String> = environments.into_iter().map(|it| it.id).collect();
        let reader =
            ProjectReader { db, space, available: &available, environments: &environments };
        for project in projects.into_iter().take(PROJECTS_SHOWN) {
            self.projects.push(reader.read_project(project)?);
        }
        Ok(())
    }

    /// Every step that is shown.
    pub(super) fn every_step(&self) -> impl Iterator<Item = &PortalStep> {
        let runbooks = self.projects.iter().flat_map(|it| &it.runbooks);
        self.projects.iter().chain(runbooks).filter_map(|it| it.steps.as_ref()).flatten()
    }
}

/// Whether the built-in worker is switched on; `None` on a cloud instance, which has none.
fn built_in_state(db: &Connection) -> HandlerResult<Option<bool>> {
    let features = store::find_document(db, &FEATURES, "", FEATURES.prefix)?;
    let Some(features) = features.filter(|features| features.slug != features::CLOUD) else {
        return Ok(None);
    };
    Ok(Some(bool_field(&features.parse_body()?, "IsBuiltInWorkerEnabled")))
}

fn read_workers(db: &Connection, space: &str) -> HandlerResult<Vec<PortalWorker>> {
    let leases = store::list_documents(db, &LEASES, space)?;
    let leases: Vec<Value> =
        leases.iter().map(StoredDocument::parse_body).collect::<serde_json::Result<_>>()?;
    let workers = store::list_documents(db, &WORKERS, space)?.into_iter().map(|document| {
        let worker = document.parse_body()?;
        let held = leases.iter().filter(|lease| text_field(lease, "WorkerId") == document.id);
        Ok(PortalWorker {
            name: document.name,
            health: text_field(&worker, "HealthStatus").to_owned(),
            is_disabled: bool_field(&worker, "IsDisabled"),
            style: style_label(text_field(json_field(&worker, "Endpoint"), "CommunicationStyle")),
            leases: held.map(|lease| text_field(lease, "ServerTaskId").to_owned()).collect(),
            pools: text_list(&worker, "WorkerPoolIds"),
            id: document.id,
        })
    });
    workers.collect()
}

fn style_label(style: &str) -> &'static str {
    match style {
        "TentaclePassive" => "listening",
        "TentacleActive" => "polling",
        "Ssh" => "SSH",
        "KubernetesTentacle" => "Kubernetes",
        _ => "",
    }
}

fn read_pools(
    db: &Connection,
    space: &str,
    workers: &[PortalWorker],
) -> HandlerResult<Vec<PortalPool>> {
    let pools = store::list_documents(db, &POOLS, space)?.into_iter().map(|document| {
        let pool = document.parse_body()?;
        let is_dynamic = text_field(&pool, "WorkerPoolType") == "DynamicWorkerPool";
        let is_member = |it: &&PortalWorker| it.pools.contains(&document.id);
        Ok(PortalPool {
            workers: workers.iter().filter(is_member).cloned().collect(),
            description: text_field(&pool, "Description").to_owned(),
            is_default: bool_field(&pool, "IsDefault"),
            image: is_dynamic.then(|| text_field(&pool, "WorkerType").to_owned()),
            id: document.id,
            name: document.name,
        })
    });
    pools.collect()
}

/// The latest events of a space: its audit log, and the requests that met a fault.
fn read_events(
    db: &Connection,
    space: &str,
    news: Vec<NewsItem>,
) -> HandlerResult<Vec<PortalEvent>> {
    let sql = "select body from document where kind = ?1 and space = ?2
               order by rank desc, id desc limit ?3";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement
        .query_map(params![EVENTS.prefix, space, EVENTS_SHOWN], |row| row.get::<_, String>(0))?;
    let logged = rows.map(|row| {
        let event: Value = serde_json::from_str(&row?)?;
        let event_text = |name: &str| text_field(&event, name).to_owned();
        let is_bad = event_text("Category").ends_with("Failed");
        let (id, time) = (event_text("Id"), event_text("Occurred"));
        Ok(PortalEvent {
            id,
            time,
            actor: event_text("Username"),
            message: event_text("Message"),
            is_bad,
        })
    });
    let mut events = logged.collect::<HandlerResult<Vec<PortalEvent>>>()?;
    let here = format!("/api/{space}/");
    events.extend(news.into_iter().map(|NewsItem { number, time, method, path, fault }| {
        PortalEvent {
            id: format!("request-{number}"),
            time,
            is_bad: true,
            actor: fault,
            message: format!("{method} {}", path.strip_prefix(&here).unwrap_or(&path)),
        }
    }));
    // A stable sort; times sort as text.
    events.sort_by(|one, other| other.time.cmp(&one.time));
    events.truncate(usize::try_from(EVENTS_SHOWN).unwrap_or_default());
    Ok(events)
}
