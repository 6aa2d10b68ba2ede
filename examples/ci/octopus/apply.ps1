# Applies the plan that a person has approved: plans again, and stops unless that is the same plan.
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

$files = $OctopusParameters['Octopus.Action.Package[Poolwright.Files].ExtractedPath']
$arguments = @(
    'plan', '--ci=none', '--quiet',
    "--file=$(Join-Path $files $OctopusParameters['Poolwright.File'])",
    "--own-pool=$($OctopusParameters['Octopus.WorkerPool.Name'])",
    "--own-worker=$($OctopusParameters['Poolwright.OwnWorker'])",
    '--output=plan.json', '--ci-dotenv=plan.env'
)
& .\poolwright.exe $arguments
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
$approved = $OctopusParameters["Octopus.Action[$($OctopusParameters['Poolwright.PlanStep'])].Output.digest"]
$line = Select-String -Path plan.env -Pattern '^POOLWRIGHT_DIGEST=(.+)$'
$found = $line.Matches[0].Groups[1].Value
if (-not $approved -or $approved -ne $found) {
    Fail-Step "the plan is not the approved one: its digest is $found, and '$approved' was approved"
}

# The step fails if a change could not be made; the receipt says which, and is kept in any case.
$arguments = @(
    'apply', 'plan.json', '--ci=octopus', '--receipt=receipt.json',
    "--wait-healthy=$($OctopusParameters['Poolwright.WaitHealthy'])"
)
& .\poolwright.exe $arguments
$code = $LASTEXITCODE
if (Test-Path receipt.json) {
    New-OctopusArtifact -Path (Join-Path $PWD 'receipt.json') -Name 'receipt.json'
}
exit $code
