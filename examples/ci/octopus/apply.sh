# Applies the plan that a person has approved: plans again, and stops unless that is the same plan.
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

./poolwright plan --ci none --quiet \
    --file "$(value "Octopus.Action.Package[Poolwright.Files].ExtractedPath")/$(value "Poolwright.File")" \
    --own-pool "$(value "Octopus.WorkerPool.Name")" --own-worker "$(value "Poolwright.OwnWorker")" \
    --output plan.json --ci-dotenv plan.env
approved=$(value "Octopus.Action[$(value "Poolwright.PlanStep")].Output.digest")
found=$(sed -n 's/^POOLWRIGHT_DIGEST=//p' plan.env)
if [[ -z $approved || $approved != "$found" ]]; then
    fail_step "the plan is not the approved one: its digest is $found, and \`$approved\` was approved"
fi

# The step fails if a change could not be made; the receipt says which, and is kept in any case.
code=0
./poolwright apply plan.json --ci octopus --wait-healthy "$(value "Poolwright.WaitHealthy")" --receipt receipt.json || code=$?
if [[ -f receipt.json ]]; then
    new_octopusartifact "$PWD/receipt.json" "receipt.json"
fi
exit "$code"
