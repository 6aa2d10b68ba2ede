//! Lists: all at once if the server supports it, else page by page, or by ids.
//!
//! Pages are found by counting; the server's links are never followed. Never: an incomplete list that
//! looks complete.

use super::{
    ClientError, Connection, UnreadDocument,
    path::{RequestPath, percent_encode},
    wire::{HasId, ResourceCollection},
};
use futures_util::future::join_all;
use poolwright_core::text::fold_case;
use serde::de::DeserializeOwned;
use std::collections::HashSet;

/// The number of items to request per page. A server may return fewer.
const PAGE: usize = 1000;
/// The most pages of one list: many times those of the largest space on a server that gives ten items a page.
const PAGES: usize = 5000;
/// The most items of one list.
const ITEMS: usize = 250_000;
/// The most ids in one request.
const IDS: usize = 100;
/// The most characters of ids in one request; some proxies limit all headers to 8 kB.
const CHARACTERS: usize = 4000;

/// A list that is being read, page by page.
struct PagedList<T> {
    items: Vec<T>,
    seen: HashSet<String>,
    skip: usize,
}

impl<T: HasId> PagedList<T> {
    fn new() -> Self {
        Self { items: Vec::new(), seen: HashSet::new(), skip: 0 }
    }

    /// Adds the new items of a page, and returns their number.
    fn take_page(&mut self, page: Vec<T>) -> usize {
        let before = self.items.len();
        self.skip += page.len();
        for item in page {
            if self.seen.insert(item.identity()) {
                self.items.push(item);
            }
        }
        self.items.len() - before
    }
}

impl Connection {
    /// Reads the bare array at `{path}/all`, or page by page if the server has no such route.
    pub(super) async fn list_all<T>(&self, path: &RequestPath) -> Result<Vec<T>, ClientError>
    where
        T: DeserializeOwned + HasId,
    {
        match self.get_json::<ResourceCollection<T>>(&path.join("all")).await {
            Ok(ResourceCollection { items, total, has_next })
                if total.is_none_or(|total| total <= items.len()) && !has_next =>
            {
                Ok(items)
            }
            Ok(_) => self.list_pages(path).await,
            Err(error) if error.is_missing_route() => self.list_pages(path).await,
            Err(error) => Err(error),
        }
    }

    /// Reads all pages at `path`, whatever size the server gives them.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; [`ClientError::Malformed`] for a list that stops short or does not end.
    pub(super) async fn list_pages<T>(&self, path: &RequestPath) -> Result<Vec<T>, ClientError>
    where
        T: DeserializeOwned + HasId,
    {
        let malformed = |why: String| {
            let request = format!("GET {}", path.without_query());
            Err(ClientError::Malformed { request, why })
        };
        let mut list = PagedList::new();
        for _ in 0..PAGES {
            let page = path.with_query(&format!("skip={}&take={PAGE}", list.skip));
            let ResourceCollection { items, total, has_next } =
                self.get_json::<ResourceCollection<T>>(&page).await?;
            let new = list.take_page(items);
            let known = list.items.len();
            match total {
                // Without a total, and where a total is contradicted, only a page with nothing new is the last.
                _ if known > ITEMS => break,
                None if new > 0 => {}
                Some(total) if total <= known && has_next && new > 0 => {}
                Some(total) if total > known && new > 0 => {}
                Some(total) if total > known => {
                    return malformed(format!("the list ends after {known} of {total}"));
                }
                _ => return Ok(list.items),
            }
        }
        malformed(format!("the list does not end: it has more than {} items", list.items.len()))
    }

    /// Reads at most the first `pages` at `path`, until `enough` returns true for the items so far. Also
    /// returns whether there are more.
    pub(super) async fn list_newest<T>(
        &self,
        path: &RequestPath,
        pages: usize,
        enough: impl Fn(&[T]) -> bool,
    ) -> Result<(Vec<T>, bool), ClientError>
    where
        T: DeserializeOwned + HasId,
    {
        let mut list = PagedList::new();
        for _ in 0..pages {
            let page = path.with_query(&format!("skip={}&take={PAGE}", list.skip));
            let ResourceCollection { items, total, .. } =
                self.get_json::<ResourceCollection<T>>(&page).await?;
            let ends = list.take_page(items) == 0 || total.is_none_or(|total| total <= list.skip);
            if ends || enough(&list.items) {
                return Ok((list.items, !ends));
            }
        }
        Ok((list.items, true))
    }

    /// Reads the newest items at `path` that are about one of `ids`: at most the first `pages` for each batch of ids,
    /// until each id has an item.
    pub(super) async fn list_newest_about<T>(
        &self,
        path: &RequestPath,
        ids: &[String],
        pages: usize,
        related_ids: impl Fn(&T) -> &[String],
    ) -> Result<Vec<T>, ClientError>
    where
        T: DeserializeOwned + HasId,
    {
        let mut found = Vec::new();
        for batch in split_batches(ids) {
            let listed = batch.iter().map(|id| percent_encode(id)).collect::<Vec<_>>().join(",");
            let has_all = |items: &[T]| {
                let related = items.iter().flat_map(&related_ids);
                let related: HashSet<String> = related.map(|id| fold_case(id)).collect();
                batch.iter().all(|id| related.contains(&fold_case(id)))
            };
            let path = path.with_query(&format!("regardingAny={listed}"));
            found.extend(self.list_newest(&path, pages, has_all).await?.0);
        }
        Ok(found)
    }

