//! Laws of the queue, whatever is asked for and when.

use super::*;
use crate::{Seed, document::node, kind::WORKERS, seed};
use proptest::prelude::*;
use serde_json::json;
use std::{collections::HashMap, time::Duration};

const WORK: i64 = 100;
const CAP: usize = 3;
const WORKERS_THERE: usize = 3;

/// An action of a client, or a time without any.
#[derive(Clone, Debug)]
enum Event {
    Wait(i64),
    /// A script on these workers.
    Script(Vec<usize>),
    Upgrade(usize),
    Cancel(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1..150_i64).prop_map(Event::Wait),
        4 => proptest::collection::vec(0..WORKERS_THERE, 1..3).prop_map(Event::Script),
        1 => (0..WORKERS_THERE).prop_map(Event::Upgrade),
        1 => (0..8_usize).prop_map(Event::Cancel),
    ]
}

/// A server with a few workers and a clock.
struct World {
    db: Connection,
    pace: Pace,
    now: i64,
    tasks: Vec<String>,
}

impl World {
    fn new() -> Self {
        let db = Connection::open_in_memory().unwrap();
        store::create_tables(&db).unwrap();
        seed::seed_store(&db, &Seed::Empty).unwrap();
        node::create_node(&db, u32::try_from(CAP).unwrap()).unwrap();
        audit::install_triggers(&db).unwrap();
        for number in 0..WORKERS_THERE {
            let worker = json!({
                "Id": worker(number), "SpaceId": "Spaces-1", "Name": format!("w{number}"),
                "WorkerPoolIds": ["WorkerPools-1"], "HealthStatus": "Healthy", "IsDisabled": false,
                "Endpoint": {},
            });
            store::save_document(&db, &StoredDocument::new(&WORKERS, &worker)).unwrap();
        }
        let work = Duration::from_millis(WORK.unsigned_abs());
        let pace = Pace { work, ..Pace::default() };
        Self { db, pace, now: 1_000_000, tasks: Vec::new() }
    }

    fn happen(&mut self, event: &Event) {
        run_due_tasks(&self.db, &self.pace, self.now).unwrap();
        match event {
            Event::Wait(time) => self.now += time,
            Event::Script(workers) => {
                let workers: Vec<String> = workers.iter().map(|index| worker(*index)).collect();
                self.ask("AdHocScript", &json!({ "TargetType": "Workers", "WorkerIds": workers }));
            }
            Event::Upgrade(number) => {
                self.ask("Upgrade", &json!({ "MachineIds": [worker(*number)] }));
            }
            Event::Cancel(number) => {
                let task = self.tasks.get(*number).cloned().unwrap_or_default();
                if is_task_pending(&self.db, &task).unwrap() {
                    end_task(&self.db, &task, to_timestamp(self.now), &TaskOutcome::Canceled)
                        .unwrap();
                }
            }
        }
    }

    fn ask(&mut self, name: &str, arguments: &Value) {
        let id = store::next_id(&self.db, &TASKS).unwrap();
        let at = to_timestamp(self.now);
        let new = state::NewTask { id: &id, space: "Spaces-1", name, description: name, arguments };
        save_task(&self.db, state::queued_task(&new, at)).unwrap();
        schedule_task(&self.db, &id, at).unwrap();
        self.tasks.push(id);
    }

    fn task(&self, id: &str) -> Value {
        find_task(&self.db, id).unwrap()
    }

    fn in_state(&self, state: &str) -> Vec<&String> {
        self.tasks.iter().filter(|id| text_field(&self.task(id), "State") == state).collect()
    }

    /// Asserts what holds at every moment.
    fn check(&self) {
        let under_way = self.in_state("Executing");
        assert!(under_way.len() <= CAP, "{under_way:?}");
        let mut holders: HashMap<String, Vec<bool>> = HashMap::new();
        for lease in lease::list_in_space(&self.db, "Spaces-1").unwrap() {
            let task = text_field(&lease, "ServerTaskId").to_owned();
            assert!(under_way.contains(&&task), "{lease}");
            let exclusive = lease["Exclusive"] == true;
            holders.entry(text_field(&lease, "WorkerId").to_owned()).or_default().push(exclusive);
        }
        for (worker, exclusive) in &holders {
            let shared = !exclusive.contains(&true);
            assert!(shared || exclusive.len() == 1, "{worker}: {exclusive:?}");
        }
        if self.tasks.iter().all(|id| self.task(id)["Name"] == "AdHocScript") {
            let queued = self.in_state("Queued").len();
            assert!(queued == 0 || under_way.len() == CAP, "{queued} wait for nothing");
        }
    }

    /// Asserts what holds for a task that is over.
    fn check_times(&self, id: &str) {
        let task = self.task(id);
        let at = |name: &str| {
            text_field(&task, name).parse::<Timestamp>().ok().map(|it| it.as_millisecond())
        };
        let (queued, started, ended) = (at("QueueTime"), at("StartTime"), at("CompletedTime"));
        match text_field(&task, "State") {
            "Success" => {
                assert!(queued.unwrap() <= started.unwrap(), "{task}");
                assert_eq!(started.unwrap() + WORK, ended.unwrap(), "{task}");
            }
            state => assert_eq!(state, "Canceled", "{task}"),
        }
    }
}

fn worker(number: usize) -> String {
    format!("Workers-{number}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_lease_outlasts_its_task_and_every_task_ends(
        events in proptest::collection::vec(event(), 1..30),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
            run_due_tasks(&world.db, &world.pace, world.now).unwrap();
            world.check();
        }
        world.now += WORK * 100;
        run_due_tasks(&world.db, &world.pace, world.now).unwrap();
        world.check();
        prop_assert_eq!(running_count(&world.db).unwrap(), 0);
        for id in &world.tasks {
            world.check_times(id);
        }
    }

    /// Requests in between make no difference.
    #[test]
    fn requests_in_between_do_not_change_task_times(
        workers in proptest::collection::vec(0..WORKERS_THERE, 1..12),
        looks in proptest::collection::vec(1..150_i64, 0..20),
    ) {
        let times = |looks: &[i64]| {
            let mut world = World::new();
            workers.iter().for_each(|worker| world.happen(&Event::Script(vec![*worker])));
            let over = world.now + WORK * 100;
            looks.iter().for_each(|time| world.happen(&Event::Wait(*time)));
            world.now = over;
            run_due_tasks(&world.db, &world.pace, world.now).unwrap();
            let time = |id: &String| text_field(&world.task(id), "CompletedTime").to_owned();
            world.tasks.iter().map(time).collect::<Vec<_>>()
        };
        prop_assert_eq!(times(&[]), times(&looks));
    }
}
