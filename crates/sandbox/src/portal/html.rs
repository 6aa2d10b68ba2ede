//! The page as HTML: complete without a script, and the same text for the same view.
//!
//! Every name goes through [`HtmlText`]; the page's policy refuses inline styles and scripts.

use crate::options::VERSION;

use crate::portal::{
    place::PortalPlace,
    process::{PortalProject, PortalStep, ProcessOrigin},
    view::{PortalEvent, PortalPool, PortalView, PortalWorker},
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display, Write as _},
};

/// The number of colours that distinguish pools: `c0` and so on in the style sheet.
const COLOURS: usize = 8;

/// How many workers of a pool are shown without being unfolded.
const WORKERS_UNFOLDED: usize = 8;

/// How many workers of a pool are shown.
const WORKERS_SHOWN: usize = 40;

/// Text escaped for elements and quoted attributes.
struct HtmlText<'a>(&'a str);

impl Display for HtmlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            // Characters that reorder the text around them, or are invisible.
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200b}'..='\u{200f}'
            | '\u{feff}' => {
                write!(f, "&lt;U+{:04X}&gt;", u32::from(c))
            }
            c if c.is_control() => f.write_char('\u{fffd}'),
            c => f.write_char(c),
        })
    }
}

/// The whole page, as of a change.
pub(super) fn render_page(view: &PortalView, change: u64, faults: &[(String, usize)]) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    _ = write_page(&mut page, view, change, faults);
    page
}

fn write_page(
    page: &mut String,
    view: &PortalView,
    change: u64,
    faults: &[(String, usize)],
) -> fmt::Result {
    page.write_str(include_str!("head.html"))?;
    write!(page, "<header><h1>poolwright <b>sandbox</b></h1><nav aria-label=\"Spaces\">")?;
    for (id, name, is_shown) in &view.spaces {
        let current = if *is_shown { " aria-current=\"page\"" } else { "" };
        write!(page, "<a href=\"/?space={}\"{current}>{}</a>", HtmlText(id), HtmlText(name))?;
    }
    writeln!(page, "</nav><p id=\"live\" role=\"status\">Octopus {VERSION}</p></header>")?;
    let again = if view.pools.iter().flat_map(|it| &it.workers).any(|it| !it.leases.is_empty()) {
        " data-again"
    } else {
        ""
    };
    writeln!(page, "<main data-change=\"{change}\"{again}>")?;
    if let Some(space) = &view.unknown_space {
        let shown = view.spaces.iter().find(|(.., is_shown)| *is_shown);
        let shown = shown.map(|(_, name, _)| name.as_str()).unwrap_or_default();
        writeln!(
            page,
            "<p class=\"notice\" role=\"alert\">There is no space <bdi>{}</bdi>. This is <bdi>{}</bdi>.</p>",
            HtmlText(space),
            HtmlText(shown)
        )?;
    }
    write_share_bar(page, view)?;
    write!(page, "<section class=\"pools\"><h2>Worker pools</h2><ul>")?;
    view.pools.iter().enumerate().try_for_each(|(index, it)| write_pool(page, view, index, it))?;
    writeln!(page, "</ul></section>")?;
    write_events(page, &view.events, faults)?;
    write!(page, "<section class=\"projects\"><h2>Projects</h2><ul>")?;
    view.projects.iter().try_for_each(|it| write_project(page, view, it))?;
    write!(page, "</ul>")?;
    match (view.projects.len(), view.hidden) {
        (0, _) => write!(page, "<p class=\"none\">No projects in this space.</p>")?,
        (_, 0) => {}
        (_, hidden) => write!(page, "<p class=\"none\">And {hidden} more.</p>")?,
    }
    writeln!(page, "</section>\n</main></body></html>")
}

