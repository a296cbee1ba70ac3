#!/usr/bin/env bash
# bench/salvage.sh SALVAGE [MEGABYTES [ROUNDS]]: what salvage takes to copy a file that is in the page
# cache, beside cp, and what it takes with a bad page in every 64. Runs alternate; the table shows
# medians, and ratios of medians.
set -euo pipefail

salvage=$(realpath "$1") megabytes=${2:-1024} rounds=${3:-11}
page=$(getconf PAGESIZE)
work=$(mktemp -d "$PWD/salvage-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

head -c "$megabytes"M /dev/urandom >src
sync src
cat src >/dev/null
sabotage=()
for ((at = 0; at < megabytes * 1048576; at += 64 * page)); do
  sabotage+=(--sabotage "noaccess@$at")
done

# took NAME COMMAND...: one line "NAME microseconds". The copy goes away before the clock starts.
took() {
  local name=$1 begin end
  shift
  rm -f dst
  begin=${EPOCHREALTIME/./}
  "$@" || [ $? -eq 1 ] # salvage has found holes
  end=${EPOCHREALTIME/./}
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

median() { sed -n "s/^$1 //p" results | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
cp=$(median cp)
row() {
  awk -v us="$2" -v cp="$cp" -v name="$1" 'BEGIN { printf "%-44s %8.3f s  %5.2f x cp\n", name, us / 1e6, us / cp }'
}
echo "$megabytes MiB in the page cache, median of $rounds alternating runs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
row cp "$cp"
row salvage "$(median good)"
row "salvage, a bad page in every 64 ($((${#sabotage[@]} / 2)) holes)" "$(median holes)"
