//! Lowers `[ocl]`.

use super::{language::OclTable, lower::DesiredDraft, table::Optional};
use crate::{
    desired::{Declared, ProjectFolder},
    finding::{Code, Finding},
    model::Name,
};

impl DesiredDraft {
    /// Adds a file's folders of projects.
    pub(super) fn read_ocl(&mut self, table: Optional<OclTable>) {
        let Some(Declared { value: OclTable { folders }, .. }) = table else { return };
        for (folder, project) in folders {
            let bare = folder.value.trim_start_matches("./").trim_end_matches('/').to_owned();
            let value = ProjectFolder { folder: bare, project: Name::new(project.value.trim()) };
            let mut known = self.desired.project_folders.iter();
            if let Some(first) = known.find(|other| other.value.folder == value.folder) {
                let first = first.span.clone();
                let message = format!("the folder `{}` has two projects", value.folder);
                self.report(
                    Finding::error(Code::DeclaredTwice, folder.span, message)
                        .with_other_place(first, "the first project")
                        .with_help("keep the entry of the project that the folder belongs to"),
                );
                continue;
            }
            self.desired.project_folders.push(Declared { value, span: folder.span });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        config::load_desired,
        desired::Desired,
        finding::{Finding, Source, Sources},
    };

    fn load(folders: &str) -> (Desired, Vec<Finding>) {
        let text = format!("version = 1\n[ocl.folders]\n{folders}");
        load_desired(&Sources(vec![Source::new("workers.toml", text)]))
    }

    #[test]
    fn a_folder_has_one_project() {
        let (desired, findings) =
            load("\".octopus\" = \"Shop\"\n\"./.octopus/web/\" = \" Web Store \"\n");
        assert_eq!(findings, []);
        let folders = desired.project_folders.iter();
        let folders: Vec<_> = folders.map(|it| (&*it.folder, it.project.as_str())).collect();
        assert_eq!(folders, [(".octopus", "Shop"), (".octopus/web", "Web Store")]);
        assert_eq!(load("\"a\" = \"A\"\n\"a/\" = \"B\"\n").1.len(), 1);
    }
}
