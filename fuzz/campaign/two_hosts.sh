#!/usr/bin/env bash
# two_hosts.sh --test NAME: the test NAME. Two campaigns on this machine, as two hosts with a tree each, fuzz for
# some seconds, are synced once, and go on: does each have what the other found?
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=cmake/run/lib.sh
. "$here/../../cmake/run/lib.sh"

if [ $# -ne 2 ] || [ "$1" != --test ]; then
  echo "usage: two_hosts.sh --test NAME" >&2
  exit 2
fi
name=$2
[ -n "${SUREFOOT_TEST_ALL-}" ] || needs "half a minute of fuzzing (./run test --all)"
for program in afl-fuzz afl-clang-fast++ clang++ cmake ninja; do
  command -v "$program" >/dev/null || needs "$program"
done

# A target that finds something new for minutes: seconds do not exhaust it.
target=try_copy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One record that says nothing, for the second host.
mkdir "$work/almost_nothing"
head -c 8 /dev/zero >"$work/almost_nothing/zeros"

run_host() { # HOST
  local more=()
  if [ "$1" = b ]; then more=(--seeds "$work/almost_nothing"); fi
  if ! bash "$here/campaign.sh" "$target" --host "$1" --jobs 1 --minutes 0.1 --output "$work/$1" "${more[@]}"; then
    echo "the campaign on host $1 failed; the end of its log:"
    tail -n 20 "$work/$1/log/main-$1.txt" || true
    exit 1
  fi
}
of_stats() { awk -F ' *: ' -v key="$2" '$1 == key { print $2 }' "$work/$1/main-$1/fuzzer_stats"; }
# imported HOST FROM: how much of its queue came from there; on a new start afl-fuzz keeps that in the name.
imported() { find "$work/$1/main-$1/queue" -name "id:*sync:main-$2,*" | wc -l; }

run_host a
run_host b
for host in a b; do
  [ "$(of_stats "$host" corpus_found)" -gt 0 ] || { echo "host $host found nothing"; exit 1; }
  [ "$(of_stats "$host" corpus_imported)" -eq 0 ] || { echo "host $host imported something, from nobody"; exit 1; }
done

bash "$here/sync.sh" "$work/a" "$work/b"
bash "$here/sync.sh" "$work/b" "$work/a"
for host in a b; do
  other=$([ "$host" = a ] && echo b || echo a)
  # All of it, byte for byte, and nothing of the host's own.
  for file in "$work/$other/main-$other/queue"/id:*; do
    cmp "$file" "$work/$host/main-$other/queue/${file##*/}"
  done
done

run_host a
run_host b
status=0
for host in a b; do
  other=$([ "$host" = a ] && echo b || echo a)
  echo "host $host: corpus_imported $(of_stats "$host" corpus_imported), $(imported "$host" "$other") from main-$other"
  if [ "$(of_stats "$host" corpus_imported)" -eq 0 ] || [ "$(imported "$host" "$other")" -eq 0 ]; then
    echo "host $host has nothing of what host $other found"
    status=1
  fi
done
exit "$status"
