# Plans workers.toml, attaches the plan to the task, and leaves the counts and the digest for later steps.
$ErrorActionPreference = 'Stop'

$version = $OctopusParameters['Poolwright.Version']
$archive = "poolwright-$version-x86_64-pc-windows-msvc.tar.gz"
Invoke-WebRequest -UseBasicParsing -Uri "$($OctopusParameters['Poolwright.Releases'])/v$version/$archive" -OutFile $archive
$found = (Get-FileHash -Algorithm SHA256 -Path $archive).Hash
if ($found -ne $OctopusParameters['Poolwright.Sha256']) {
    Fail-Step "the SHA-256 of $archive is $found, and another one is pinned"
}
tar -xzf $archive
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }

$env:OCTOPUS_URL = $OctopusParameters['Poolwright.Url']
$env:OCTOPUS_API_KEY = $OctopusParameters['Poolwright.ApiKey']
$env:OCTOPUS_SPACE = $OctopusParameters['Octopus.Space.Id']

# A plan that takes away the worker under this step is refused.
$files = $OctopusParameters['Octopus.Action.Package[Poolwright.Files].ExtractedPath']
$arguments = @(
    'plan', '--ci=octopus',
    "--file=$(Join-Path $files $OctopusParameters['Poolwright.File'])",
    "--own-pool=$($OctopusParameters['Octopus.WorkerPool.Name'])",
    "--own-worker=$($OctopusParameters['Poolwright.OwnWorker'])",
    '--output=plan.json', '--out=markdown=plan.md'
)
& .\poolwright.exe $arguments
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
New-OctopusArtifact -Path (Join-Path $PWD 'plan.json') -Name 'plan.json'
New-OctopusArtifact -Path (Join-Path $PWD 'plan.md') -Name 'plan.md'
