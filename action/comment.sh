#!/usr/bin/env bash
# Writes a plan as the comment of a pull request, in place of the comment of an earlier plan for the same server and
# space. The last line of the Markdown is the hidden marker by which that comment is found.
#
#   COMMENT            the file of `poolwright plan --out markdown=FILE`
#   PULL_REQUEST       the number of the pull request
#   GITHUB_REPOSITORY  its repository
#   GH_TOKEN           a token that may write pull requests
#
# Needs `gh` and `jq`, which GitHub's runners have.
set -euo pipefail

: "${COMMENT:?set it to the file of the comment}" "${GITHUB_REPOSITORY:?}"
[[ ${PULL_REQUEST:-} =~ ^[0-9]+$ ]] || { echo "error: PULL_REQUEST is not a number" >&2; exit 1; }
marker=$(tail -n 1 "$COMMENT")
[[ $marker == '<!-- poolwright '*' -->' ]] || { echo "error: $COMMENT does not end with a marker" >&2; exit 1; }

comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
# Whoever may comment may write the marker too, so only a comment of an app is replaced.
earlier=$(gh api --paginate "$comments" | jq --raw-output --arg marker "$marker" '
    .[] | select(.user.type == "Bot" and (.body | gsub("\r"; "") | rtrimstr("\n") | endswith($marker))) | .id' | tail -n 1)
body=$(mktemp)
trap 'rm -f "$body"' EXIT
jq --raw-input --slurp '{ body: . }' "$COMMENT" >"$body"
if [[ -n $earlier ]]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$earlier" --input "$body" --silent
else
    gh api --method POST "$comments" --input "$body" --silent
fi
