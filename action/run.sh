#!/usr/bin/env bash
# Runs poolwright with the arguments in ARGUMENTS, one a line, and keeps its exit code as an output.
set -euo pipefail

arguments=()
while IFS= read -r line; do
    line=${line%$'\r'}
    [[ -z $line ]] || arguments+=("$line")
done <<<"${ARGUMENTS:?set it to the arguments, one a line}"

code=0
poolwright "${arguments[@]}" || code=$?
if [[ -n ${GITHUB_OUTPUT:-} ]]; then
    echo "exit-code=$code" >>"$GITHUB_OUTPUT"
fi
exit "$code"
