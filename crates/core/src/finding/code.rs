//! The codes of findings: words that never change, for `[gates]`, scripts and search.
//!
//! `docs/findings.md` says of each what to do; a test holds that none is missing there.

/// Defines [`Code`]: a variant's doc comment is its meaning, and the word is what users see.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $word:literal,)+) => {
        /// The kind of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $meaning])+ $variant,)+
        }

        impl Code {
            /// All codes, in the order of their words.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word, such as `empty-pool`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($meaning),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// A name in the file fits several things on the server.
    AmbiguousName = "ambiguous-name",
    /// A step has no id of its own, so that nothing can be written to it alone.
    AmbiguousStep = "ambiguous-step",
    /// Several values of a variable have the scope that a rule names.
    AmbiguousValue = "ambiguous-value",
    /// A name in the file is not a valid branch name.
    BadBranch = "bad-branch",
    /// A host in the file is not a valid host name or address.
    BadHost = "bad-host",
    /// A pool or worker in the file has a name that Octopus does not accept.
    BadName = "bad-name",
    /// A range of names in the file cannot be expanded.
    BadRange = "bad-range",
    /// A `subscription` is not the address of a polling Tentacle.
    BadSubscription = "bad-subscription",
    /// A `thumbprint` is not the SHA-1 thumbprint of a certificate.
    BadThumbprint = "bad-thumbprint",
    /// A `url` is not a URL that the tool can use.
    BadUrl = "bad-url",
    /// The built-in worker is switched off while steps would still run on it.
    BuiltInWorkerInUse = "built-in-worker-in-use",
    /// Two files give different values for a setting that can have only one.
    ConflictingFiles = "conflicting-files",
    /// A table has keys that exclude each other.
    ConflictingKeys = "conflicting-keys",
    /// A text in the file contains a control character.
    ControlCharacter = "control-character",
    /// The file both declares and removes the same pool or worker.
    DeclaredAndRemoved = "declared-and-removed",
    /// Two rules about indirect pools are about the same thing.
    DeclaredTwice = "declared-twice",
    /// A worker joins the default pool, which switches off the built-in worker for its steps.
    DefaultPoolMember = "default-pool-member",
    /// More than one pool is declared as the default.
    DuplicateDefault = "duplicate-default",
    /// The file names the same pool twice where it may be named only once.
    DuplicatePool = "duplicate-pool",
    /// Two waves have the same label.
    DuplicateWave = "duplicate-wave",
    /// The file declares the same worker twice.
    DuplicateWorker = "duplicate-worker",
    /// A worker or a key for workers is given to a dynamic pool, whose workers Octopus provides.
    DynamicPoolMember = "dynamic-pool-member",
    /// Something that an apply changed has been changed again since, so a rollback leaves it as it
    /// is.
    EditedSince = "edited-since",
    /// A list in the file has no items where at least one is needed.
    EmptyList = "empty-list",
    /// Steps would run in a pool that has no enabled worker.
    EmptyPool = "empty-pool",
    /// A text in the file is empty where one is needed.
    EmptyText = "empty-text",
    /// Snapshots keep the old place of steps that a plan moves.
    FrozenProcess = "frozen-process",
    /// A branch that `[version_control]` names exists in no project.
    IdleBranch = "idle-branch",
    /// No rule is about the project that `--project` names.
    IdleProject = "idle-project",
    /// A `renamed_from` has no effect, because both the old and the new name exist.
    IdleRename = "idle-rename",
    /// A rule matches nothing that it could change.
    IdleRule = "idle-rule",
    /// Nothing in the plan matches a `--target`.
    IdleTarget = "idle-target",
    /// A wave contains no project.
    IdleWave = "idle-wave",
    /// A step cannot run the way that a rule asks for.
    ImpossibleExecution = "impossible-execution",
    /// Changes are left for waves after the one that is applied.
    LaterWaves = "later-waves",
    /// A step keeps naming a pool that it does not run on.
    LingeringPool = "lingering-pool",
    /// A table lacks a key that it needs.
    MissingKey = "missing-key",
    /// The file removes a pool that a rule or worker in it needs.
    NeededAndRemoved = "needed-and-removed",
    /// The space would be left without a default pool.
    NoDefaultPool = "no-default-pool",
    /// A rule sets a variable that is not a worker pool variable.
    NotAPoolVariable = "not-a-pool-variable",
    /// A rule asks for something that only a server can answer, and a working tree cannot.
    NotInACheckout = "not-in-a-checkout",
    /// `pull --keep` cannot bring the file up to date.
    NotKept = "not-kept",
    /// A declared worker registers itself, and has not done so yet.
    NotRegistered = "not-registered",
    /// A rollback cannot undo some of the changes of an apply.
    NotUndone = "not-undone",
    /// A number in the file is too small or too large.
    NumberOutOfRange = "number-out-of-range",
    /// A step in an OCL file is written in a form that the tool cannot edit safely.
    OclOneLine = "ocl-one-line",
    /// A step in an OCL file says in two contradictory ways where it runs.
    OclPlace = "ocl-place",
    /// An OCL file is not valid OCL.
    OclSyntax = "ocl-syntax",
    /// A fingerprint in the file does not look like one of an SSH host key.
    OddFingerprint = "odd-fingerprint",
    /// A range of names in the file probably means something else than it says.
    OddRange = "odd-range",
    /// The plan deletes a pool that something still uses.
    PoolInUse = "pool-in-use",
    /// The file turns a static pool into a dynamic one, or the other way round.
    PoolKindChange = "pool-kind-change",
    /// A step that stands for the steps of a process template is left as it is.
    ProcessTemplate = "process-template",
    /// The plan deletes or replaces a pool or worker that `protect` covers.
    Protected = "protected",
    /// Steps or values would change on a protected branch.
    ProtectedBranch = "protected-branch",
    /// The file removes the same pool or worker twice.
    RemovedTwice = "removed-twice",
    /// Two pools have the same `sort_order`.
    SamePosition = "same-position",
    /// A key has a value that is the same as leaving the key out.
    SaysNothing = "says-nothing",
    /// The file contains a secret.
    SecretInFile = "secret-in-file",
    /// A rule names a step that always runs inside the Octopus Server.
    ServerSideStep = "server-side-step",
    /// The files of a working tree are of several projects.
    SeveralProjects = "several-projects",
    /// Earlier rules take everything that a rule matches.
    ShadowedRule = "shadowed-rule",
    /// A description probably contains a `{n}` that nothing replaces.
    StrayN = "stray-n",
    /// The file is not valid TOML.
    Syntax = "syntax",
    /// A rule names a step that runs on its deployment targets.
    TargetStep = "target-step",
    /// Steps that come from a step template may not run where their file says.
    TemplateStep = "template-step",
    /// The plan deletes more than `max_deletes` allows.
    TooManyDeletes = "too-many-deletes",
    /// Steps would run in a pool that has no healthy worker.
    UnhealthyPool = "unhealthy-pool",
    /// The server has no account with the name or id that the file gives.
    UnknownAccount = "unknown-account",
    /// The project has no channel with the name that the file gives.
    UnknownChannel = "unknown-channel",
    /// A saved plan has a finding that this version of the tool does not know.
    UnknownCode = "unknown-code",
    /// The server has no deployment target with the name that the file gives.
    UnknownDeploymentTarget = "unknown-deployment-target",
    /// The server has no environment with the name that the file gives.
    UnknownEnvironment = "unknown-environment",
    /// The server has no feed with the name or id that the file gives.
    UnknownFeed = "unknown-feed",
    /// The server does not offer the image that a dynamic pool asks for.
    UnknownImage = "unknown-image",
    /// The file has a key that the language does not have.
    UnknownKey = "unknown-key",
    /// The server has no library variable set with the name that the file gives.
    UnknownLibraryVariableSet = "unknown-library-variable-set",
    /// The server has no machine policy with the name or id that the file gives.
    UnknownMachinePolicy = "unknown-machine-policy",
    /// Neither the file nor the server has a pool with this name.
    UnknownPool = "unknown-pool",
    /// The server has no project with the name that the file gives.
    UnknownProject = "unknown-project",
    /// The server has no project group with the name that the file gives.
    UnknownProjectGroup = "unknown-project-group",
    /// No project has the tag that the file gives.
    UnknownProjectTag = "unknown-project-tag",
    /// The server has no proxy with the name or id that the file gives.
    UnknownProxy = "unknown-proxy",
    /// No project has a runbook with the name that the file gives.
    UnknownRunbook = "unknown-runbook",
    /// No process has a step with the name that the file gives.
    UnknownStep = "unknown-step",
    /// The server has no tenant tag with the name that the file gives.
    UnknownTenantTag = "unknown-tenant-tag",
    /// The file is written in a version of the language that the tool does not read.
    UnknownVersion = "unknown-version",
    /// The file has no wave with the label that `--wave` gives.
    UnknownWave = "unknown-wave",
    /// A value in the file is not one of the allowed words.
    UnknownWord = "unknown-word",
    /// A rule names a step of a type that the tool does not move.
    UnmanagedStep = "unmanaged-step",
    /// Changes are on branches that have yet to be merged.
    UnmergedBranch = "unmerged-branch",
    /// The Git repository of a project could not be read.
    UnreachableRepository = "unreachable-repository",
    /// A rule names a deployment target that does its own work and so has no worker pool.
    UnreachableTarget = "unreachable-target",
    /// A rule is about variables that the API key may not read.
    UnreadVariables = "unread-variables",
    /// Some variables or deployment targets could not be read.
    UnseenChoosers = "unseen-choosers",
    /// Some processes could not be read.
    UnseenSteps = "unseen-steps",
    /// Steps run on a variable that has no pool in some cases.
    UnsetVariable = "unset-variable",
    /// Rules would move the same things again after the plan is applied.
    UnsettledRules = "unsettled-rules",
    /// The file uses something that this version of the tool does not support.
    Unsupported = "unsupported",
    /// Steps in OCL files have no type, and a rule asks for one.
    UntypedStep = "untyped-step",
    /// A value that a rule would change has no id, so that nothing can be written to it.
    ValueWithoutId = "value-without-id",
    /// A rule is about variables that are stored in Git, and the file does not say how to treat
    /// them.
    VariablesInGit = "variables-in-git",
    /// A rule is about a process that is stored in Git, and the file does not say how to treat it.
    VersionControlled = "version-controlled",
    /// The file changes the kind of a worker that exists.
    WorkerKindChange = "worker-kind-change",
    /// A worker would be left in no pool.
    WorkerWithoutPool = "worker-without-pool",
    /// A value in the file has the wrong type.
    WrongType = "wrong-type",
}

impl Code {
    /// The code of this word; `None` where no code has it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order_and_read_as_what_they_are() {
        assert!(Code::ALL.is_sorted_by(|one, other| one.as_str() < other.as_str()));
        for code in Code::ALL {
            assert_eq!(Code::from_word(code.as_str()), Some(*code));
        }
        assert_eq!(Code::from_word("empty"), None);
    }

    #[test]
    fn a_meaning_is_a_sentence() {
        for code in Code::ALL {
            let meaning = code.meaning();
            assert!(meaning.ends_with('.') && !meaning.starts_with(' '), "{code}: {meaning}");
        }
    }
}