    /// Reads the documents of `ids` at `path`: many at a time, then one by one those that a response lacks.
    pub(super) async fn list_by_ids<T>(
        &self,
        path: &RequestPath,
        ids: &[String],
    ) -> (Vec<T>, Vec<UnreadDocument>)
    where
        T: DeserializeOwned + HasId,
    {
        let read =
            join_all(split_batches(ids).into_iter().map(|ids| self.list_batch(path, ids))).await;
        let (mut found, mut unread) = (Vec::with_capacity(ids.len()), Vec::new());
        for (items, failures) in read {
            found.extend(items);
            unread.extend(failures);
        }
        (found, unread)
    }

    async fn list_batch<T>(
        &self,
        path: &RequestPath,
        ids: &[String],
    ) -> (Vec<T>, Vec<UnreadDocument>)
    where
        T: DeserializeOwned + HasId,
    {
        let mut found = match self.query_by_ids(path, ids).await {
            Ok(found) => found,
            Err(error) if affects_all_requests(&error) => {
                return (Vec::new(), mark_unread(ids, &error));
            }
            // The cause may be one of the documents, or the request as such.
            Err(_) => Vec::new(),
        };
        let seen: HashSet<String> = found.iter().map(|it: &T| fold_case(it.item_id())).collect();
        let missing = ids.iter().filter(|id| !seen.contains(&fold_case(id)));
        let alone = missing.map(|id| async move {
            let item = self.get_json::<T>(&path.with_id(id)).await;
            item.map_err(|error| UnreadDocument { id: id.clone(), error })
        });
        let mut failures = Vec::new();
        for item in join_all(alone).await {
            match item {
                Ok(item) => found.push(item),
                Err(failure) => failures.push(failure),
            }
        }
        (found, failures)
    }

    /// Queries a list for `ids`. The result may lack some of them, and take several pages.
    async fn query_by_ids<T>(
        &self,
        path: &RequestPath,
        ids: &[String],
    ) -> Result<Vec<T>, ClientError>
    where
        T: DeserializeOwned + HasId,
    {
        let wanted: HashSet<String> = ids.iter().map(|id| fold_case(id)).collect();
        let text = ids.iter().map(|id| percent_encode(id)).collect::<Vec<_>>().join(",");
        let (mut list, mut skip) = (PagedList::new(), 0);
        loop {
            let page = path.with_query(&format!("ids={text}&skip={skip}&take={}", ids.len()));
            let ResourceCollection { mut items, total, .. } =
                self.get_json::<ResourceCollection<T>>(&page).await?;
            skip += items.len();
            items.retain(|item: &T| wanted.contains(&fold_case(item.item_id())));
            // A page with none of the requested ids comes from a server that does not know `ids`.
            let is_idle = list.take_page(items) == 0;
            let ends = total.is_none_or(|total| total <= skip);
            if is_idle || ends || list.items.len() >= wanted.len() {
                return Ok(list.items);
            }
        }
    }
}

/// Whether an error would also occur for each id requested alone.
fn affects_all_requests(error: &ClientError) -> bool {
    match error.any_status() {
        Some(status) => {
            matches!(status, 401 | 403 | 429) || super::error::is_gateway_status(status)
        }
        None => !matches!(
            error,
            ClientError::Malformed { .. }
                | ClientError::TooLarge { .. }
                | ClientError::NotJson { .. }
        ),
    }
}

fn mark_unread(ids: &[String], error: &ClientError) -> Vec<UnreadDocument> {
    ids.iter().map(|id| UnreadDocument { id: id.clone(), error: error.clone() }).collect()
}

/// Splits `ids` into batches that each fit a request.
fn split_batches(ids: &[String]) -> Vec<&[String]> {
    let (mut batches, mut rest) = (Vec::new(), ids);
    while !rest.is_empty() {
        let mut characters = 0;
        let fits = rest.iter().take(IDS).take_while(|id| {
            characters += percent_encode(id).len() + 1;
            characters <= CHARACTERS
        });
        // An overlong id still needs a request.
        let (batch, left) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = left;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_at_most_100_ids_and_4000_characters() {
        let ids = |count: usize, length: usize| vec!["x".repeat(length); count];
        let sizes =
            |ids: &[String]| split_batches(ids).iter().map(|it| it.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&ids(250, 31)), [100, 100, 50]);
        assert_eq!(sizes(&ids(100, 79)), [50, 50]);
        assert_eq!(sizes(&ids(2, 9000)), [1, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
