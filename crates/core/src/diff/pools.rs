//! Plans changes to worker pools: create, update, rename, sort, make default.

use super::matched::Matched;
use crate::{
    desired::{Declared, DesiredPool, DesiredPoolKind},
    finding::{Code, Finding},
    live::LivePool,
    model::{Address, Name, PoolHandle, PoolKind},
    plan::{Change, ChangeKind, Delta, NewPool, PoolEdit},
    text::nearest_name,
};

use std::collections::HashSet;

/// Plans creates and updates, in the file's order.
pub(super) fn plan_pool_changes(matched: &Matched, findings: &mut Vec<Finding>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, declared) in &matched.desired.pools {
        let address = Address::Pool(key.clone());
        let errors = check_declaration(matched, declared, matched.live_pool(key));
        if !errors.is_empty() {
            findings.extend(errors.into_iter().map(|it| it.with_address(address.clone())));
            continue;
        }
        let kind = match matched.live_pool(key) {
            None => Some(pool_creation(declared)),
            Some(live) => pool_update(declared, live),
        };
        findings.extend(changed_slug_warning(&address, declared, kind.as_ref()));
        changes.extend(kind.map(|kind| pool_change(address, kind, declared)));
    }
    changes
}

/// Plans the switch to another default pool, if the file declares one.
pub(super) fn plan_default_switch(matched: &Matched) -> Option<Change> {
    let is_default = |pool: &DesiredPool| pool.default.as_ref().is_some_and(|it| it.value);
    let (key, declared) = matched.desired.pools.iter().find(|(_, pool)| is_default(pool))?;
    if matched.live_pool(key).is_some_and(|live| live.default) {
        return None;
    }
    let kind = ChangeKind::SetDefaultPool {
        from: matched.live.default_pool().map(|pool| matched.pool_handle(pool)),
        to: matched.declared_pool(key),
    };
    Some(pool_change(Address::Pool(key.clone()), kind, declared))
}

/// Plans a new order of all pools, if the file declares a position that a pool does not have yet.
///
/// The pools that the plan has `deleted` go last, so that positions are right once those are gone.
pub(super) fn plan_pool_order(matched: &Matched, deleted: &HashSet<&str>) -> Option<Change> {
    let desired = matched.desired;
    let first = desired.pools.values().find(|pool| pool.sort_order.is_some())?;
    let position = |key: &str| desired.pools.get(key).and_then(|pool| pool.sort_order);

    let mut placed = Vec::new();
    let (mut others, mut last) = (Vec::new(), Vec::new());
    let before: Vec<_> = matched.live.pools.iter().map(|pool| matched.pool_handle(pool)).collect();
    for (pool, handle) in matched.live.pools.iter().zip(&before) {
        match matched.pool_key(&pool.id).and_then(position) {
            _ if deleted.contains(pool.id.as_str()) => last.push(handle.clone()),
            Some(at) => placed.push((at, handle.clone())),
            None => others.push(handle.clone()),
        }
    }
    for key in desired.pools.keys().filter(|key| matched.live_pool(key).is_none()) {
        match position(key) {
            Some(at) => placed.push((at, matched.declared_pool(key))),
            None => others.push(matched.declared_pool(key)),
        }
    }
    // Stable, so that pools with the same position keep their order.
    placed.sort_by_key(|(at, _)| *at);

    let order = merge_positions(placed, others, last);
    let kind = (before != order).then_some(ChangeKind::SortPools { before, order })?;
    Some(pool_change(Address::PoolOrder, kind, first))
}

/// Puts each of `placed` at its position, counted from 0, and `others` around them in their order.
fn merge_positions(
    placed: Vec<(u32, PoolHandle)>,
    others: Vec<PoolHandle>,
    last: Vec<PoolHandle>,
) -> Vec<PoolHandle> {
    let mut others = others.into_iter().peekable();
    let mut order = Vec::new();
    for (at, pool) in placed {
        while order.len() < at as usize && others.peek().is_some() {
            order.extend(others.next());
        }
        order.push(pool);
    }
    order.extend(others);
    order.extend(last);
    order
}

fn pool_change(address: Address, kind: ChangeKind, declared: &Declared<DesiredPool>) -> Change {
    Change::declared(address, kind, &declared.span)
}

/// Returns errors for a declaration that the server would refuse or that is impossible.
fn check_declaration(
    matched: &Matched,
    declared: &Declared<DesiredPool>,
    live: Option<&LivePool>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kind = live.map(|pool| &pool.kind);
    if let Some(image) = declared.image() {
        if kind == Some(&PoolKind::Static) {
            let message = format!(
                "pool `{}` is static on the server, and the kind of a pool cannot change",
                declared.name
            );
            findings.push(
                Finding::error(Code::PoolKindChange, image.span.clone(), message)
                    .with_label("this makes the pool dynamic")
                    .with_help("remove `image`, or declare a pool with another name and move the steps there"),
            );
        } else if kind != Some(&PoolKind::Dynamic { image: image.value.clone() }) {
            findings.extend(check_image(matched, image));
        }
    }
    if kind.is_some_and(|kind| *kind != PoolKind::Static) && declared.has_exact_members() {
        let message =
            format!("pool `{}` is dynamic on the server and has no members", declared.name);
        findings.push(
            Finding::error(Code::PoolKindChange, declared.span.clone(), message)
                .with_help("remove `members`"),
        );
    }
    if let Some(default) = declared.default.as_ref().filter(|it| !it.value)
        && live.is_some_and(|pool| pool.default)
    {
        let message =
            format!("pool `{}` is the default pool, and a space always has one", declared.name);
        findings.push(
            Finding::error(Code::NoDefaultPool, default.span.clone(), message).with_help(
                "set `default = true` on the pool that should replace it, and remove this",
            ),
        );
    }
    findings
}

