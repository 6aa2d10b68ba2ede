//! Workers: made, edited, replaced, deleted.

use super::{
    Failure, Result, Writes, Wrote,
    create::Creation,
    endpoint,
    field::{Alike, Wanted},
};
use crate::{apply::writer::Creates, octopus::Resource};
use poolwright_core::{
    model::{Id, PoolHandle, Worker},
    plan::{NewWorker, WorkerEdit},
};

use serde_json::json;

impl Writes<'_> {
    /// # Source
    ///
    /// `POST …/workers`; the server queues a health check of what is new.
    pub(super) async fn create_worker(&self, index: usize, new: &NewWorker) -> Result<Wrote> {
        let NewWorker { name, endpoint, pools, policy, disabled } = new;
        let pools = self.pools(pools).map_err(Failure::new)?;
        let policy = match policy {
            Some(policy) => policy.id.as_str().to_owned(),
            None => self.default_policy().await?,
        };
        let body = json!({
            "Name": name,
            "WorkerPoolIds": pools,
            "IsDisabled": disabled,
            "MachinePolicyId": policy,
            "Endpoint": endpoint::body(endpoint),
            "SpaceId": self.space.as_str(),
        });
        let mut wanted = endpoint::wanted(endpoint);
        wanted.extend([
            Wanted::new(&["WorkerPoolIds"], json!(pools), Alike::Ids),
            Wanted::new(&["IsDisabled"], json!(disabled), Alike::Flag),
            Wanted::new(&["MachinePolicyId"], json!(policy), Alike::IdOr(policy.clone())),
        ]);
        self.create(&Creation { index, kind: Creates::Worker, name, body, wanted }).await
    }

    pub(super) async fn update_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        edits: &[WorkerEdit],
    ) -> Result<Wrote> {
        let mut wanted = Vec::new();
        for edit in edits {
            wanted.extend(self.worker_edit(edit).await?);
        }
        self.modify(index, &worker(id), &wanted).await
    }

    async fn worker_edit(&self, edit: &WorkerEdit) -> Result<Vec<Wanted>> {
        let pools = |handles: &[PoolHandle]| self.pools(handles).map_err(Failure::new);
        Ok(vec![match edit {
            WorkerEdit::Name(delta) => {
                Wanted::change(&["Name"], json!(delta.before()), json!(delta.after()), Alike::Text)
            }
            WorkerEdit::Pools(delta) => Wanted::change(
                &["WorkerPoolIds"],
                json!(pools(delta.before())?),
                json!(pools(delta.after())?),
                Alike::Ids,
            ),
            WorkerEdit::Policy(delta) => Wanted::change(
                &["MachinePolicyId"],
                json!(delta.before().id.as_str()),
                json!(delta.after().id.as_str()),
                Alike::IdOr(self.default_policy().await?),
            ),
            WorkerEdit::Disabled(delta) => Wanted::change(
                &["IsDisabled"],
                json!(delta.before()),
                json!(delta.after()),
                Alike::Flag,
            ),
            WorkerEdit::Endpoint(delta) => {
                return Ok(endpoint::changed(delta.before(), delta.after()));
            }
        }])
    }

    /// The old worker goes first: two workers of one name cannot be.
    pub(super) async fn replace_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        name: &str,
        new: &NewWorker,
    ) -> Result<Wrote> {
        let Wrote { mut written, .. } = self.delete(index, &worker(id), name).await?;
        let created = self.create_worker(index, new).await.map_err(|Failure { error, unknown }| {
            let error = format!(
                "the old worker is gone and the new one is not there: {error}; the next `apply` creates it"
            );
            Failure { error, unknown }
        })?;
        crate::apply::journal::note(&mut written, &created.written);
        Ok(Wrote { id: created.id, written })
    }

    pub(super) async fn delete_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        name: &str,
    ) -> Result<Wrote> {
        self.delete(index, &worker(id), name).await
    }

    /// The id of the policy that a worker has which names none; empty where the space has no such policy.
    async fn default_policy(&self) -> Result<String> {
        let read = async || {
            let policies = self.reader().machine_policies().await?;
            let default = policies.into_iter().find(|it| it.is_default);
            Ok(default.map(|it| it.id).unwrap_or_default())
        };
        let id = self.default_policy.get_or_try_init(read).await;
        id.cloned().map_err(|error: crate::octopus::Error| Failure::new(error))
    }
}

fn worker(id: &Id<Worker>) -> Resource {
    Resource::Worker(id.as_str().to_owned())
}
