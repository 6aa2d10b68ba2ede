//! `[version_control]`: processes that are stored in Git.

/// How processes are treated that are stored in Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionControl {
    /// Branches by name or wildcard; `default` is each project's default branch. Never empty.
    pub branches: Vec<String>,
    /// What each commit says.
    pub message: String,
    /// What becomes of steps on a branch that the server does not commit to.
    pub on_protected: ProtectedBranchAction,
    /// Whether a project is passed over whose repository cannot be read.
    pub skip_unreachable: bool,
}

/// What becomes of steps on a protected branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProtectedBranchAction {
    /// The plan is refused, and names them.
    #[default]
    Refuse,
    /// They stay as they are.
    Skip,
    /// They move on this branch, which is made of the protected one where it is not there yet.
    Branch(String),
}

impl VersionControl {
    /// The word for each project's default branch.
    pub const DEFAULT_BRANCH: &str = "default";
    /// What a commit says where the file does not.
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
