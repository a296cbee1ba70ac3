#!/usr/bin/env bash
# ./run test: configure, build and test, one preset after the other; then say what did not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run test [--all] [--minutes N] [-R REGEX]

Builds and tests with g++ in Release and with clang++ in Debug under ASan and UBSan; what threads do
also under TSan.
  --all         every preset of CMakePresets.json, a leak test of a million layouts, then ./run mutants
  --minutes N   afterwards as many more random layouts as fit into N minutes
  -R REGEX      only the tests whose name matches (then --all leaves the mutants out)

Exit status: 0 all passed, 1 something failed, 2 usage, 3 packages are missing.
The last line is "N passed, N failed, N skipped".
TEXT
}

presets=(gcc-release clang-asan clang-tsan)
all=no
minutes=0
select=()
while [ $# -gt 0 ]; do
  case $1 in
    --all) all=yes ;;
    --minutes)
      if ! [[ ${2-} =~ ^[1-9][0-9]{0,4}$ ]]; then
        usage_error "run test: --minutes needs a number of minutes"
      fi
      minutes=$2
      shift
      ;;
    -R)
      [ $# -ge 2 ] || usage_error "run test: -R needs a regular expression"
      select=(-R "$2")
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *) usage_error "run test: unknown argument '$1' (try --help)" ;;
  esac
  shift
done

# libclang-rt-dev: clang only recommends its sanitizer run-time. afl++: it is to report a planted crash.
packages=(g++ clang libclang-rt-dev clang-format afl++ "${test_packages[@]}")
if [ "$all" = yes ]; then
  presets+=(gcc-debug clang-release gcc-asan gcc-lto gcc-os clang-lld)
  packages+=(lld libc++-dev libc++abi-dev zip)
fi
need_packages "${packages[@]}"

# Tests that can be long are as long as they should be for --all.
timeout=120
if [ "$all" = yes ]; then
  export SUREFOOT_TEST_ALL=1
  timeout=1800
fi

passed=0 failed=0 skipped=0 layouts=0
failures=() # "preset: test", one an element
notes=$(mktemp) tiles=$(mktemp)
trap 'rm -f "$notes" "$tiles"' EXIT

# tally PRESET REPORT: adds a JUnit report of ctest to the totals.
tally() {
  local kind name
  while IFS=$'\t' read -r kind name; do
    case $kind in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      failed)
        failed=$((failed + 1))
        failures+=("$1: $name")
        ;;
      note) printf '%s\t%s\n' "$name" "$1" >>"$notes" ;;
      matrix) echo "$1: $name" ;;
      layouts) layouts=$((layouts + name)) ;;
      tile) printf '%s\n' "$name" >>"$tiles" ;;
    esac
  done < <(awk -f cmake/run/junit.awk "$2")
}

