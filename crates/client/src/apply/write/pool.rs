//! Worker pools: made, edited, made the default, sorted, deleted.

use super::{
    Failure, Result, TRIES, Writes, Wrote,
    create::Creation,
    field::{Alike, Wanted, unexpected},
    pause,
};
use crate::{apply::writer::Creates, octopus::Resource};
use poolwright_core::{
    model::{Address, Id, Pool, PoolHandle, PoolKind},
    plan::{NewPool, PoolEdit},
    receipt::Written,
};

use serde_json::json;

impl<'a> Writes<'a> {
    /// # Source
    ///
    /// `POST …/workerpools`; `IsDefault` is required of every writer of pools.
    pub(super) async fn create_pool(
        &self,
        index: usize,
        address: &'a Address,
        new: &NewPool,
    ) -> Result<Wrote> {
        let NewPool { name, description, kind } = new;
        let word = match kind {
            PoolKind::Static => "StaticWorkerPool",
            PoolKind::Dynamic { .. } => "DynamicWorkerPool",
        };
        let mut body = json!({
            "Name": name,
            "Description": description,
            "IsDefault": false,
            "WorkerPoolType": word,
            "SpaceId": self.space.as_str(),
        });
        let mut wanted = vec![
            Wanted::new(&["Description"], json!(description), Alike::Text),
            Wanted::new(&["WorkerPoolType"], json!(word), Alike::IdOr("StaticWorkerPool".into())),
        ];
        if let PoolKind::Dynamic { image } = kind {
            body["WorkerType"] = json!(image);
            wanted.push(Wanted::new(&["WorkerType"], json!(image), Alike::Text));
        }
        let creation = Creation { index, kind: Creates::WorkerPool, name, body, wanted };
        let wrote = self.create(&creation).await?;
        if let Some(id) = &wrote.id {
            self.remember(address, id);
        }
        Ok(wrote)
    }

    pub(super) async fn update_pool(
        &self,
        index: usize,
        id: &Id<Pool>,
        edits: &[PoolEdit],
    ) -> Result<Wrote> {
        let wanted = edits.iter().map(|edit| {
            let (key, delta) = match edit {
                PoolEdit::Name(delta) => ("Name", delta),
                PoolEdit::Description(delta) => ("Description", delta),
                PoolEdit::Image(delta) => ("WorkerType", delta),
            };
            Wanted::change(&[key], json!(delta.before()), json!(delta.after()), Alike::Text)
        });
        let wanted: Vec<Wanted> = wanted.collect();
        self.modify(index, &Resource::WorkerPool(id.as_str().to_owned()), &wanted).await
    }

    pub(super) async fn delete_pool(
        &self,
        index: usize,
        id: &Id<Pool>,
        name: &str,
    ) -> Result<Wrote> {
        self.delete(index, &Resource::WorkerPool(id.as_str().to_owned()), name).await
    }

    /// # Source
    ///
    /// Setting `IsDefault` of one pool takes it from the other one.
    pub(super) async fn set_default_pool(
        &self,
        index: usize,
        from: Option<&PoolHandle>,
        to: &PoolHandle,
    ) -> Result<Wrote> {
        let to = self.pool(to).map_err(Failure::new)?;
        let from = from.map(|it| self.pool(it)).transpose().map_err(Failure::new)?;
        let pools = self.reader().worker_pools().await.map_err(Failure::new)?;
        let now = pools.into_iter().find(|it| it.is_default).map(|it| it.id);
        if now.as_deref() == Some(&to) {
            return Ok(Wrote::default());
        }
        if now != from {
            return Err(Failure::new(unexpected("DefaultPool", &json!(now), &json!(from))));
        }
        let wanted = Wanted::change(&["IsDefault"], json!(false), json!(true), Alike::Flag);
        let path = "DefaultPool".to_owned();
        let before = now.map(|it| json!(it));
        let written = vec![Written::new(path, before, Some(json!(to)))];
        self.writing(index, &written);
        self.modify(index, &Resource::WorkerPool(to), &[wanted]).await?;
        Ok(Wrote { id: None, written })
    }

    /// Pools that the plan does not know of go behind all others.
    pub(super) async fn sort_pools(
        &self,
        index: usize,
        before: &[PoolHandle],
        order: &[PoolHandle],
    ) -> Result<Wrote> {
        let before = self.pools(before).map_err(Failure::new)?;
        let order = self.pools(order).map_err(Failure::new)?;
        let mut written: Vec<Written> = Vec::new();
        let mut last = Failure::new("nothing was tried");
        for tried in 0..TRIES {
            if tried > 0 {
                pause(tried).await;
            }
            let unknown = last.unknown;
            let live = self.order().await;
            let live = live.map_err(|error| Failure { unknown, ..error })?;
            let wanted = arranged(&live, &order);
            if wanted == live {
                return Ok(Wrote { id: None, written });
            }
            let known = |ids: &[String], among: &[String]| -> Vec<String> {
                ids.iter().filter(|id| among.contains(id)).cloned().collect()
            };
            let (now, then) = (known(&live, &before), known(&before, &live));
            if now != then {
                let error = unexpected("SortOrder", &json!(now), &json!(then));
                return Err(Failure { error, unknown });
            }
            let path = "SortOrder".to_owned();
            written = vec![Written::new(path, Some(json!(live)), Some(json!(wanted)))];
            self.writing(index, &written);
            match self.writer.sort_worker_pools(&wanted).await {
                Ok(()) => return Ok(Wrote { id: None, written }),
                Err(error) if error.is_ambiguous() => last = Failure::of_write(&error),
                Err(error) => return Err(Failure { unknown, ..Failure::new(error) }),
            }
        }
        Err(last)
    }

    async fn order(&self) -> Result<Vec<String>> {
        let mut pools = self.reader().worker_pools().await.map_err(Failure::new)?;
        pools.sort_by_key(|pool| pool.sort_order);
        Ok(pools.into_iter().map(|pool| pool.id).collect())
    }
}

/// The pools that there are, in the plan's order; those that it does not know of come last.
fn arranged(live: &[String], order: &[String]) -> Vec<String> {
    let planned = order.iter().filter(|id| live.contains(id));
    let others = live.iter().filter(|id| !order.contains(id));
    planned.chain(others).cloned().collect()
}
