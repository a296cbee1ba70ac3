#!/usr/bin/env bash
# bench/mapped_wc.sh MAPPED_WC MEGABYTES ROUNDS: what counting the lines of a file in the page cache takes, beside
# wc -l. Runs alternate; the table shows medians and the fastest, and their ratios.
set -euo pipefail

counter=$(realpath "$1") megabytes=$2 rounds=$3
work=$(mktemp -d "$PWD/build/bench-work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# Lines of 64 bytes, as base64 makes them.
head -c $((megabytes * 49 / 64))M /dev/urandom | base64 -w 63 >src
cat src >/dev/null

# took NAME COMMAND...: one line "NAME microseconds".
took() {
  local name=$1 begin end
  shift
  begin=${EPOCHREALTIME/./}
  "$@" >"$name"
  end=${EPOCHREALTIME/./}
  echo "$name $((end - begin))"
}
for ((round = 1; round <= rounds; round++)); do
  [ ! -t 2 ] || printf '\rround %d of %d' "$round" "$rounds" >&2
  took wc wc -l src
  took mapped_wc "$counter" src
  cmp wc mapped_wc >&2
done >results
[ ! -t 2 ] || printf '\r\033[K' >&2

nth() { sed -n "s/^$1 //p" results | sort -n | sed -n "$2p"; }
middle=$(((rounds + 1) / 2))
echo "$(($(stat -c %s src) / 1048576)) MiB in the page cache, $rounds alternating runs"
for name in wc mapped_wc; do
  awk -v text="$name" -v median="$(nth "$name" "$middle")" -v best="$(nth "$name" 1)" \
    -v wc_median="$(nth wc "$middle")" -v wc_best="$(nth wc 1)" 'BEGIN {
    printf "%-44s %8.3f s %6.2f x wc %8.3f s %6.2f x wc\n", text, median / 1e6, median / wc_median, best / 1e6, best / wc_best
  }'
done
