//! Where a step runs.

use serde::{Deserialize, Serialize};

/// What chooses a step's pool. `P` is the type of a declared, live or planned pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place<P> {
    /// This pool.
    Pool(P),
    /// The worker pool variable of this name.
    Variable(String),
    /// The space's default pool at run time, because the step names none.
    ///
    /// In Octopus, the field is then absent, `null` or empty.
    DefaultPool,
}

impl<P> Place<P> {
    /// The pool, where it is named.
    pub fn pool(&self) -> Option<&P> {
        match self {
            Self::Pool(pool) => Some(pool),
            Self::Variable(_) | Self::DefaultPool => None,
        }
    }
}

/// How often a step runs, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Once, on a worker.
    Once,
    /// On a worker, on behalf of each deployment target.
    PerTarget,
    /// On each deployment target itself. A file cannot request this.
    OnTargets,
}

/// The container in which a step runs on its worker: an image of a feed, or one that is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container<F> {
    /// The image, with its tag; empty if it is built.
    pub image: String,
    /// The feed that has the image.
    pub feed: F,
    /// The Dockerfile that the image is built from; empty if it is not built.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dockerfile: String,
    /// The Git repository that has the Dockerfile; empty if none does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub git_url: String,
}

impl<F> Container<F> {
    /// Creates a container from an image of a feed.
    pub fn from_image(image: impl Into<String>, feed: impl Into<F>) -> Self {
        let (image, feed) = (image.into(), feed.into());
        Self { image, feed, dockerfile: String::new(), git_url: String::new() }
    }

    /// Returns the same container with its feed in another form.
    pub fn map_feed<G>(&self, map: impl FnOnce(&F) -> G) -> Container<G> {
        let Self { image, feed, dockerfile, git_url } = self;
        Container {
            image: image.clone(),
            feed: map(feed),
            dockerfile: dockerfile.clone(),
            git_url: git_url.clone(),
        }
    }

    /// Returns the container, unless none of its fields makes it one: a feed alone does not.
    pub fn into_option(self) -> Option<Self> {
        let is_set = [&self.image, &self.dockerfile, &self.git_url].iter().any(|it| !it.is_empty());
        is_set.then_some(self)
    }
}

impl Execution {
    /// The word for it in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::PerTarget => "per-target",
            Self::OnTargets => "on-targets",
        }
    }
}
