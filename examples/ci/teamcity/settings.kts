// Plans workers.toml in each build, and applies exactly that plan in a build that a person starts or approves.
// docs/ci.md says which parameters it needs.
import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildFeatures.approval
import jetbrains.buildServer.configs.kotlin.buildSteps.script
import jetbrains.buildServer.configs.kotlin.triggers.vcs

version = "2024.12"

project {
    params {
        param("env.POOLWRIGHT_VERSION", "0.1.0")
        // Of SHA256SUMS.
        param("env.POOLWRIGHT_SHA256", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
        param("env.POOLWRIGHT_RELEASES", "https://github.com/poolwright/poolwright/releases/download")
        param("env.OCTOPUS_URL", "https://octopus.example")
        param("env.OCTOPUS_SPACE", "Default")
    }
    buildType(PlanWorkers)
    buildType(ApplyWorkers)
}

val install = """
    set -eu
    archive=poolwright-${'$'}POOLWRIGHT_VERSION-x86_64-unknown-linux-musl.tar.gz
    curl --fail --silent --show-error --location --output "${'$'}archive" "${'$'}POOLWRIGHT_RELEASES/v${'$'}POOLWRIGHT_VERSION/${'$'}archive"
    echo "${'$'}POOLWRIGHT_SHA256  ${'$'}archive" | sha256sum --check --quiet
    mkdir -p .poolwright-bin
    tar -xzf "${'$'}archive" -C .poolwright-bin
    rm "${'$'}archive"
""".trimIndent()

object PlanWorkers : BuildType({
    name = "Plan workers"
    vcs { root(DslContext.settingsRoot) }
    artifactRules = "plan.json"
    params {
        // A token for a key that can only read.
        password("env.OCTOPUS_API_KEY", "credentialsJSON:octopus-reader-key")
    }
    steps {
        script {
            name = "Install"
            scriptContent = install
        }
        script {
            name = "Plan"
            scriptContent = """
                set -eu
                .poolwright-bin/poolwright plan --output plan.json
            """.trimIndent()
        }
    }
    triggers { vcs { triggerRules = "+:workers.toml" } }
})

object ApplyWorkers : BuildType({
    name = "Apply workers"
    type = BuildTypeSettings.Type.DEPLOYMENT
    // Two applies at once are harmless: each checks the server before it writes. Still nobody wants them.
    maxRunningBuilds = 1
    vcs { root(DslContext.settingsRoot) }
    artifactRules = "receipt.json"
    params {
        password("env.OCTOPUS_API_KEY", "credentialsJSON:octopus-writer-key")
    }
    features {
        approval {
            approvalRules = "group:OCTOPUS_APPROVERS:1"
            timeout = 1440
        }
    }
    steps {
        script {
            name = "Install"
            scriptContent = install
        }
        script {
            name = "Apply"
            scriptContent = """
                set -eu
                .poolwright-bin/poolwright apply plan.json --max-age 24h --wait-healthy 5m --receipt receipt.json
            """.trimIndent()
        }
    }
    dependencies {
        dependency(PlanWorkers) {
            snapshot { onDependencyFailure = FailureAction.FAIL_TO_START }
            artifacts { artifactRules = "plan.json" }
        }
    }
})
