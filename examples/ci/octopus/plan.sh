# Plans workers.toml, attaches the plan to the task, and leaves the counts and the digest for later steps.
set -euo pipefail

value() { get_octopusvariable "$1"; }

version=$(value "Poolwright.Version")
archive=poolwright-$version-x86_64-unknown-linux-musl.tar.gz
curl --fail --silent --show-error --location --output "$archive" "$(value "Poolwright.Releases")/v$version/$archive"
echo "$(value "Poolwright.Sha256")  $archive" | sha256sum --check --quiet
tar -xzf "$archive"

OCTOPUS_URL=$(value "Poolwright.Url")
OCTOPUS_API_KEY=$(value "Poolwright.ApiKey")
OCTOPUS_SPACE=$(value "Octopus.Space.Id")
export OCTOPUS_URL OCTOPUS_API_KEY OCTOPUS_SPACE

# A plan that takes away the worker under this step is refused.
./poolwright plan --ci octopus \
    --file "$(value "Octopus.Action.Package[Poolwright.Files].ExtractedPath")/$(value "Poolwright.File")" \
    --own-pool "$(value "Octopus.WorkerPool.Name")" --own-worker "$(value "Poolwright.OwnWorker")" \
    --output plan.json --out markdown=plan.md
new_octopusartifact "$PWD/plan.json" "plan.json"
new_octopusartifact "$PWD/plan.md" "plan.md"
