//! What a saved plan is approved as: its digest, what it comes to, and how it was made.
//!
//! A person compares it with what `apply` shows, so all of it comes from here.

use super::report::headline;
use crate::{
    plan::{Plan, PlanStamp},
    text::escape::Escaped,
};

/// Returns what a plan is approved as: `plan 3f2a1b9c8d7e: 3 to create, 42 steps move (made 2 hours ago by alice)`.
///
/// `age` is the time since the plan was made, if that is known.
pub fn approval_line(plan: &Plan, age: Option<&str>) -> String {
    let made = describe_making(&plan.header.stamp, age.map(|age| format!("{age} ago")));
    let made = made.map_or_else(String::new, |made| format!(" ({made})"));
    format!("plan {}: {}{made}", plan.digest().short(), headline(plan))
}

/// Returns how a saved plan was made, with its digest; `None` for a plan that is not saved.
pub(super) fn making_line(plan: &Plan) -> Option<String> {
    let stamp = &plan.header.stamp;
    let at = stamp.at.as_ref()?;
    let made = describe_making(stamp, Some(format!("at {}", Escaped(at))))?;
    Some(format!("Plan {}, {made}", plan.digest().short()))
}

fn describe_making(stamp: &PlanStamp, when: Option<String>) -> Option<String> {
    let PlanStamp { user, commit, wave, .. } = stamp;
    let user = user.as_ref().map(|user| format!("by {}", Escaped(user)));
    let from = commit.short_id().map(|id| {
        let dirty = if commit.dirty == Some(true) { " with uncommitted changes" } else { "" };
        format!("from commit {}{dirty}", Escaped(&id))
    });
    let wave = wave.as_ref().map(|wave| format!("up to wave {}", Escaped(wave)));
    let parts: Vec<String> = [when, user, from, wave].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("made {}", parts.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{SourceCommit, sample::everything};

    #[test]
    fn the_approval_prompt_shows_what_a_plan_does_and_its_origin() {
        let mut plan = everything();
        let hide = |plan: &Plan, text: String| text.replace(plan.digest().short(), "DIGEST");
        let told = |plan: &Plan, age| hide(plan, approval_line(plan, age));
        assert_eq!(making_line(&plan), None);
        insta::assert_snapshot!(told(&plan, None), @"plan DIGEST: Refused by 1 gate: 6 to create, 7 to update, 1 to replace, 3 to delete, 2 steps move, 3 steps move although no change names them");
        let id = Some("0123456789abcdef0123456789abcdef01234567".into());
        plan.header.stamp = PlanStamp {
            at: Some("2026-11-28T15:40:00Z".into()),
            user: Some("al\u{1b}[2Jice".into()),
            commit: SourceCommit { id, dirty: Some(true) },
            wave: Some("pilot".into()),
            ..PlanStamp::default()
        };
        insta::assert_snapshot!(told(&plan, Some("2 hours")), @r"plan DIGEST: Refused by 1 gate: 6 to create, 7 to update, 1 to replace, 3 to delete, 2 steps move, 3 steps move although no change names them (made 2 hours ago by al\u{1b}[2Jice from commit 0123456789ab with uncommitted changes up to wave pilot)");
        insta::assert_snapshot!(hide(&plan, making_line(&plan).unwrap()), @r"Plan DIGEST, made at 2026-11-28T15:40:00Z by al\u{1b}[2Jice from commit 0123456789ab with uncommitted changes up to wave pilot");
    }
}
