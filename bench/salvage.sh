#!/usr/bin/env bash
# bench/salvage.sh SALVAGE MEGABYTES ROUNDS: what salvage takes to copy a file that is in the page
# cache, beside cp, and what it takes with a bad page in every 64. Runs alternate; the table shows
# medians and the fastest, and their ratios.
#
# Each command runs twice, and the second time counts: where free memory goes back to a host (free page
# reporting in a virtual machine), a run that is given such memory for its copy waits for the host, up to
# ten times as long as it works. Which run that hits is luck still, so look at the fastest too.
set -euo pipefail

salvage=$(realpath "$1") megabytes=$2 rounds=$3
page=$(getconf PAGESIZE)
work=$(mktemp -d "$PWD/build/bench-work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

head -c "$megabytes"M /dev/urandom >src
sync src
cat src >/dev/null
# A bad page as it really is, inside a mapping; or, on a kernel without guard pages for files (Linux 6.15
# has them), a mapping of its own, which costs more.
kind=guard
"$salvage" --quiet src dst --sabotage guard@0 2>/dev/null || [ $? -eq 1 ] || kind=noaccess
sabotage=()
for ((at = 0; at < megabytes * 1048576; at += 64 * page)); do
  sabotage+=(--sabotage "$kind@$at")
done

# took NAME COMMAND...: one line "NAME microseconds". The copy goes away before the clock starts.
took() {
  local name=$1 begin end
  shift
  for _ in untimed timed; do
    rm -f dst
    begin=${EPOCHREALTIME/./}
    "$@" || [ $? -eq 1 ] # salvage has found holes
    end=${EPOCHREALTIME/./}
  done
  echo "$name $((end - begin))"
  [ "$name" = holes ] || cmp src dst >&2
}

for ((round = 1; round <= rounds; round++)); do
  [ ! -t 2 ] || printf '\rround %d of %d' "$round" "$rounds" >&2
  took cp cp src dst
  took good "$salvage" --quiet src dst
  took holes "$salvage" --quiet src dst "${sabotage[@]}"
done >results
[ ! -t 2 ] || printf '\r\033[K' >&2

# nth NAME N: the N-th fastest.
nth() { sed -n "s/^$1 //p" results | sort -n | sed -n "$2p"; }
middle=$(((rounds + 1) / 2))
row() { # TEXT NAME
  awk -v text="$1" -v median="$(nth "$2" "$middle")" -v best="$(nth "$2" 1)" \
    -v cp_median="$(nth cp "$middle")" -v cp_best="$(nth cp 1)" 'BEGIN {
    printf "%-44s %8.3f s %6.2f x cp %8.3f s %6.2f x cp\n", text, median / 1e6, median / cp_median, best / 1e6, best / cp_best
  }'
}
echo "$megabytes MiB in the page cache, $rounds alternating runs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
printf '%-44s %19s %19s\n' '' median fastest
row cp cp
row salvage good
row "salvage, a bad page in every 64 ($((${#sabotage[@]} / 2)) holes)" holes
