#!/usr/bin/env bash
# Installs a release of poolwright whose SHA-256 the caller has pinned, for the system that this runs on.
#
#   POOLWRIGHT_VERSION   the version, such as 0.1.0
#   POOLWRIGHT_SHA256    the SHA-256 of its archive, or the text of SHA256SUMS, from which the archive's line is taken
#   POOLWRIGHT_RELEASES  where releases are [default: those on GitHub]
#   POOLWRIGHT_FOLDER    the folder to install to [default: a new one below RUNNER_TEMP, or below /tmp]
#
# Prints the folder. In GitHub Actions, later steps find the program on the path.
set -euo pipefail

fail() {
    echo "error: $1" >&2
    exit 1
}

version=${POOLWRIGHT_VERSION:?set it to the version to install}
pinned=${POOLWRIGHT_SHA256:?set it to the SHA-256 of the archive, or to the text of SHA256SUMS}
releases=${POOLWRIGHT_RELEASES:-https://github.com/poolwright/poolwright/releases/download}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "\`$version\` is not a version"

case "${RUNNER_OS:-$(uname -s)}" in
    Linux) system=unknown-linux-musl ;;
    macOS | Darwin) system=apple-darwin ;;
    Windows | MINGW* | MSYS*) system=pc-windows-msvc ;;
    *) fail "there is no release for this operating system" ;;
esac
case "${RUNNER_ARCH:-$(uname -m)}" in
    X64 | x86_64 | amd64) machine=x86_64 ;;
    ARM64 | aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no release for this processor" ;;
esac
archive=poolwright-$version-$machine-$system.tar.gz

if [[ $pinned =~ ^[0-9a-fA-F]{64}$ ]]; then
    expected=$pinned
else
    # A line of SHA256SUMS: the hash, two spaces or a space and `*`, and the name.
    expected=$(awk -v name="$archive" '{ sub(/^\*/, "", $2) } $2 == name { print $1 }' <<<"$pinned")
    [[ $expected =~ ^[0-9a-fA-F]{64}$ ]] || fail "no SHA-256 of $archive is pinned"
fi

folder=${POOLWRIGHT_FOLDER:-$(mktemp -d "${RUNNER_TEMP:-/tmp}/poolwright.XXXXXX")}
mkdir -p "$folder"
curl --fail --silent --show-error --location --retry 3 --output "$folder/$archive" "$releases/v$version/$archive"
if command -v sha256sum >/dev/null; then
    found=$(sha256sum "$folder/$archive")
else
    found=$(shasum -a 256 "$folder/$archive")
fi
found=${found%% *}
if [[ $(tr 'A-F' 'a-f' <<<"$expected") != "$found" ]]; then
    rm "$folder/$archive"
    fail "the SHA-256 of $archive is $found, but $expected is pinned"
fi
tar -xzf "$folder/$archive" -C "$folder"
rm "$folder/$archive"
if [[ -n ${GITHUB_PATH:-} ]]; then
    echo "$folder" >>"$GITHUB_PATH"
fi
echo "$folder"
