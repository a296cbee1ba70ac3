#!/usr/bin/env bash
# ./run test: configure, build and test, one preset after the other; then say what did not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh
# shellcheck source=cmake/run/lib_tests.sh
. cmake/run/lib_tests.sh

usage() {
  cat <<'TEXT'
usage: ./run test [--all] [--minutes N] [-R REGEX]

Builds and tests with g++ in Release and with clang++ in Debug under ASan and UBSan; what threads do
also under TSan. Then ./run cross and ./run vm: other machines, and kernels with poison and tags.
  --all         every preset of CMakePresets.json, a leak test of a million layouts, instruction counts, then
                ./run mutants
  --minutes N   afterwards as many more random layouts as fit into N minutes
  -R REGEX      only the tests of this machine whose name matches (./run cross and ./run vm have -R, too)

Exit status: 0 all passed, 1 something failed, 2 usage, 3 packages are missing.
The last line is "N passed, N failed, N skipped".
TEXT
}

presets=(gcc-release clang-asan clang-tsan)
all=no
minutes=0
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
  presets+=(gcc-debug clang-release gcc-asan gcc-lto gcc-os clang-lld gcc-hardened clang-hardened)
  # lld-16: what lld is here cannot pack relative relocations.
  packages+=(lld lld-16 libc++-dev libc++abi-dev zip valgrind doxygen default-jdk-headless)
fi
need_packages "${packages[@]}"

# Tests that can be long are as long as they should be for --all.
if [ "$all" = yes ]; then
  export SUREFOOT_TEST_ALL=1
  timeout=1800
fi

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
  check here "more random layouts" more_layouts
fi

# The tests on other machines, and on kernels that give what this one does not. What cannot be had is one skip,
# by name.
tier=
trap '[ -z "$tier" ] || kill "$tier" 2>/dev/null; exit 130' INT
trap '[ -z "$tier" ] || kill "$tier" 2>/dev/null; exit 143' TERM HUP
run_tier() { # COMMAND MACHINE
  local status=0 before=$failed
  : >"$results/record"
  # Not in the foreground: whoever ends this script ends that one, and its machine, too.
  SUREFOOT_RECORD=$results/record bash "cmake/run/$1.sh" "$2" </dev/null &
  tier=$!
  wait "$tier" || status=$?
  tier=
  tally <"$results/record"
  case $status in
    0) ;;
    3)
      tally "$1" <<<"skipped"$'\t'"./run $1 $2"
      tally "$1" <<<"note"$'\t'"./run $1 $2: needs packages that cannot be had from here"
      ;;
    *) [ "$failed" -gt "$before" ] || went_wrong "$1" "./run $1 $2 ended with status $status" ;;
  esac
}

if [ ${#select[@]} -eq 0 ]; then
  run_tier cross riscv64
  run_tier cross aarch64
  run_tier vm aarch64
  run_tier vm x86_64

  say "format"
  check here "the sources are formatted (./run format)" bash cmake/run/format.sh --check
fi

if [ "$all" = yes ] && [ ${#select[@]} -eq 0 ]; then
  say "mutants"
  check here mutants bash cmake/run/mutants.sh
fi

say_result
