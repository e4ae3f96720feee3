#!/usr/bin/env bash
# What trimtrail says, in pull requests of GitHub and merge requests of GitLab.
#
#   pull-requests.sh review DIR BASE      verify DIR of this branch against the commit BASE: one comment that is kept up to
#                                         date, and SARIF for GitHub's code scanning. Exit 10 where there is something to see.
#   pull-requests.sh weekly DIR RESULT    one branch and one request for each owner of what `patch` edits for RESULT: opened,
#                                         brought up to date, closed where nothing is left; never again what somebody closed.
#
# It needs trimtrail, git, curl and jq, a checkout of the repository, and what says where it is; in brackets what says it else:
#   FORGE             github or gitlab (GITHUB_ACTIONS, GITLAB_CI)
#   FORGE_API         such as https://api.github.com (GITHUB_API_URL, CI_API_V4_URL)
#   FORGE_REPOSITORY  owner/name, or the project's number (GITHUB_REPOSITORY, CI_PROJECT_ID)
#   FORGE_TOKEN       review: may write comments; weekly: may push branches and open requests
#   FORGE_NUMBER      review: the request (CI_MERGE_REQUEST_IID)
#   FORGE_BRANCH      weekly: the branch that requests go to (GITHUB_REF_NAME, CI_DEFAULT_BRANCH)
#   FORGE_PUSH        weekly: the remote that branches are pushed to (on GitLab the project's address, else origin)
#   FORGE_AUTHOR      review: who writes with the token (asked for, else github-actions[bot])
#   VERIFY_FLAGS, PATCH_FLAGS   further flags, a line each
# Whatever comes from a repository, a log or a forge is data here: it is quoted, goes through jq or a file, and is never run.
set -euo pipefail

say() { printf '%s\n' "trimtrail: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

[ $# -eq 3 ] || fail "usage: pull-requests.sh review DIR BASE | weekly DIR RESULT"
mode=$1 dir=$2
for program in trimtrail git curl jq; do
  command -v "$program" >/dev/null || fail "$program is not installed"
done

if [ -z "${FORGE:-}" ]; then
  if [ -n "${GITHUB_ACTIONS:-}" ]; then FORGE=github; elif [ -n "${GITLAB_CI:-}" ]; then FORGE=gitlab; fi
fi
case "${FORGE:-}" in
  github)
    api=${FORGE_API:-${GITHUB_API_URL:-https://api.github.com}} repository=${FORGE_REPOSITORY:-${GITHUB_REPOSITORY:-}}
    number=${FORGE_NUMBER:-} branch=${FORGE_BRANCH:-${GITHUB_REF_NAME:-}} remote=${FORGE_PUSH:-origin}
    server=${GITHUB_SERVER_URL:-} user=x-access-token
    ;;
  gitlab)
    api=${FORGE_API:-${CI_API_V4_URL:-}} repository=${FORGE_REPOSITORY:-${CI_PROJECT_ID:-}}
    number=${FORGE_NUMBER:-${CI_MERGE_REQUEST_IID:-}} branch=${FORGE_BRANCH:-${CI_DEFAULT_BRANCH:-}}
    # What a job clones with may not push.
    remote=${FORGE_PUSH:-${CI_PROJECT_PATH:+${CI_SERVER_URL:-}/$CI_PROJECT_PATH.git}}
    remote=${remote:-origin} server=${CI_SERVER_URL:-} user=oauth2
    ;;
  *) fail "FORGE is neither github nor gitlab" ;;
esac
api=${api%/}
[ -n "$api" ] && [ -n "$repository" ] || fail "FORGE_API or FORGE_REPOSITORY is missing"
# Both are parts of addresses.
case "$repository$number" in *[!A-Za-z0-9._/-]*) fail "FORGE_REPOSITORY or FORGE_NUMBER is none" ;; esac

work=$(mktemp -d)
clean() {
  if [ -d "$work/tree" ]; then git worktree remove --force "$work/tree" || true; fi
  rm -rf "$work"
}
trap clean EXIT
umask 077
# In a file: arguments of a program can be read by others.
if [ "$FORGE" = github ]; then
  printf 'Authorization: Bearer %s\nAccept: application/vnd.github+json\nX-GitHub-Api-Version: 2022-11-28\n' \
    "${FORGE_TOKEN:-}" >"$work/headers"
else
  printf 'PRIVATE-TOKEN: %s\n' "${FORGE_TOKEN:-}" >"$work/headers"
fi
# Without `Expect` a longer body need not wait for an answer.
printf 'Content-Type: application/json\nExpect:\n' >>"$work/headers"

