//! The codes of findings, which never change: `[gates]`, scripts and searches depend on them.
//!
//! `docs/findings.md` says what to do about each; a test checks that it is complete.

use super::CodeLevel;

use serde::{Deserialize, Serialize};

/// Defines [`Code`]: a variant's doc comment is its meaning, the word is what users see, and the levels in brackets
/// are those that its findings may have.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $word:literal [$($level:ident),+],)+) => {
        /// The kind of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $meaning])+ #[serde(rename = $word)] $variant,)+
        }

        impl Code {
            /// All codes, sorted by their words.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code's word, such as `empty-pool`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The levels that its findings have by themselves.
            pub fn levels(self) -> &'static [CodeLevel] {
                match self {
                    $(Self::$variant => &[$(CodeLevel::$level),+],)+
                }
            }

            /// The code's meaning, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($meaning),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// It is not clear which thing on the server a name stands for.
    AmbiguousName = "ambiguous-name" [Error],
    /// A step cannot be told apart from others, because its id is missing or is used twice.
    AmbiguousStep = "ambiguous-step" [Error, Warning],
    /// A variable has several values with the same scope.
    AmbiguousValue = "ambiguous-value" [Error],
    /// A name in the file is not a valid branch name.
    BadBranch = "bad-branch" [Error],
    /// The `host` of an SSH worker is not a host name or an address.
    BadHost = "bad-host" [Error],
    /// The name of a pool or worker is empty, too long or contains a control character.
    BadName = "bad-name" [Error],
    /// A range or list in a worker's name cannot be expanded.
    BadRange = "bad-range" [Error],
    /// A pool's `slug` is one that Octopus would refuse.
    BadSlug = "bad-slug" [Error],
    /// A `subscription` is not the address of a polling Tentacle.
    BadSubscription = "bad-subscription" [Error],
    /// A `thumbprint` is not that of a Tentacle's certificate.
    BadThumbprint = "bad-thumbprint" [Error],
    /// A `url`, of the server or of a worker, is not a valid URL.
    BadUrl = "bad-url" [Error],
    /// The built-in worker would be switched off while steps may still need it.
    BuiltInWorkerInUse = "built-in-worker-in-use" [Gate, Warning],
    /// A pool's slug would change, by which files in Git refer to the pool.
    ChangedSlug = "changed-slug" [Warning],
    /// Two files give the same setting different values.
    ConflictingFiles = "conflicting-files" [Error],
    /// A table has keys that cannot be used together.
    ConflictingKeys = "conflicting-keys" [Error],
    /// A text in the file contains a control character.
    ControlCharacter = "control-character" [Error],
    /// The file both declares and removes the same pool or worker.
    DeclaredAndRemoved = "declared-and-removed" [Error],
    /// Two `[[pool_variables]]` rules set the same variable in the same scope.
    DeclaredTwice = "declared-twice" [Error],
    /// The default pool would get its first worker or lose its last one, which takes steps from the
    /// built-in worker or gives them to it.
    DefaultPoolMember = "default-pool-member" [Gate, Warning],
    /// The slug of a pool is derived from its name, and no file confirms it.
    DerivedSlug = "derived-slug" [Warning],
    /// It is not certain which slug Octopus gives to a pool.
    DoubtfulSlug = "doubtful-slug" [Error],
    /// More than one pool is declared as the default.
    DuplicateDefault = "duplicate-default" [Error],
    /// The same pool is declared or listed twice.
    DuplicatePool = "duplicate-pool" [Error],
    /// Two waves have the same label.
    DuplicateWave = "duplicate-wave" [Error],
    /// Two workers have the same name.
    DuplicateWorker = "duplicate-worker" [Error],
    /// A dynamic pool is given workers, or a setting that only pools with workers of their own
    /// have.
    DynamicPoolMember = "dynamic-pool-member" [Error],
    /// Something that an apply wrote has been changed since, so a rollback leaves it unchanged.
    EditedSince = "edited-since" [Rollback],
    /// A list that needs at least one item has none.
    EmptyList = "empty-list" [Error],
    /// Steps would run in a pool that has no enabled worker.
    EmptyPool = "empty-pool" [Gate, Warning],
    /// A text that must not be empty is empty.
    EmptyText = "empty-text" [Error],
    /// An `[[accept]]` has expired: the day in its `until` has passed.
    ExpiredAccept = "expired-accept" [Warning],
    /// The files still ask for what a rollback undoes, so the next apply makes the changes again.
    FilesStillAsk = "files-still-ask" [Rollback],
    /// The file sets the level of a code whose level is fixed, or accepts its findings.
    FixedLevel = "fixed-level" [Error],
    /// Published runbook snapshots or releases keep the old pools of steps that move, or may keep
    /// them.
    FrozenProcess = "frozen-process" [Warning],
    /// No project has a branch that `[version_control]` names.
    IdleBranch = "idle-branch" [Warning],
    /// No rule matches the project that `--project` names.
    IdleProject = "idle-project" [Warning],
    /// `protect` under `[manage]` names a pool or worker that does not exist.
    IdleProtect = "idle-protect" [Warning],
    /// `[[removed]]` names something that does not exist, but something with a similar name does.
    IdleRemoval = "idle-removal" [Warning],
    /// A `renamed_from` has no effect: both the old and the new name exist, or neither does and a similar
    /// name exists.
    IdleRename = "idle-rename" [Warning],
    /// A rule matches nothing that it could change.
    IdleRule = "idle-rule" [Warning],
    /// Nothing changes at the address that `--target` names.
    IdleTarget = "idle-target" [Warning],
    /// A wave contains no projects.
    IdleWave = "idle-wave" [Warning],
    /// A step cannot run the way that a rule requires.
    ImpossibleExecution = "impossible-execution" [Error, Warning],
    /// A branch that an apply created for a commit is kept by a rollback.
    KeptBranch = "kept-branch" [Rollback],
    /// Steps wait for a later wave.
    LaterWaves = "later-waves" [Warning],
    /// A step that runs on its deployment targets names a pool that has no effect.
    LingeringPool = "lingering-pool" [Warning],
    /// A required key is missing.
    MissingKey = "missing-key" [Error],
    /// The file removes a pool that it still uses.
    NeededAndRemoved = "needed-and-removed" [Error],
    /// A rollback creates something anew, which gets a new id.
    NewIdentity = "new-identity" [Rollback],
    /// The space would be left without a default pool.
    NoDefaultPool = "no-default-pool" [Error],
    /// A rule sets a variable that is not of type worker pool.
    NotAPoolVariable = "not-a-pool-variable" [Error],
    /// A rule needs something that OCL files do not contain.
    NotInACheckout = "not-in-a-checkout" [Error],
    /// `pull --keep` cannot bring the file up to date by edits.
    NotKept = "not-kept" [Error],
    /// A worker that registers itself has not done so yet.
    NotRegistered = "not-registered" [Warning],
    /// A rollback cannot undo a change.
    NotUndone = "not-undone" [Rollback],
    /// A number in the file is too small or too large.
    NumberOutOfRange = "number-out-of-range" [Error],
    /// A step in an OCL file is written on one line, where no line can be added.
    OclOneLine = "ocl-one-line" [Error],
    /// A step in an OCL file does not say clearly which pool it runs in.
    OclPlace = "ocl-place" [Error],
    /// An OCL file is not valid.
    OclSyntax = "ocl-syntax" [Error, Warning],
    /// A fingerprint in the file is not one that an SSH host key can have.
    OddFingerprint = "odd-fingerprint" [Warning],
    /// A worker's name contains brackets that may not be meant as a range or a list.
    OddRange = "odd-range" [Warning],
    /// The plan would disable, replace, delete or empty the worker or pool on which the program itself runs.
    OwnWorker = "own-worker" [Refusal, Warning],
    /// A pool would be deleted while something uses it.
    PoolInUse = "pool-in-use" [Gate, Warning],
    /// The file turns a static pool into a dynamic one, or the other way round.
    PoolKindChange = "pool-kind-change" [Error],
    /// A step that uses a process template is left unchanged.
    ProcessTemplate = "process-template" [Warning],
    /// Something that `protect` covers would be deleted or replaced.
    Protected = "protected" [Gate],
    /// Steps or values on a protected branch would change, or are left unchanged because of it.
    ProtectedBranch = "protected-branch" [Refusal, Warning],
    /// An entry of a receipt does not fit what its id names on the server, or records a value that its
    /// field cannot have.
    ReceiptMismatch = "receipt-mismatch" [Error, Rollback],
    /// The server would refuse to save a process, so its steps are left unchanged.
    RefusedProcess = "refused-process" [Warning],
    /// The file removes the same pool or worker twice.
    RemovedTwice = "removed-twice" [Error],
    /// Two workers have the same endpoint: URL, host and port, or subscription.
    SameEndpoint = "same-endpoint" [Error],
    /// Two pools have the same `sort_order`.
    SamePosition = "same-position" [Warning],
    /// A key has a value that has no effect.
    SaysNothing = "says-nothing" [Error],
    /// The file contains a secret, or a key for one.
    SecretInFile = "secret-in-file" [Error],
    /// A rule names a step that always runs inside the Octopus Server.
    ServerSideStep = "server-side-step" [Error],
    /// The files of a working tree belong to several projects.
    SeveralProjects = "several-projects" [Error, Warning],
    /// Earlier rules decide about everything that a rule matches.
    ShadowedRule = "shadowed-rule" [Warning],
    /// A text contains `{n}`, but the worker's name has no range.
    StrayN = "stray-n" [Warning],
    /// The file is not valid TOML.
    Syntax = "syntax" [Error],
    /// A rule names a step that runs on its deployment targets.
    TargetStep = "target-step" [Error, Warning],
    /// A step of a step template does not say whether it runs on a worker, and is left unchanged.
    TemplateStep = "template-step" [Warning],
    /// More would be deleted or replaced than `max_deletes` allows.
    TooManyDeletes = "too-many-deletes" [Gate],
    /// A value of a worker pool variable in a working tree is left to be edited by hand.
    UneditedValue = "unedited-value" [Warning],
    /// Steps would run in a pool that has too few healthy workers.
    UnhealthyPool = "unhealthy-pool" [Gate, Warning],
    /// The server has no account with this name or id.
    UnknownAccount = "unknown-account" [Error],
    /// No step has an action type that a rule names.
    UnknownActionType = "unknown-action-type" [Warning],
    /// A scope or a rule names a channel that does not exist.
    UnknownChannel = "unknown-channel" [Error],
    /// A saved plan contains a finding that a newer version of poolwright made.
    UnknownCode = "unknown-code" [Unknown],
    /// The server has no deployment target with this name.
    UnknownDeploymentTarget = "unknown-deployment-target" [Error],
    /// A scope names an environment that does not exist.
    UnknownEnvironment = "unknown-environment" [Error],
    /// The server has no feed with this name or id.
    UnknownFeed = "unknown-feed" [Error],
    /// No OCL file is in a folder that the file maps to a project.
    UnknownFolder = "unknown-folder" [Warning],
    /// The server does not have the image that a dynamic pool needs.
    UnknownImage = "unknown-image" [Error],
    /// The file contains an unknown key.
    UnknownKey = "unknown-key" [Error],
    /// The server has no library variable set with this name.
    UnknownLibraryVariableSet = "unknown-library-variable-set" [Error],
    /// The server has no machine policy with this name or id.
    UnknownMachinePolicy = "unknown-machine-policy" [Error],
    /// Neither the file nor the server has a pool with this name.
    UnknownPool = "unknown-pool" [Error, Warning],
    /// The server has no project with this name that the API key can see.
    UnknownProject = "unknown-project" [Error],
    /// The server has no project group with this name that the API key can see.
    UnknownProjectGroup = "unknown-project-group" [Error],
    /// No project has this tag.
    UnknownProjectTag = "unknown-project-tag" [Error],
    /// The server has no proxy with this name or id.
    UnknownProxy = "unknown-proxy" [Error],
    /// No project that the rule matches has a runbook with this name.
    UnknownRunbook = "unknown-runbook" [Error, Warning],
    /// No process that the rule matches has a step with this name.
    UnknownStep = "unknown-step" [Error, Warning],
    /// `--target` names an address at which there is nothing.
    UnknownTarget = "unknown-target" [Error],
    /// No deployment target has a target tag that a rule names.
    UnknownTargetTag = "unknown-target-tag" [Error, Warning],
    /// A scope names a tenant tag that does not exist.
    UnknownTenantTag = "unknown-tenant-tag" [Error],
    /// Steps would get their pool from a variable that does not exist.
    UnknownVariable = "unknown-variable" [Gate, Warning],
    /// The file is written for a version of the language that this tool does not read.
    UnknownVersion = "unknown-version" [Error],
    /// The file has no wave with the label that `--wave` gives.
    UnknownWave = "unknown-wave" [Error],
    /// A value is not one of the words that its key allows.
    UnknownWord = "unknown-word" [Error],
    /// A rule names a step that poolwright does not know how to move.
    UnmanagedStep = "unmanaged-step" [Error],
    /// Changes are on branches that have yet to be merged.
    UnmergedBranch = "unmerged-branch" [Warning],
    /// The Git repository of a project could not be read.
    UnreachableRepository = "unreachable-repository" [Gate],
    /// A rule names a deployment target that does its own work and has no worker pool.
    UnreachableTarget = "unreachable-target" [Error],
    /// A rollback cannot read what an entry of its receipt changed, or what the entry says.
    UnreadEntry = "unread-entry" [Rollback],
    /// The audit log cannot be read, so it is not known who caused a drift.
    UnreadEvents = "unread-events" [Warning],
    /// What a worker refers to is in a list that could not be read.
    UnreadReference = "unread-reference" [Warning],
    /// A rule matches variables that the API key may not read.
    UnreadVariables = "unread-variables" [Error],
    /// A worker's endpoint on the server is not valid, so it cannot be written back.
    UnreadableEndpoint = "unreadable-endpoint" [Error],
    /// Variables or deployment targets that rules may match could not be read.
    UnseenChoosers = "unseen-choosers" [Warning],
    /// Processes that rules may match could not be read.
    UnseenSteps = "unseen-steps" [Warning],
    /// A step's pool variable has no value in some cases.
    UnsetVariable = "unset-variable" [Warning],
    /// The rules would never settle: after an apply, they would move the same things again.
    UnsettledRules = "unsettled-rules" [Error],
    /// The file uses something that this version of poolwright does not support.
    Unsupported = "unsupported" [Error],
    /// A file that is read with `--untrusted` names a server or a space.
    UntrustedServer = "untrusted-server" [Error],
    /// Steps of step templates have no type in their files, so a server may place them differently.
    UntypedStep = "untyped-step" [Warning],
    /// The base of a plan cannot be planned, so nothing counts as pending before the change.
    UnusableBase = "unusable-base" [Warning],
    /// An `[[accept]]` matches no finding.
    UnusedAccept = "unused-accept" [Warning],
    /// The server gives no id for a value that a rule would change.
    ValueWithoutId = "value-without-id" [Error],
    /// A rule matches variables that are stored in Git, but the file has no `[version_control]`.
    VariablesInGit = "variables-in-git" [Error, Warning],
    /// A rule matches a process that is stored in Git, but the file has no `[version_control]`.
    VersionControlled = "version-controlled" [Error, Warning],
    /// A worker that is declared to register itself exists on the server as another kind of worker.
    WorkerKindChange = "worker-kind-change" [Error],
    /// A worker would be left in no pool.
    WorkerWithoutPool = "worker-without-pool" [Error],
    /// A value has the wrong type, or is not a percentage.
    WrongType = "wrong-type" [Error],
}

impl Code {
    /// The code of this word; `None` where no code has it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }

    /// Whether it reports something as missing that may be in a process that could not be read.
    pub fn may_be_in_unread_process(self) -> bool {
        matches!(self, Self::UnknownStep | Self::UnknownRunbook)
    }

    /// Whether it is about a name in the scope of a variable's value.
    pub fn is_about_value_scope(self) -> bool {
        matches!(self, Self::UnknownEnvironment | Self::UnknownChannel | Self::UnknownTenantTag)
    }

    /// Whether only access to the whole server can prove it: what one project lacks, another may have.
    pub fn needs_whole_server(self) -> bool {
        matches!(
            self,
            Self::UnknownProject
                | Self::UnknownProjectGroup
                | Self::UnknownRunbook
                | Self::UnknownStep
                | Self::IdleRule
                | Self::ShadowedRule
        )
    }

    /// Whether it reports that a step stays where it is although a rule would move it.
    pub fn reports_unmoved_step(self) -> bool {
        matches!(self, Self::ImpossibleExecution | Self::LingeringPool | Self::TargetStep)
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
    fn words_are_sorted_and_parse_to_their_codes() {
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
