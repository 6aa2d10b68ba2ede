//! The CI systems, and how a job knows which of them it runs in.
//!
//! # Source
//!
//! The variables that each system documents as set in every job:
//!
//! - GitHub Actions: `GITHUB_ACTIONS` ("Variables reference"); Gitea and Forgejo set it too, and read the same commands.
//! - GitLab: `GITLAB_CI` ("Predefined CI/CD variables reference").
//! - Azure Pipelines: `TF_BUILD` ("Use predefined variables").
//! - TeamCity: `TEAMCITY_VERSION` ("Predefined build parameters").
//! - Jenkins: `JENKINS_URL` ("Using environment variables").
//! - Buildkite: `BUILDKITE` ("Environment variables").
//! - Bitbucket Pipelines: `BITBUCKET_BUILD_NUMBER` ("Variables and secrets").
//! - Octopus: `OctopusCalamariWorkingDirectory`, which every script gets (`CalamariFlavourProgram.cs` of
//!   `OctopusDeploy/Calamari`).

/// What `--ci` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum CiChoice {
    /// The one whose variables are set.
    Auto,
    /// None, even in a job.
    None,
    /// GitHub Actions, Gitea and Forgejo.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Azure Pipelines.
    Azure,
    /// TeamCity.
    Teamcity,
    /// Jenkins.
    Jenkins,
    /// Buildkite.
    Buildkite,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// A step of Octopus itself.
    Octopus,
}

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum CiSystem {
    GitHub,
    GitLab,
    Azure,
    TeamCity,
    Jenkins,
    Buildkite,
    Bitbucket,
    Octopus,
}

/// The variable by which a system is known. What is started by a job of another system comes first: Octopus starts
/// scripts, and its worker may run on a machine of the others.
const MARKS: [(&str, CiSystem); 8] = [
    ("OctopusCalamariWorkingDirectory", CiSystem::Octopus),
    ("GITHUB_ACTIONS", CiSystem::GitHub),
    ("GITLAB_CI", CiSystem::GitLab),
    ("TF_BUILD", CiSystem::Azure),
    ("TEAMCITY_VERSION", CiSystem::TeamCity),
    ("BUILDKITE", CiSystem::Buildkite),
    ("BITBUCKET_BUILD_NUMBER", CiSystem::Bitbucket),
    ("JENKINS_URL", CiSystem::Jenkins),
];

impl CiChoice {
    /// Returns the system that is chosen, or that the environment shows; `is_set` says whether a variable is set.
    pub(super) fn find_system(self, is_set: impl Fn(&str) -> bool) -> Option<CiSystem> {
        match self {
            Self::Auto => {
                MARKS.into_iter().find(|(variable, _)| is_set(variable)).map(|(_, system)| system)
            }
            Self::None => None,
            Self::Github => Some(CiSystem::GitHub),
            Self::Gitlab => Some(CiSystem::GitLab),
            Self::Azure => Some(CiSystem::Azure),
            Self::Teamcity => Some(CiSystem::TeamCity),
            Self::Jenkins => Some(CiSystem::Jenkins),
            Self::Buildkite => Some(CiSystem::Buildkite),
            Self::Bitbucket => Some(CiSystem::Bitbucket),
            Self::Octopus => Some(CiSystem::Octopus),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ci_system_is_detected_by_its_variable_unless_set_to_none() {
        for (variable, system) in MARKS {
            let is_set = |name: &str| name == variable;
            assert_eq!(CiChoice::Auto.find_system(is_set), Some(system));
            assert_eq!(CiChoice::None.find_system(is_set), None);
            assert_eq!(CiChoice::Azure.find_system(is_set), Some(CiSystem::Azure));
        }
        assert_eq!(CiChoice::Auto.find_system(|_| false), None);
    }
}
