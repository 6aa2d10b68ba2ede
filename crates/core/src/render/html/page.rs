//! The frame of a page: its head with the content security policy, its landmarks, and its sections.

use crate::{graph::SVG_STYLE, text::escape::Escaped};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// A page before it is written.
pub(super) struct Page {
    /// Its title and first heading.
    pub(super) title: String,
    /// What a reader learns first.
    pub(super) verdict: Markup,
    /// Where it comes from.
    pub(super) facts: Markup,
    /// Its sections.
    pub(super) sections: Vec<PageSection>,
    /// Whether it has something to search.
    pub(super) searches: bool,
}

/// A section of a page.
pub(super) struct PageSection {
    /// The id of its heading.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: String,
    /// The number of things in it.
    pub(super) count: Option<usize>,
    /// What is in it.
    pub(super) content: Markup,
}

impl Page {
    /// Renders the page, ending with a newline.
    pub(super) fn render(&self) -> String {
        let style = format!("{STYLE}{SVG_STYLE}");
        let mut policy = format!(
            "default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'",
            source_digest(&style)
        );
        if self.searches {
            policy.push_str(&format!("; script-src '{}'", source_digest(SCRIPT)));
        }
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (Escaped(&self.title)) " · poolwright" }
                    style { (PreEscaped(&style)) }
                }
                (self.body())
            }
        };
        format!("{}\n", page.into_string())
    }

    fn body(&self) -> Markup {
        html! {
            body {
                a class="skip" href="#main" { "Skip to the content" }
                header {
                    p class="brand" { "poolwright" }
                    h1 { (Escaped(&self.title)) }
                    (self.verdict)
                    (self.facts)
                    (self.navigation())
                }
                main id="main" tabindex="-1" {
                    @for section in &self.sections { (section.draw()) }
                }
                footer { p { "Written by poolwright. This page refers to nothing outside itself." } }
                @if self.searches { script { (PreEscaped(SCRIPT)) } }
            }
        }
    }

    fn navigation(&self) -> Markup {
        html! {
            nav aria-label="Sections" {
                ul {
                    @for section in &self.sections {
                        li { a href={ "#" (section.id) } { (section.title) (section.count_mark()) } }
                    }
                }
            }
        }
    }
}

impl PageSection {
    fn draw(&self) -> Markup {
        html! {
            section aria-labelledby=(self.id) {
                h2 id=(self.id) { (self.title) (self.count_mark()) }
                (self.content)
            }
        }
    }

    fn count_mark(&self) -> Markup {
        html! { @if let Some(count) = self.count { " " span class="count" { "(" (count) ")" } } }
    }
}

/// Returns a text's digest as a content security policy names it.
fn source_digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
