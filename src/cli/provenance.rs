//! What a saved plan was made from, where that is at hand.
//!
//! The paths come from the plan, which is untrusted: only regular files in or below the current folder are read, none of
//! their text is shown, and what cannot be read counts as not being there.

use super::files;
use crate::ops::PlanProvenance;
use poolwright_core::{
    finding::Sources,
    plan::{Plan, PlanOrigin},
    receipt::Receipt,
};

use std::{
    fs,
    path::{Component, Path},
};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Finds what a saved plan was made from. All of its files have to be there.
pub(super) fn find_provenance(plan: &Plan) -> PlanProvenance {
    let files = &plan.header.files;
    if files.is_empty() || !files.iter().all(|path| is_readable(Path::new(path))) {
        return PlanProvenance::Saved;
    }
    match plan.header.origin {
        PlanOrigin::Files => {
            let sources = files.iter().map(|path| files::read_source(path).ok());
            sources.collect::<Option<_>>().map_or(PlanProvenance::Saved, |sources| {
                PlanProvenance::SavedWithFiles(Sources(sources))
            })
        }
        PlanOrigin::Rollback => {
            let path = files.first().map(String::as_str).unwrap_or_default();
            let receipt = fs::read(path).ok().and_then(|text| Receipt::read(text).ok());
            receipt.map_or_else(
                || PlanProvenance::SavedWithoutReceipt(path.to_owned()),
                |receipt| PlanProvenance::SavedWithReceipt(Box::new(receipt)),
            )
        }
    }
}

/// Whether a path leads to a regular file in or below the current folder.
fn is_readable(path: &Path) -> bool {
    let stays_below =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let is_below = |file: &Path| {
        let here = fs::canonicalize(".");
        here.is_ok_and(|here| file.starts_with(here))
    };
    stays_below
        && fs::canonicalize(path).is_ok_and(|file| is_below(&file))
        && fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_below_the_current_folder_are_read() {
        assert!(is_readable(Path::new("Cargo.toml")));
        assert!(is_readable(Path::new("./src/cli.rs")));
        for path in
            ["/proc/self/environ", "../Cargo.toml", "src", "src/../Cargo.toml", "no-such-file"]
        {
            assert!(!is_readable(Path::new(path)), "{path}");
        }
    }
}
