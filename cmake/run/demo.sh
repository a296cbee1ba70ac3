#!/usr/bin/env bash
# ./run demo: salvages a real file that breaks while it is read, and compares byte for byte what came
# out with what must have survived. Compared by cmp, not by salvage.
set -euo pipefail
here=${OLDPWD:-$PWD} # where the user stands: ./run came here from there
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run demo [--color] [FILE]

Builds examples/salvage and copies a real file with it: untouched; truncated by another process while
the copy runs; with three kinds of damage; and killed half-way, then resumed from its map. Then the
livelock that the library exists to end.
  FILE      the file to take, at least 1 MiB; else a compiler's binary of 30 MB or more
  --color   coloured pictures although standard output is no terminal

Needs 1.5 GB of disk in build/ for a minute. FILE is only read.
Exit status: 0 every check is ok, 1 one FAILED, 2 usage, 3 packages are missing.
TEXT
}

color=never
[ ! -t 1 ] || color=always
file=
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --color) color=always ;;
    -*) usage_error "run demo: unknown argument '$1' (try --help)" ;;
    *)
      [ -z "$file" ] || usage_error "run demo: more than one FILE (try --help)"
      [ -n "$1" ] || usage_error "run demo: FILE has no name (try --help)"
      case $1 in /*) file=$1 ;; *) file=$here/$1 ;; esac
      if [ ! -f "$file" ] || [ ! -r "$file" ]; then usage_error "run demo: $1: no regular file that can be read"; fi
      [ "$(stat -L -c %s "$file")" -ge 1048576 ] || usage_error "run demo: $1: less than 1 MiB"
      ;;
  esac
  shift
done

# pv draws salvage's progress bar; gddrescue reads its map.
need_packages g++ cmake ninja-build libcli11-dev pv gddrescue

programs=$(build_examples salvage fpregs_restore)
salvage=$programs/salvage
fpregs_restore=$programs/fpregs_restore

SECONDS=0
work=$(mktemp -d "$PWD/build/demo-work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

size_of() { stat -L -c %s "$1"; }

# The compiler proper is the largest file that is surely here.
find_file() {
  local found
  found=$(g++ -print-prog-name=cc1plus)
  if [ ! -f "$found" ] || [ "$(size_of "$found")" -lt 30000000 ]; then
    found=$(find /usr/lib -type f -size +30000000c -printf '%s %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  fi
  [ -n "$found" ] || fail "run demo: no file of 30 MB in /usr/lib: name one (./run demo FILE)"
  printf '%s\n' "$found"
}
[ -n "$file" ] || file=$(find_file)
size=$(size_of "$file")
page=$(getconf PAGESIZE)
modified=$(stat -L -c %y "$file")

checks=0 bad=0
# check WHAT COMMAND...: one line for what must hold.
check() {
  local what=$1
  shift
  checks=$((checks + 1))
  if "$@"; then
    echo "  ok    $what"
  else
    echo "  FAIL  $what"
    bad=$((bad + 1))
  fi
}
equal() { [ "$1" = "$2" ] || { echo "        is '$1', should be '$2'"; return 1; }; }

# run_salvage ARGUMENT...: its exit status is in $status, its report is shown and in `report`. The
# progress goes to the terminal; without one, only what it says about a failure is worth a line.
run_salvage() {
  status=0
  if [ -t 2 ]; then
    "$salvage" --color "$color" "$@" >report || status=$?
  else
    "$salvage" --color "$color" "$@" >report 2>progress || status=$?
    grep -v '^salvage: [0-9]*% of' progress || true
  fi
  sed 's/^/  /' report
}

# The bad runs that salvage reports: "offset length cause", a line each.
bad_runs() { awk 'NF == 5 && $1 ~ /^[0-9]+$/ { print $1, $2, $3 }' report; }

is_zero() { [ "$3" -eq 0 ] || cmp -i "$2:0" -n "$3" "$1" /dev/zero; }

# same_as_repeated DST OFFSET LENGTH: these bytes are those of FILE, one copy behind the other.
same_as_repeated() {
  local dst=$1 at=$2 left=$3 within n
  while [ "$left" -gt 0 ]; do
    within=$((at % size))
    n=$((size - within < left ? size - within : left))
    cmp -i "$within:$at" -n "$n" "$file" "$dst" || return 1
    at=$((at + n)) left=$((left - n))
  done
}

# copied_parts_survived DST TOTAL: all that salvage does not report as bad is as it was.
copied_parts_survived() {
  local dst=$1 total=$2 at=0 offset length cause
  while read -r offset length cause; do
    same_as_repeated "$dst" "$at" $((offset - at)) || return 1
    at=$((offset + length))
  done < <(bad_runs)
  same_as_repeated "$dst" "$at" $((total - at))
}
bad_runs_are_zero() {
  local offset length cause
  while read -r offset length cause; do
    is_zero "$1" "$offset" "$length" || return 1
  done < <(bad_runs)
}

say "the file: $file, $size bytes"

say "1. untouched"
run_salvage "$file" copy
check "salvage says that all is copied (status 0)" equal "$status" 0
check "cmp finds the copy identical" cmp "$file" copy
summary="untouched              $(tail -n 1 report)"
rm copy

# ---- truncated by another process while the copy runs

# truncate_behind FILE SIZE: reads salvage's progress; as soon as the copy has begun, cuts the file.
# How much was written just before and just after is in `before` and `after`.
truncate_behind() {
  local line
  IFS= read -r line || return
  stat -c %s .salvage-*.part >before 2>/dev/null || true
  truncate -s "$2" "$1"
  stat -c %s .salvage-*.part >after 2>/dev/null || true
  printf '%s\n' "$line" >began
  cat >/dev/null
}

# salvage_while_truncated MEGABYTES: returns 1 if the truncation came too late, when the copy had
# ended or nearly so. Anything else that is wrong is for the checks to find.
salvage_while_truncated() {
  local times=$(((($1 << 20) + size - 1) / size)) i cutter
  total=$((size * times))
  cut=$((total / 2 / page * page + 1234)) # not at the end of a page: its rest will read as zeros
  for ((i = 0; i < times; i++)); do cat "$file"; done >victim
  rm -f began before after progress
  mkfifo progress
  truncate_behind victim "$cut" <progress &
  cutter=$!
  status=0
  "$salvage" --color "$color" victim copy >report 2>progress || status=$?
  wait "$cutter"
  rm progress
  [ "$status" -gt 1 ] || { [ "$status" -eq 1 ] && [ -s after ]; }
}

say "2. a copy of it, truncated half-way by another process while salvage reads it"
megabytes=512
until salvage_while_truncated "$megabytes"; do
  # A very fast or a very busy machine.
  megabytes=$((megabytes * 2))
  [ "$megabytes" -le 2048 ] || fail "run demo: three times the copy had ended before the truncation"
  echo "  the copy had ended before the truncation: once more with $megabytes MiB"
done
sed 's/^/  /' report
echo "  truncated from $total to $cut bytes; salvage had written $(cat before), just after it $(cat after)"
first_bad=$(bad_runs | awk 'NR == 1 { print $1 }')
underway() { [ "$(cat before)" -gt 0 ] && [ "$(cat after)" -lt "$total" ] && grep -q '% of' began; }
check "the copy was under way: neither before it nor after it" underway
check "salvage says that there are holes (status 1)" equal "$status" 1
check "the copy has the original's length" equal "$(size_of copy)" "$total"
check "nothing is lost that was still there (the first bad byte is $first_bad)" [ "${first_bad:-0}" -ge "$cut" ]
check "every byte that salvage calls copied is the original's" copied_parts_survived copy "$total"
check "every byte that salvage calls lost is zero in the copy" bad_runs_are_zero copy
check "the last byte is lost" equal "$(bad_runs | tail -n 1 | awk -v n="$total" '{ print n - $1 - $2 }')" 0
check "salvage did not touch the file" equal "$(size_of victim)" "$cut"
summary+=$'\n'"truncated meanwhile    $(grep '^copied' report)"
rm victim copy

# ---- sabotage

offset() { echo $((size * $1 / 8 / page * page)); }
first=$(offset 1) second=$(offset 3) third=$(offset 6)
first_length=$((3 * page)) second_length=$((16 * page)) third_length=$((size / 10 / page * page))

say "3. three kinds of damage at once"
kind=guard cause=unmapped
if ! "$salvage" "$file" copy --sabotage "guard@$second" >/dev/null 2>refusal; then
  if grep -q 'the kernel refuses it' refusal; then
    kind=noaccess cause=denied
    echo "  note: this kernel has no guard pages for files (Linux 6.15 has): noaccess instead"
  fi
fi
run_salvage "$file" copy --sabotage "noaccess@$first+$first_length" \
  --sabotage "$kind@$second+$second_length" --sabotage "truncate@$third+$third_length"
check "salvage says that there are holes (status 1)" equal "$status" 1
check "the table names these three, and why" equal "$(bad_runs)" "$first $first_length denied
$second $second_length $cause
$third $third_length no_backing"
check "the copy has the original's length" equal "$(size_of copy)" "$size"
all_outside() {
  same_as_repeated copy 0 "$first" &&
    same_as_repeated copy $((first + first_length)) $((second - first - first_length)) &&
    same_as_repeated copy $((second + second_length)) $((third - second - second_length)) &&
    same_as_repeated copy $((third + third_length)) $((size - third - third_length))
}
all_inside() {
  is_zero copy "$first" "$first_length" && is_zero copy "$second" "$second_length" &&
    is_zero copy "$third" "$third_length"
}
check "outside of them, every byte is the original's" all_outside
check "inside of them, every byte is zero" all_inside
check "the file is as it was" equal "$(stat -L -c '%s %y' "$file")" "$size $modified"
summary+=$'\n'"three kinds of damage  $(grep '^copied' report)"
rm copy

say "4. the same damage, killed half-way, and resumed from its map"
damage=(--sabotage "noaccess@$first+$first_length" --sabotage "truncate@$third+$third_length")
parts_of_map() { ddrescuelog --list-blocks="$1" map 2>/dev/null | wc -l; }
# A page at a time and each one written down, so that there is a middle; until a part is copied.
"$salvage" --quiet "$file" copy --map map --map-interval 0 --chunk "$page" "${damage[@]}" &
copier=$!
until [ "$(parts_of_map +)" -gt 0 ] || ! kill -0 "$copier" 2>/dev/null; do sleep 0.01; done
kill -9 "$copier" 2>/dev/null || true
status=0
wait "$copier" 2>/dev/null || status=$?
if [ -f map ]; then ddrescuelog -t map | grep -E 'rescued|non-tried|bad' | sed 's/^/  /'; fi
half_way() { [ "$status" -eq 137 ] && [ "$(parts_of_map +)" -gt 0 ] && [ "$(parts_of_map '?')" -gt 0 ]; }
only_a_part() { [ ! -e copy ] && [ -e copy.part ]; }
check "it was killed, and its map has copied parts and parts to be tried" half_way
check "there is no copy yet, only copy.part" only_a_part
run_salvage "$file" copy --map map --resume "${damage[@]}"
check "resumed, salvage says that there are holes (status 1)" equal "$status" 1
check "ddrescuelog reads the map: nothing is left to be tried" equal "$(parts_of_map '?*/')" 0
check "the table names these two" equal "$(bad_runs | cut -d ' ' -f 1,2)" "$first $first_length
$third $third_length"
check "outside of them, every byte is the original's" copied_parts_survived copy "$size"
check "inside of them, every byte is zero" bad_runs_are_zero copy
summary+=$'\n'"killed and resumed     $(grep '^copied' report)"
rm -f copy copy.part map

say "5. the livelock, and its end"
"$fpregs_restore" >report && status=0 || status=$?
sed 's/^/  /' report
check "the old pairing spins, restart ends at once (status 0)" equal "$status" 0

say "summary ($SECONDS s)"
printf '%s\n' "$summary" | sed 's/^/  /'
echo "$((checks - bad)) checks ok, $bad FAILED"
[ "$bad" -eq 0 ]
