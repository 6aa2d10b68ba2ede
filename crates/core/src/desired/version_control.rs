//! `[version_control]`: processes stored in Git.

/// How processes stored in Git are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionControl {
    /// Branches by name or wildcard; `default` is each project's default branch. Never empty.
    pub branches: Vec<String>,
    /// The message of each commit.
    pub message: String,
    /// What happens to steps on a branch that the server does not commit to.
    pub on_protected: ProtectedBranchAction,
    /// Whether projects whose repository cannot be read are skipped.
    pub skip_unreachable: bool,
}

/// What happens to steps on a protected branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProtectedBranchAction {
    /// The plan is refused and lists them.
    #[default]
    Refuse,
    /// They are left unchanged.
    Skip,
    /// They move on this branch, which is created from the protected one if it does not exist yet.
    Branch(String),
}

impl VersionControl {
    /// The word for each project's default branch.
    pub const DEFAULT_BRANCH: &str = "default";
    /// The commit message if the file sets none.
    pub const MESSAGE: &str = "Move steps to their worker pools";
}

impl Default for VersionControl {
    fn default() -> Self {
        Self {
            branches: vec![Self::DEFAULT_BRANCH.to_owned()],
            message: Self::MESSAGE.to_owned(),
            on_protected: ProtectedBranchAction::default(),
            skip_unreachable: false,
        }
    }
}