fn check_image(matched: &Matched, image: &Declared<String>) -> Option<Finding> {
    let Some(images) = &matched.live.directory.images else {
        let message = "this server has no dynamic worker pools";
        return Some(
            Finding::error(Code::UnknownImage, image.span.clone(), message)
                .with_help("remove `image`: only Octopus Cloud creates workers from images"),
        );
    };
    if images.contains(&image.value) {
        return None;
    }
    if images.is_empty() {
        let message = "this server has no images for dynamic worker pools";
        return Some(
            Finding::error(Code::UnknownImage, image.span.clone(), message)
                .with_help("remove `image`: only Octopus Cloud creates workers from images"),
        );
    }
    let near = nearest_name(image, images.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("an image with a similar name exists: `{near}`"),
        None => format!("the server's images are {}", images.join(", ")),
    };
    let message = format!("the server has no image `{}`", image.value);
    Some(Finding::error(Code::UnknownImage, image.span.clone(), message).with_help(help))
}

fn pool_creation(declared: &DesiredPool) -> ChangeKind {
    ChangeKind::CreatePool(NewPool {
        name: declared.name.to_string(),
        slug: declared.slug.as_ref().map(|slug| slug.value.clone()),
        description: declared.description.clone().unwrap_or_default(),
        kind: match &declared.kind {
            DesiredPoolKind::Static { .. } => PoolKind::Static,
            DesiredPoolKind::Dynamic { image } => PoolKind::Dynamic { image: image.value.clone() },
        },
    })
}

fn pool_update(declared: &DesiredPool, live: &LivePool) -> Option<ChangeKind> {
    // Destructured by name, so that a new field cannot be forgotten here.
    let DesiredPool {
        name,
        slug,
        kind,
        description,
        // These affect names, other changes and findings.
        renamed_from: _,
        default: _,
        sort_order: _,
        protect: _,
    } = declared;

    let name = spelling_change(&live.name, name).map(PoolEdit::Name);
    // A server without slugs would never take one.
    let slug = slug.as_ref().filter(|_| !live.slug.is_empty());
    let slug = slug.and_then(|slug| Delta::if_different(live.slug.clone(), slug.value.clone()));
    let slug = slug.map(PoolEdit::Slug);
    let description = description
        .as_ref()
        .filter(|wanted| !is_same_text(wanted, &live.description))
        .and_then(|wanted| Delta::if_different(live.description.clone(), wanted.clone()))
        .map(PoolEdit::Description);
    let image = match (&live.kind, kind) {
        (PoolKind::Dynamic { image: live }, DesiredPoolKind::Dynamic { image }) => {
            Delta::if_different(live.clone(), image.value.clone()).map(PoolEdit::Image)
        }
        _ => None,
    };
    let edits: Vec<_> = [name, slug, description, image].into_iter().flatten().collect();
    (!edits.is_empty()).then(|| ChangeKind::UpdatePool { id: live.id.clone(), edits })
}

/// Returns a warning about a change of a slug, by which files in Git and process templates refer to the pool.
///
/// # Source
///
/// `api.md` 2.10, 2.11: a process that refers to a missing slug cannot be loaded.
fn changed_slug_warning(
    address: &Address,
    declared: &DesiredPool,
    kind: Option<&ChangeKind>,
) -> Option<Finding> {
    let Some(ChangeKind::UpdatePool { edits, .. }) = kind else { return None };
    let at = declared.slug.as_ref()?.span.clone();
    let old = edits.iter().find_map(|edit| match edit {
        PoolEdit::Slug(slug) => Some(slug.before()),
        _ => None,
    })?;
    let message = format!(
        "the slug of `{address}` changes: processes in Git that name it by `{old}` can no longer be loaded"
    );
    let finding = Finding::warning(Code::ChangedSlug, at, message).with_address(address.clone());
    Some(finding.with_help(format!(
        "declare `slug = \"{old}\"`, or change the files in Git on every branch at the same time"
    )))
}

/// Whether two texts are equal except for line endings and surrounding white space.
///
/// Octopus clients trim texts, and a difference that the server undoes would never settle.
fn is_same_text(left: &str, right: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    plain(left) == plain(right)
}

/// Returns the change of a name's spelling. Surrounding white space is not part of a name and is never written.
pub(super) fn spelling_change(live: &Name, wanted: &Name) -> Option<Delta<String>> {
    let bare = |name: &Name| name.as_str().trim().to_owned();
    Delta::if_different(bare(live), bare(wanted))
}