/// Where the steps run, as one bar.
fn write_share_bar(page: &mut String, view: &PortalView) -> fmt::Result {
    // Pools in their order, then the rest, so that a step that moves reorders nothing.
    let mut shares: BTreeMap<(usize, String), (String, usize)> = BTreeMap::new();
    for step in view.every_step() {
        let share = shares.entry((bar_position(&step.place), bar_label(view, &step.place)));
        share.or_insert_with(|| (colour_class(&step.place), 0)).1 += 1;
    }
    let all: usize = shares.values().map(|(_, count)| count).sum();
    if all == 0 {
        return Ok(());
    }
    let steps = if all == 1 { "step runs" } else { "steps run" };
    let of = if view.hidden == 0 { "" } else { " of the projects below" };
    write!(page, "<section class=\"shares\"><h2>Where {all} {steps}{of}</h2>")?;
    write!(
        page,
        "<svg viewBox=\"0 0 {all} 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    )?;
    let mut at = 0;
    for (colour, count) in shares.values() {
        write!(page, "<rect class=\"{colour}\" x=\"{at}\" width=\"{count}\" height=\"1\"/>")?;
        at += count;
    }
    write!(page, "</svg><ul>")?;
    for ((_, label), (colour, count)) in &shares {
        let label = HtmlText(label);
        write!(
            page,
            "<li data-key=\"share {label}\"><i class=\"{colour}\"></i>{label} <b>{count}</b></li>"
        )?;
    }
    writeln!(page, "</ul></section>")
}

fn write_pool(
    page: &mut String,
    view: &PortalView,
    index: usize,
    pool: &PortalPool,
) -> fmt::Result {
    let PortalPool { id, name, description, is_default, image, workers } = pool;
    let colour = index % COLOURS;
    write!(
        page,
        "<li><div class=\"name\" data-key=\"{}\"><i class=\"c{colour}\"></i>",
        HtmlText(id)
    )?;
    write!(page, "<h3><bdi>{}</bdi></h3>", HtmlText(name))?;
    if *is_default {
        write!(page, "<span class=\"tag\">default</span>")?;
    }
    if let Some(image) = image {
        write!(page, "<span class=\"tag\">dynamic, {}</span>", HtmlText(image))?;
    }
    if !workers.is_empty() {
        write!(page, "<span class=\"count\">{}</span>", workers.len())?;
    }
    write!(page, "</div>")?;
    if !description.trim().is_empty() {
        write!(page, "<p class=\"about\"><bdi>{}</bdi></p>", HtmlText(description))?;
    }
    if workers.is_empty() {
        let note = match (image, is_default, view.built_in) {
            (Some(_), ..) => "Workers are created when a task needs one.",
            (None, true, Some(true)) => "No workers: its steps run on the built-in worker.",
            (None, true, Some(false)) => "No workers, and the built-in worker is switched off.",
            _ => "No workers: a step that runs here fails.",
        };
        return write!(page, "<p class=\"none\">{note}</p></li>");
    }
    write_workers(page, id, workers)?;
    write!(page, "</li>")
}

/// The workers of a pool. Many are folded, so that the steps below stay in sight.
fn write_workers(page: &mut String, pool: &str, workers: &[PortalWorker]) -> fmt::Result {
    let is_folded = workers.len() > WORKERS_UNFOLDED;
    if is_folded {
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        for worker in workers {
            *states.entry(worker_state(worker)).or_default() += 1;
        }
        let states: Vec<String> =
            states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        write!(
            page,
            "<details data-fold=\"{}\"><summary>{}</summary>",
            HtmlText(pool),
            HtmlText(&states.join(", "))
        )?;
    }
    write!(page, "<ul>")?;
    workers.iter().take(WORKERS_SHOWN).try_for_each(|it| write_worker(page, pool, it))?;
    write!(page, "</ul>")?;
    if let Some(more @ 1..) = workers.len().checked_sub(WORKERS_SHOWN) {
        write!(page, "<p class=\"none\">And {more} more.</p>")?;
    }
    if is_folded { write!(page, "</details>") } else { Ok(()) }
}

/// The state of a worker, in words.
fn worker_state(worker: &PortalWorker) -> String {
    if worker.is_disabled {
        return "disabled".to_owned();
    }
    match worker.health.as_str() {
        "HasWarnings" => "has warnings".to_owned(),
        health => health.to_lowercase(),
    }
}

fn write_worker(page: &mut String, pool: &str, worker: &PortalWorker) -> fmt::Result {
    let PortalWorker { id, name, health, is_disabled, style, leases, .. } = worker;
    let dot = match if *is_disabled { "disabled" } else { health } {
        "Healthy" => "healthy",
        "HasWarnings" => "warnings",
        "Unhealthy" | "Unavailable" => "unhealthy",
        _ => "unknown",
    };
    write!(page, "<li data-key=\"{} {}\">", HtmlText(pool), HtmlText(id))?;
    write!(page, "<i class=\"health {dot}\"></i><bdi>{}</bdi>", HtmlText(name))?;
    for task in leases {
        write!(page, "<span class=\"tag lease\">leased by {}</span>", HtmlText(task))?;
    }
    if leases.is_empty() {
        let state = worker_state(worker);
        write!(page, "<span class=\"about\">{style}, {}</span>", HtmlText(&state))?;
    }
    write!(page, "</li>")
}

fn write_events(
    page: &mut String,
    events: &[PortalEvent],
    faults: &[(String, usize)],
) -> fmt::Result {
    write!(page, "<section class=\"events\">")?;
    if !faults.is_empty() {
        write!(page, "<h2>Faults</h2><ul class=\"faults\">")?;
        for (rule, met) in faults {
            let rule = HtmlText(rule);
            write!(
                page,
                "<li data-key=\"fault {rule}\"><code>{rule}</code><span class=\"count\">{met}</span></li>"
            )?;
        }
        write!(page, "</ul>")?;
    }
    write!(page, "<h2>Latest events</h2>")?;
    if events.is_empty() {
        return writeln!(page, "<p class=\"none\">Nothing has been written yet.</p></section>");
    }
    write!(page, "<ol>")?;
    for PortalEvent { id, time, actor, message, is_bad } in events {
        let bad = if *is_bad { " class=\"bad\"" } else { "" };
        let clock = time.get(11..19).unwrap_or_default();
        write!(
            page,
            "<li{bad} data-key=\"{}\"><time datetime=\"{}\">{}</time>",
            HtmlText(id),
            HtmlText(time),
            HtmlText(clock)
        )?;
        write!(
            page,
            "<bdi>{}</bdi><span class=\"about\">{}</span></li>",
            HtmlText(message),
            HtmlText(actor)
        )?;
    }
    writeln!(page, "</ol></section>")
}

fn write_project(page: &mut String, view: &PortalView, project: &PortalProject) -> fmt::Result {
    write!(page, "<li><h3><bdi>{}</bdi>", HtmlText(&project.name))?;
    if let ProcessOrigin::Branch(branch) = &project.origin {
        write!(page, " <span class=\"about\">Git, <bdi>{}</bdi></span>", HtmlText(branch))?;
    }
    write!(page, "</h3>")?;
    write_steps(page, view, project)?;
    for runbook in &project.runbooks {
        write!(page, "<h4><bdi>{}</bdi></h4>", HtmlText(&runbook.name))?;
        write_steps(page, view, runbook)?;
    }
    write!(page, "</li>")
}

fn write_steps(page: &mut String, view: &PortalView, project: &PortalProject) -> fmt::Result {
    match project.steps.as_deref() {
        None => {
            let why = match &project.origin {
                ProcessOrigin::Unreadable(branch) => {
                    format!("Its process is in Git, and the branch {branch} cannot be read.")
                }
                _ => "It has no process.".to_owned(),
            };
            return write!(page, "<p class=\"none\">{}</p>", HtmlText(&why));
        }
        Some([]) => return write!(page, "<p class=\"none\">No steps.</p>"),
        _ => {}
    }
    write!(page, "<ol>")?;
    for (index, step) in project.steps.iter().flatten().enumerate() {
        let PortalStep { name, place, is_disabled } = step;
        let off = if *is_disabled { " off" } else { "" };
        write!(
            page,
            "<li class=\"{}{off}\" data-key=\"{} {index}\">",
            colour_class(place),
            HtmlText(&project.id)
        )?;
        write!(
            page,
            "<bdi>{}</bdi><span class=\"about\">{}</span></li>",
            HtmlText(name),
            HtmlText(&place_label(view, place))
        )?;
    }
    write!(page, "</ol>")
}

/// The style class of a place.
fn colour_class(place: &PortalPlace) -> String {
    match place {
        PortalPlace::Pool(index) => format!("c{}", index % COLOURS),
        PortalPlace::Variable { pools, .. } => match pools.as_slice() {
            [index] => format!("c{}", index % COLOURS),
            _ => "variable".to_owned(),
        },
        PortalPlace::BuiltIn => "built-in".to_owned(),
        PortalPlace::Targets(_) => "targets".to_owned(),
        PortalPlace::Server => "server".to_owned(),
        PortalPlace::Nowhere(_) => "nowhere".to_owned(),
    }
}

/// The position of a place in the bar.
fn bar_position(place: &PortalPlace) -> usize {
    match place {
        PortalPlace::Pool(index) => *index,
        PortalPlace::Variable { pools, .. } => match pools.as_slice() {
            [index] => *index,
            _ => usize::MAX - 4,
        },
        PortalPlace::Nowhere(_) => usize::MAX - 3,
        PortalPlace::BuiltIn => usize::MAX - 2,
        PortalPlace::Targets(_) => usize::MAX - 1,
        PortalPlace::Server => usize::MAX,
    }
}

/// The label of a place in the bar.
fn bar_label(view: &PortalView, place: &PortalPlace) -> String {
    match place {
        PortalPlace::Variable { pools, .. } => match pools.as_slice() {
            [index] => pool_name(view, *index).to_owned(),
            _ => "chosen by a variable".to_owned(),
        },
        PortalPlace::Targets(_) => "deployment targets".to_owned(),
        place => place_label(view, place),
    }
}

fn pool_name(view: &PortalView, index: usize) -> &str {
    view.pools.get(index).map(|it| it.name.as_str()).unwrap_or_default()
}

/// The label of a place at a step.
fn place_label(view: &PortalView, place: &PortalPlace) -> String {
    match place {
        PortalPlace::Pool(index) => pool_name(view, *index).to_owned(),
        PortalPlace::Variable { name, pools } => {
            let pools: Vec<&str> = pools.iter().map(|index| pool_name(view, *index)).collect();
            format!("{}, by #{{{name}}}", pools.join(" or "))
        }
        PortalPlace::BuiltIn => "built-in worker".to_owned(),
        PortalPlace::Targets(roles) => format!("targets: {roles}"),
        PortalPlace::Server => "inside the server".to_owned(),
        PortalPlace::Nowhere(why) => (*why).to_owned(),
    }
}