# try_preset PRESET: a preset that does not configure or build is one failure, and the rest goes on.
try_preset() {
  local preset=$1 report="$PWD/build/$1/junit.xml" status=0 before=$failed
  say "$preset: configure"
  cmake --preset "$preset" -DSUREFOOT_TEST_TIMEOUT="$timeout" </dev/null || { failed=$((failed + 1)); failures+=("$preset: configure"); return; }
  say "$preset: build"
  cmake --build --preset "$preset" --parallel "$(jobs)" </dev/null ||
    { failed=$((failed + 1)); failures+=("$preset: build"); return; }
  # (Not grep -q: ctest would die of what it does not read.)
  if [ ${#select[@]} -gt 0 ] &&
    ! ctest --preset "$preset" -N "${select[@]}" 2>/dev/null | grep -c '^ *Test *#' >/dev/null; then
    say "$preset: has no test of that name"
    return
  fi
  say "$preset: test"
  rm -f "$report"
  # The output of passed tests is kept whole: a test says there what it could not exercise.
  ctest --preset "$preset" --parallel "$(jobs)" --output-junit "$report" \
    --test-output-size-passed 10000000 --test-output-size-failed 10000000 \
    "${select[@]}" </dev/null || status=$?
  if [ -f "$report" ]; then tally "$preset" "$report"; fi
  if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
    failed=$((failed + 1))
    failures+=("$preset: ctest ended with status $status")
  fi
}

for preset in "${presets[@]}"; do
  try_preset "$preset"
done

# more_layouts: the properties again, each with another seed, until the time is over; prints how many
# layouts there were. Each of the workers takes one property after the other, in random order.
more_layouts() {
  local work end worker
  local program=$PWD/build/gcc-release/proptest/property/property
  [ -x "$program" ] || { echo "$program was not built"; return 1; }
  work=$(mktemp -d) end=$((SECONDS + minutes * 60))
  for ((worker = 0; worker < $(jobs); worker++)); do
    while [ "$SECONDS" -lt "$end" ] && [ ! -e "$work/failed" ]; do
      "$program" --list-test-names-only | shuf || true
    done | while IFS= read -r name && [ "$SECONDS" -lt "$end" ] && [ ! -e "$work/failed" ]; do
      seed=$(od -An -N7 -tu8 /dev/urandom | tr -d ' ')
      # Catch2 takes a comma for the next filter.
      # shellcheck disable=SC2001
      only=$(sed 's/[][\\,"]/\\&/g' <<<"$name")
      if RC_PARAMS="max_success=10000 seed=$seed" "$program" "$only" >"$work/log.$worker" 2>&1; then
        sed -n 's/^LAYOUTS: //p' "$work/log.$worker" >>"$work/layouts"
      else
        { cat "$work/log.$worker"; echo "again: RC_PARAMS='max_success=10000 seed=$seed' $program '$only'"; } >>"$work/failed"
      fi
    done &
  done
  : >>"$work/layouts"
  count() { awk '{ n += $1 } END { print n + 0 }' "$work/layouts"; }
  while [ -n "$(builtin jobs -rp)" ]; do
    sleep 10
    echo "$(count) layouts," \
      "$(((end > SECONDS ? end - SECONDS : 0) / 60 + 1)) min left"
  done
  wait
  echo "$(count) more layouts in $minutes minutes"
  local status=0
  if [ -e "$work/failed" ]; then cat "$work/failed"; status=1; fi
  rm -rf "$work"
  return "$status"
}

if [ "$minutes" -gt 0 ]; then
  say "more random layouts, for $minutes minutes"
  if more_layouts; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("more random layouts")
  fi
fi

if [ ${#select[@]} -eq 0 ]; then
  say "format"
  if bash cmake/run/format.sh --check; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("the sources are formatted (./run format)")
  fi
fi

if [ "$all" = yes ] && [ ${#select[@]} -eq 0 ]; then
  say "mutants"
  if bash cmake/run/mutants.sh; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("mutants")
  fi
fi

if [ -s "$tiles" ]; then
  say "tiles of the testing kit, in $layouts random and other layouts"
  awk -F '\t' '!($1 in times) { order[++n] = $1 }
               { times[$1] += $2; if ($3 != "") why[$1] = $3 }
               END { for (i = 1; i <= n; i++)
                       if (times[order[i]] > 0) printf "%s: exercised %d times\n", order[i], times[order[i]]
                       else printf "not run here: %s: %s\n", order[i], why[order[i]] }' "$tiles"
fi

say "result"
if [ $((passed + failed + skipped)) -eq 0 ]; then
  failed=1
  failures+=("no test has a name that matches '${select[1]-}'")
fi
for failure in ${failures[@]+"${failures[@]}"}; do
  echo "failed: $failure"
done
if [ -s "$notes" ]; then
  # The same reason under several presets is one line.
  awk -F '\t' '!($1 in where) { order[++n] = $1 }
               index(" " where[$1] ", ", " " $2 ", ") == 0 { where[$1] = where[$1] (where[$1] ? ", " : "") $2 }
               END { for (i = 1; i <= n; i++) print "not run here: " order[i] " (" where[order[i]] ")" }' "$notes"
elif [ "$failed" -eq 0 ] && [ ${#select[@]} -eq 0 ]; then
  echo "every check ran"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
