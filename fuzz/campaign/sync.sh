#!/usr/bin/env bash
# fuzz/campaign/sync.sh: shows campaigns on other hosts what this one's main fuzzer has. A main has what all
# of its tree found, so its queue is all there is to copy (AFL++: fuzzing_in_depth.md, 3d).
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh
cd "$called_from"

usage() {
  cat <<'TEXT'
usage: fuzz/campaign/sync.sh FROM TO...

Copies the queue of FROM's main fuzzer into each tree TO, as TO/main-HOST/queue, where TO's main fuzzer
finds it: at its next look (AFL_SYNC_TIME) or when the campaign starts again. Both may be running.
A tree is what campaign.sh --output names: a directory, or host:directory (rsync, ssh).

Nothing of TO's own is touched. Between all of three hosts, each on its own:
  fuzz/campaign/sync.sh TREE b:TREE c:TREE     (on a; from cron, say)

Exit status: 0 fine, 1 a copy failed, 2 usage, 3 packages are missing.
TEXT
}

case ${1-} in --help | -h) usage; exit 0 ;; esac
for argument in "$@"; do
  case $argument in -* | '') usage_error "sync: unknown argument '$argument' (try --help)" ;; esac
done
[ $# -ge 2 ] || usage_error "sync: needs a tree to copy from and one or more to copy to (try --help)"

# As rsync and scp see it: a colon before any slash.
is_remote() { [[ ${1%%/*} = *:* ]]; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# host_of TREE: whose it is.
host_of() {
  local host
  if is_remote "$1"; then
    rm -f "$work/host" # rsync would keep one that looks as old and as long
    rsync -q "$1/.host" "$work/host" 2>/dev/null || usage_error "sync: there is no campaign in $1, or it cannot be reached"
    host=$(<"$work/host")
  else
    [ -f "$1/.host" ] || usage_error "sync: there is no campaign in $1"
    host=$(<"$1/.host")
  fi
  [[ $host =~ ^[A-Za-z0-9_-]{1,16}$ ]] || usage_error "sync: $1 does not say whose it is"
  printf '%s\n' "$host"
}

# files_of QUEUE: the names in it, in order. Up to the first that is empty: that one is being written.
# Whoever imports counts the files, so the copy must be the beginning of the queue, without a gap.
files_of() {
  local file
  for file in "$1"/id:*; do
    [ -s "$file" ] || return 0
    printf '%s\n' "${file##*/}"
  done
}

# When afl-fuzz (4.04c) starts again it numbers its queue anew: a copy then has names that are no more, and
# how many of them the other main has seen says nothing. It looks at all of them again, which is cheap.

# copy_here QUEUE TREE HOST OWNER: each file appears whole, and in order.
copy_here() {
  local queue=$1 tree=$2 host=$3 name count=0 renumbered=no
  local to=$tree/main-$host/queue seen=$tree/main-$4/.synced/main-$host
  mkdir -p "$to"
  for name in "$to"/id:*; do
    name=${name##*/}
    if [ "$name" != 'id:*' ] && ! [ -e "$queue/$name" ]; then
      renumbered=yes
      rm -f "$to/$name" "$seen"
    fi
  done
  while IFS= read -r name; do
    if [ -e "$to/$name" ]; then continue; fi
    # Not in the queue's directory, where whatever is there is counted.
    if ! cp -p "$queue/$name" "$tree/main-$host/.next" || ! mv "$tree/main-$host/.next" "$to/$name"; then return 1; fi
    count=$((count + 1))
  done < <(files_of "$queue")
  # Once more: it may have looked meanwhile.
  if [ "$renumbered" = yes ]; then rm -f "$seen"; fi
  echo "$count new, $(files_of "$to" | wc -l) in all: $to"
}

# The same; rsync too writes to another name first, and goes in order. -R makes the directories.
copy_there() { # QUEUE TREE HOST OWNER
  rsync -rtR --delete --min-size=1 --exclude='.*' --itemize-changes "${1%/main-"$3"/queue}/./main-$3/queue/" "$2/" >"$work/said" || return 1
  if grep -q '^[*]deleting ' "$work/said"; then
    mkdir -p "$work/nothing"
    rsync -r --delete --include="/main-$3" --exclude='*' "$work/nothing/" "$2/main-$4/.synced/" || return 1
  fi
  echo "$(grep -c '^<f+' "$work/said") new: $2/main-$3/queue"
}

for tree in "$@"; do
  if is_remote "$tree"; then
    need_packages rsync
    break
  fi
done

from=$1 status=0
shift
host=$(host_of "$from")
declare -A owner=()
for to in "$@"; do
  owner[$to]=$(host_of "$to")
  [ "${owner[$to]}" != "$host" ] ||
    usage_error "sync: $from and $to both belong to the host $host: begin one of them anew with another --host"
done

queue=$from/main-$host/queue
if is_remote "$from"; then
  queue=$work/main-$host/queue
  mkdir -p "$queue"
  if ! rsync -rt --min-size=1 --exclude='.*' "$from/main-$host/queue/" "$queue/"; then
    fail "sync: the queue of $from could not be read"
  fi
  if rsync -q "$from/main-$host/_resume/" >/dev/null 2>&1; then
    fail "sync: main-$host is just starting again: try later"
  fi
fi
# While afl-fuzz starts again its queue is elsewhere, and what is left of it would look like a new one.
if ! is_remote "$from" && [ -d "$from/main-$host/_resume" ]; then
  fail "sync: main-$host is just starting again: try later"
fi
[ -n "$(files_of "$queue")" ] || fail "sync: main-$host has found nothing yet: $queue"

for to in "$@"; do
  say "main-$host to ${owner[$to]}"
  if is_remote "$to"; then
    copy_there "$queue" "$to" "$host" "${owner[$to]}" || status=1
  else
    copy_here "$queue" "$to" "$host" "${owner[$to]}" || status=1
  fi
done
exit "$status"
