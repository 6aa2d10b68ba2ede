//! What is in a file before it is written, and whether that may be replaced.
//!
//! Pure: a file's content and what is to be written there, and the answer.

use poolwright_core::{
    model::derive_slug,
    receipt::{Receipt, ReceiptReadError},
    text::eq_ignoring_case,
};

use serde_json::Value;
use std::borrow::Cow;

/// What a file is that the tool does not know.
pub(super) const FOREIGN: &str = "a file that poolwright did not write";

/// What a command writes to a file.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum OutputKind<'a> {
    /// A saved plan; it replaces an earlier plan for the same server and space, made from one of the same files.
    Plan(PlanSubject<'a>),
    /// A receipt; it is written beside an earlier one.
    Receipt,
    /// A report; it replaces an earlier one.
    Report {
        /// What it is, with its article: `the Markdown`.
        noun: &'a str,
        /// Recognizes an earlier one by its text.
        is_own: fn(&str) -> bool,
    },
}

/// What a plan is for and made from.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct PlanSubject<'a> {
    /// The server's URL; `None` if it is not known yet.
    pub(in crate::cli) url: Option<&'a str>,
    /// The space's id, name or slug; `None` if it is not known yet.
    pub(in crate::cli) space: Option<&'a str>,
    /// The files, as the user gave them; a rollback has its receipt.
    pub(in crate::cli) files: &'a [String],
}

/// What becomes of the content of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum PreviousContent {
    /// It may be replaced, or there is none.
    Replaceable,
    /// It is the receipt of another run, and stays: the new one goes beside it.
    OtherReceipt,
}

impl OutputKind<'_> {
    /// Returns what is written, with its article.
    pub(super) fn noun(&self) -> &str {
        match self {
            Self::Plan(_) => "the plan",
            Self::Receipt => "the receipt",
            Self::Report { noun, .. } => noun,
        }
    }
}

/// Decides what becomes of a file's content if something is written to the file.
///
/// # Errors
///
/// Returns what the content is, if it must not be replaced.
pub(in crate::cli) fn check_previous<'a>(
    kind: &OutputKind,
    content: &'a [u8],
) -> Result<PreviousContent, Cow<'a, str>> {
    if content.trim_ascii().is_empty() {
        return Ok(PreviousContent::Replaceable);
    }
    match kind {
        OutputKind::Receipt if is_receipt(content) => return Ok(PreviousContent::OtherReceipt),
        OutputKind::Plan(subject) => {
            if let Some(plan) = SavedPlanIdentity::read(content) {
                return match plan.find_difference(subject) {
                    None => Ok(PreviousContent::Replaceable),
                    Some(other) => Err(other.into()),
                };
            }
        }
        OutputKind::Report { is_own, .. } if str::from_utf8(content).is_ok_and(is_own) => {
            return Ok(PreviousContent::Replaceable);
        }
        OutputKind::Receipt | OutputKind::Report { .. } => {}
    }
    Err(describe_content(content))
}

/// Whether a text is a receipt, be it unfinished, damaged or of another version.
fn is_receipt(content: &[u8]) -> bool {
    !matches!(Receipt::read(content), Err(ReceiptReadError::Shape(_)))
}

fn describe_content(content: &[u8]) -> Cow<'static, str> {
    if SavedPlanIdentity::read(content).is_some() {
        "a saved plan".into()
    } else if is_receipt(content) {
        "the receipt of an apply".into()
    } else {
        FOREIGN.into()
    }
}

/// What a saved plan is for and made from, as far as its text tells. The plan itself may be damaged.
struct SavedPlanIdentity {
    url: String,
    space_id: String,
    space: String,
    files: Vec<String>,
}

impl SavedPlanIdentity {
    fn read(content: &[u8]) -> Option<Self> {
        let plan: Value = serde_json::from_slice(content).ok()?;
        let text = |pointer: &str| plan.pointer(pointer)?.as_str().map(str::to_owned);
        let is_plan =
            text("/tool/name").as_deref().is_some_and(|name| name.starts_with("poolwright"))
                && plan.get("changes").is_some_and(Value::is_array)
                && plan.get("summary").is_some_and(Value::is_object);
        let files = plan.pointer("/config/files")?.as_array()?;
        let files = files.iter().map(|file| file.as_str().map(str::to_owned));
        Some(Self {
            url: text("/server/url")?,
            space_id: text("/server/space_id")?,
            space: text("/server/space")?,
            files: files.collect::<Option<_>>()?,
        })
        .filter(|_| is_plan)
    }

    /// Returns what plan this is, if it is not one for the same server and space that was made from one of the same
    /// files.
    fn find_difference(&self, subject: &PlanSubject) -> Option<String> {
        let trim = |url: &str| url.trim_end_matches('/').to_owned();
        if subject.url.is_some_and(|url| trim(url) != trim(&self.url)) {
            return Some(format!("a plan for `{}`", self.url));
        }
        if subject.space.is_some_and(|space| !self.is_for_space(space)) {
            return Some(format!("a plan for space `{}`", self.space));
        }
        // A file that is added to the others, or left out, makes no other plan of it.
        let shares_file = self.files.iter().any(|file| subject.files.contains(file));
        let files = self.files.join("`, `");
        (!shares_file).then(|| format!("a plan made from `{files}`"))
    }

    fn is_for_space(&self, wanted: &str) -> bool {
        eq_ignoring_case(wanted, &self.space_id)
            || eq_ignoring_case(wanted, &self.space)
            || derive_slug(&self.space).is_ok_and(|slug| eq_ignoring_case(wanted, &slug))
    }
}
