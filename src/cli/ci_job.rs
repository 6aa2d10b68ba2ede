//! What the environment of a CI job says about the job: its page, and the commit that it works on.
//!
//! Its texts are untrusted. Never: a decision that depends on the system.
//!
//! # Source
//!
//! The lists of predefined variables of GitHub Actions, GitLab, Azure Pipelines, Buildkite, Bitbucket, TeamCity and
//! Jenkins.

use std::env;

/// The longest URL that is recorded, in bytes.
const LONGEST: usize = 2000;

/// The variables that hold the commit of a job, one for each system.
const COMMITS: [&str; 7] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILD_SOURCEVERSION",
    "BUILDKITE_COMMIT",
    "BITBUCKET_COMMIT",
    "BUILD_VCS_NUMBER",
    "GIT_COMMIT",
];

/// Returns the page of the CI job that runs this process.
pub(super) fn current_job() -> Option<String> {
    find_job(|name| env::var(name).ok().filter(|text| !text.is_empty()))
}

/// Returns the commit that the CI job of this process works on.
pub(super) fn current_commit() -> Option<String> {
    COMMITS.iter().find_map(|name| env::var(name).ok().filter(|text| !text.is_empty()))
}

/// Returns the page of the CI job whose environment this is.
fn find_job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let join = |parts: [(&str, &str); 2], end: &str| {
        let mut url = String::new();
        for (name, after) in parts {
            url.push_str(variable(name)?.trim_end_matches('/'));
            url.push_str(after);
        }
        Some(url + &variable(end)?)
    };
    let github = || {
        join([("GITHUB_SERVER_URL", "/"), ("GITHUB_REPOSITORY", "/actions/runs/")], "GITHUB_RUN_ID")
    };
    let azure = || {
        let build = "/_build/results?buildId=";
        join([("SYSTEM_COLLECTIONURI", "/"), ("SYSTEM_TEAMPROJECT", build)], "BUILD_BUILDID")
    };
    let bitbucket = || {
        let origin = variable("BITBUCKET_GIT_HTTP_ORIGIN")?;
        let number = variable("BITBUCKET_BUILD_NUMBER")?;
        Some(format!("{}/pipelines/results/{number}", origin.trim_end_matches('/')))
    };
    let url = github()
        .or_else(|| variable("CI_JOB_URL"))
        .or_else(azure)
        .or_else(|| variable("BUILDKITE_BUILD_URL"))
        .or_else(bitbucket)
        // TeamCity and Jenkins.
        .or_else(|| variable("BUILD_URL"))?
        // The name of a project of Azure DevOps may have spaces.
        .replace(' ', "%20");
    is_page(&url).then_some(url)
}

/// Whether a text is the URL of a page, without a user or a password.
fn is_page(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty()
            && !host.contains('@')
            && url.len() <= LONGEST
            && rest.chars().all(is_plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Option<String> {
        find_job(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_ci_system_provides_the_url_of_its_job() {
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/octopus"),
            ("GITHUB_RUN_ID", "42"),
        ];
        let azure = [
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
            ("SYSTEM_TEAMPROJECT", "Web Store"),
            ("BUILD_BUILDID", "7"),
        ];
        let bitbucket = [
            ("BITBUCKET_GIT_HTTP_ORIGIN", "https://bitbucket.org/acme/octopus"),
            ("BITBUCKET_BUILD_NUMBER", "9"),
        ];
        let found = [
            job(&github),
            job(&[("CI_JOB_URL", "https://gitlab.example/acme/octopus/-/jobs/5")]),
            job(&azure),
            job(&[("BUILDKITE_BUILD_URL", "https://buildkite.com/acme/octopus/builds/3")]),
            job(&bitbucket),
            job(&[("BUILD_URL", "https://jenkins.example/job/octopus/12/")]),
        ];
        insta::assert_snapshot!(found.map(Option::unwrap_or_default).join("\n"), @r"
        https://github.com/acme/octopus/actions/runs/42
        https://gitlab.example/acme/octopus/-/jobs/5
        https://dev.azure.com/acme/Web%20Store/_build/results?buildId=7
        https://buildkite.com/acme/octopus/builds/3
        https://bitbucket.org/acme/octopus/pipelines/results/9
        https://jenkins.example/job/octopus/12/
        ");
        assert_eq!(job(&[]), None);
    }

    #[test]
    fn an_invalid_job_url_is_not_recorded() {
        let long = format!("https://a/{}", "x".repeat(LONGEST));
        for url in
            ["javascript:alert(1)", "https://", "https://user:pass@host/", "https://a/\n", &long]
        {
            assert_eq!(job(&[("BUILD_URL", url)]), None, "{url}");
        }
    }
}