# call METHOD PATH [FILE]: the answer's body in $work/answer, its status in $status; never ends the run.
call() {
  local more=()
  if [ "$1" = GET ]; then more=(--retry 3); fi
  if [ $# -gt 2 ]; then more=(--data-binary "@$3"); fi
  status=$(curl --silent --show-error --max-time 120 --request "$1" --header "@$work/headers" ${more[@]+"${more[@]}"} \
    --output "$work/answer" --write-out '%{http_code}' "$api/$2") || status=000
}
# must METHOD PATH [FILE]: the same, and a run without it is of no use.
must() {
  call "$@"
  case "$status" in 2??) ;; *) fail "$1 $2: HTTP $status: $(jq -r '.message // .error // empty | tostring' "$work/answer" 2>/dev/null | cut -c 1-300)" ;; esac
}
# all PATH-WITH-QUERY: all pages as one list in $work/all.
all() {
  local page=1
  printf '[]' >"$work/all"
  while :; do
    must GET "$1&per_page=100&page=$page"
    jq -s '.[0] + .[1]' "$work/all" "$work/answer" >"$work/more" || fail "GET $1: no list"
    mv "$work/more" "$work/all"
    [ "$(jq length "$work/answer")" -eq 100 ] || return 0
    page=$((page + 1))
  done
}
lines() { # VARIABLE TEXT: an array, an element a line
  local line
  eval "$1=()"
  while IFS= read -r line; do
    if [ -n "$line" ]; then eval "$1+=(\"\$line\")"; fi
  done <<<"$2"
}
# What distinguishes folders of one repository: part of a branch's name, and of a marker.
key=$(printf '%s' "$dir" | tr -c 'A-Za-z0-9' - | sed 's/--*/-/g; s/^-//; s/-$//' | cut -c 1-60)
key=${key:-all}

# The text of $1, however a forge stores its line ends.
plain='def plain: gsub("\r"; "") | sub("\\s+$"; "");'

review() {
  local base=$1 flags code=0 marker author found path
  [ -n "$number" ] || fail "FORGE_NUMBER is missing"
  lines flags "${VERIFY_FLAGS:-}"
  trimtrail verify --git "$base" "$dir" ${flags[@]+"${flags[@]}"} --format markdown >"$work/comment" || code=$?
  case "$code" in 0 | 10) ;; *) fail "verify ended with exit code $code" ;; esac
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$work/comment" >>"$GITHUB_STEP_SUMMARY"; fi

  marker="<!-- trimtrail verify $key -->"
  { printf '%s\n' "$marker"; grep -v '^<!-- trimtrail:verify [0-9a-f]* -->$' "$work/comment"; } >"$work/text"
  jq -n --rawfile body "$work/text" '{body: $body}' >"$work/body"
  if [ "$FORGE" = github ]; then path="repos/$repository/issues/$number/comments"; else path="projects/$repository/merge_requests/$number/notes"; fi
  author=${FORGE_AUTHOR:-}
  if [ -z "$author" ]; then
    call GET user
    author=$(jq -r '.login // .username // empty' "$work/answer" 2>/dev/null) || author=
    # The token of a workflow is nobody's that may ask who it is.
    author=${author:-github-actions[bot]}
  fi
  all "$path?sort=asc"
  # Others may write the marker too: theirs is not ours to change.
  found=$(jq -c --arg marker "$marker" --arg author "$author" \
    '[.[] | select((.user.login // .author.username) == $author and (.body | startswith($marker)))] | first // empty' "$work/all")
  if [ -z "$found" ]; then
    if [ "$code" -eq 0 ] && trimtrail verify --git "$base" "$dir" --format json | jq --exit-status '.touched == 0' >/dev/null; then
      say "nothing that grants was touched: no comment"
    else
      call POST "$path" "$work/body"
    fi
  elif printf '%s' "$found" | jq --exit-status --slurpfile new "$work/body" "$plain"'(.body | plain) == ($new[0].body | plain)' >/dev/null; then
    say "the comment says it already"
  elif [ "$FORGE" = github ]; then
    call PATCH "repos/$repository/issues/comments/$(printf '%s' "$found" | jq '.id')" "$work/body"
  else
    call PUT "$path/$(printf '%s' "$found" | jq '.id')" "$work/body"
  fi
  # A request from a fork has a token that may only read.
  case "${status:-200}" in 2??) ;; *) say "the comment could not be written (HTTP $status): it stands in this log" && cat "$work/comment" ;; esac

  if [ "$FORGE" = github ] && [ -n "${GITHUB_SHA:-}" ] && [ -n "${GITHUB_REF:-}" ]; then
    trimtrail verify --git "$base" "$dir" ${flags[@]+"${flags[@]}"} --format sarif >"$work/sarif" || true
    # Runs of one tool and category take each other's place: each folder has its own.
    jq --arg key "$key" '.runs[].automationDetails.id = "trimtrail-verify/\($key)/"' "$work/sarif" | gzip -9 -n | base64 | tr -d '\n' >"$work/packed"
    jq -n --arg sha "$GITHUB_SHA" --arg ref "$GITHUB_REF" --rawfile sarif "$work/packed" \
      '{commit_sha: $sha, ref: $ref, sarif: $sarif, tool_name: "trimtrail"}' >"$work/body"
    call POST "repos/$repository/code-scanning/sarifs" "$work/body"
    case "$status" in 2??) ;; *) say "code scanning took no SARIF (HTTP $status): is it on, and is security-events: write permitted?" ;; esac
  fi
  return "$code"
}

# requests BRANCH: those from a branch of ours, newest first, as {number, state, title, body} in $work/requests.
requests() {
  if [ "$FORGE" = github ]; then
    all "repos/$repository/pulls?state=all&sort=created&direction=desc&head=${repository%%/*}:$1"
    jq --arg branch "$1" --arg repository "$repository" '[.[] | select(.head.ref == $branch and .head.repo.full_name == $repository)
      | {number, title, body: (.body // ""), state: (if .merged_at then "merged" else .state end)}]' "$work/all" >"$work/requests"
  else
    all "projects/$repository/merge_requests?state=all&order_by=created_at&source_branch=$1"
    jq --arg branch "$1" '[.[] | select(.source_branch == $branch and .source_project_id == .target_project_id)
      | {number: .iid, title, body: (.description // ""), state: (if .state == "opened" then "open" else .state end)}]' "$work/all" >"$work/requests"
  fi
}

# request METHOD NUMBER [BODY-FILE]: opens or changes a request; the file has title, body, branch, state.
request() {
  if [ "$FORGE" = github ]; then
    jq --arg base "$branch" 'if .branch then {title, body, head: .branch, base: $base} else del(.branch) end' "$3" >"$work/send"
    if [ "$1" = open ]; then must POST "repos/$repository/pulls" "$work/send"; else must PATCH "repos/$repository/pulls/$2" "$work/send"; fi
  else
    jq --arg base "$branch" '{title, description: .body, source_branch: .branch, target_branch: (if .branch then $base else null end),
      remove_source_branch: (if .branch then true else null end), state_event: (if .state == "closed" then "close" else null end)}
      | with_entries(select(.value != null))' "$3" >"$work/send"
    if [ "$1" = open ]; then must POST "projects/$repository/merge_requests" "$work/send"; else must PUT "projects/$repository/merge_requests/$2" "$work/send"; fi
  fi
}

# In the worktree, without hooks: they are of people's machines.
in_tree() { git -C "$work/tree" -c core.hooksPath=/dev/null "$@"; }
# Whether the tip of a branch is a commit of this script; a person's commits on top are never overwritten.
is_ours() { git log -1 --format=%B "$1" | grep -q '^Trimtrail-Answer: [0-9a-f]\{32\}$'; }
# What a commit edits: files with their contents before and after. The same for the same edit of the same files.
edits() { git diff-tree -r --no-renames "$1^" "$1"; }

one_owner() { # LINE OF JSON
  local name answer title head new old
  name=$(printf '%s' "$1" | jq -r .name) answer=$(printf '%s' "$1" | jq -r .answer) title=$(printf '%s' "$1" | jq -r .title)
  case "$name" in "" | -* | *[!a-z0-9-]*) fail "no name for a branch: $name" ;; esac
  head="$prefix$name"
  kept+=("$head")
  rm -rf "$work/tree" "$work/result"
  git worktree prune
  git worktree add --quiet --detach "$work/tree" "$start"
  mkdir "$work/result"
  cp "$result" "$work/result/result.json"
  trimtrail patch "$work/result" "$work/tree/$dir" ${flags[@]+"${flags[@]}"} --owner "$name" --write --summary "$work/summary" >/dev/null
  # Whatever edited it, it is proved again from the files alone.
  if ! trimtrail verify --git "$start" "$work/tree/$dir" >"$work/proof"; then
    say "$head: not pushed, for \`verify --git\` does not prove it:"
    cat "$work/proof" >&2
    failed=1
    return 0
  fi
  in_tree add --update
  printf '%s\n\nTrimtrail-Answer: %s\n' "$title" "$answer" >"$work/message"
  in_tree -c user.name=trimtrail -c user.email=trimtrail@users.noreply.invalid -c commit.gpgSign=false commit --quiet --no-verify --file "$work/message"
  new=$(in_tree rev-parse HEAD)

  requests "$head"
  # The answer stands in the first line of what the request says; somebody closed or merged it, and that is an answer too.
  if jq --exit-status --arg answer " $answer -->" 'all(.[]; .state != "open") and any(.[]; .body | split("\n")[0] | rtrimstr("\r") | endswith($answer))' "$work/requests" >/dev/null; then
    say "$head: the same was closed or merged before; not opened again"
    return 0
  fi
  old=$(git rev-parse --verify --quiet "refs/trimtrail/$head" || true)
  if [ -n "$old" ] && ! is_ours "$old"; then
    say "$head: somebody else's commits are on it; left as it is"
    return 0
  fi
  if [ -n "$old" ] && [ "$(edits "$old")" = "$(edits "$new")" ]; then
    say "$head: unchanged"
  else
    git push --quiet --force-with-lease="refs/heads/$head:$old" "$remote" "$new:refs/heads/$head" || fail "$head: cannot be pushed"
    say "$head: pushed"
  fi

  jq -n --arg title "$title" --arg branch "$head" --rawfile body "$work/summary" '{title: $title, body: $body, branch: $branch}' >"$work/wanted"
  jq 'map(select(.state == "open")) | first // empty' "$work/requests" >"$work/open"
  if [ ! -s "$work/open" ]; then
    request open "" "$work/wanted"
    say "$head: opened"
  elif ! jq --exit-status --slurpfile new "$work/wanted" "$plain"'(.body | plain) == ($new[0].body | plain) and .title == $new[0].title' "$work/open" >/dev/null; then
    jq '{title, body}' "$work/wanted" >"$work/change"
    request change "$(jq .number "$work/open")" "$work/change"
    say "$head: brought up to date"
  fi
}

nothing_left() { # BRANCH
  local number
  if ! is_ours "refs/trimtrail/$1"; then
    say "$1: nothing is left of it, but somebody else's commits are on it; left as it is"
    return 0
  fi
  requests "$1"
  number=$(jq 'map(select(.state == "open")) | first | .number // empty' "$work/requests")
  if [ -n "$number" ]; then
    printf '{"state": "closed"}' >"$work/change"
    request change "$number" "$work/change"
  fi
  git push --quiet --force-with-lease="refs/heads/$1:$(git rev-parse "refs/trimtrail/$1")" "$remote" ":refs/heads/$1" || fail "$1: cannot be deleted"
  say "$1: nothing is left, closed"
}

# Git's own requests, for this run alone: a checkout needs to keep no credentials.
authorize() {
  local count=${GIT_CONFIG_COUNT:-0}
  if [ -z "$server" ] || [ -z "${FORGE_TOKEN:-}" ]; then return 0; fi
  export GIT_CONFIG_COUNT=$((count + 1)) GIT_TERMINAL_PROMPT=0
  export "GIT_CONFIG_KEY_$count=http.${server%/}/.extraHeader"
  export "GIT_CONFIG_VALUE_$count=Authorization: Basic $(printf '%s:%s' "$user" "$FORGE_TOKEN" | base64 | tr -d '\n')"
}

weekly() {
  local line head known code=0
  result=$1 prefix="trimtrail/$key/" start=$(git rev-parse HEAD) failed=0 kept=()
  [ -n "$branch" ] || fail "FORGE_BRANCH is missing"
  [ -d "$result" ] && result="$result/result.json"
  case "$dir" in /* | *..*) fail "DIR is a path below the root of the repository" ;; esac
  [ "$(git rev-parse --show-prefix)" = "" ] || fail "run it at the root of the repository"
  lines flags "${PATCH_FLAGS:-}"
  authorize
  # From a clean copy, so that what lies about here is nobody's edit.
  git worktree prune
  git worktree add --quiet --detach "$work/tree" "$start"
  trimtrail patch "$result" "$work/tree/$dir" ${flags[@]+"${flags[@]}"} --owners >"$work/owners" || code=$?
  # 10: the answer expired. Nothing is opened for it, and nothing closed.
  [ "$code" -eq 0 ] || exit "$code"
  # What was fetched before and is gone by now is no branch.
  git for-each-ref --format='delete %(refname)' "refs/trimtrail/" | git update-ref --stdin
  git fetch --quiet --no-tags "$remote" "+refs/heads/$prefix*:refs/trimtrail/$prefix*" || fail "$remote cannot be read"
  while IFS= read -r line; do
    one_owner "$line"
  done <"$work/owners"
  while IFS= read -r head; do
    head=${head#refs/trimtrail/}
    known=0
    for line in ${kept[@]+"${kept[@]}"}; do
      if [ "$line" = "$head" ]; then known=1; fi
    done
    if [ "$known" -eq 0 ]; then nothing_left "$head"; fi
  done < <(git for-each-ref --format='%(refname)' "refs/trimtrail/$prefix")
  return "$failed"
}

case "$mode" in
  review) review "$3" ;;
  weekly) weekly "$3" ;;
  *) fail "neither review nor weekly: $mode" ;;
esac
