#!/usr/bin/env bash
# stability.sh --test NAME: the test NAME. AFL++ runs each input of fuzz/corpus eight times, after other ones: does
# it reach the same edges each time? Else what AFL++ keeps as new is chance. (concurrent has two threads.)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

if [ $# -ne 2 ] || [ "$1" != --test ]; then
  echo "usage: stability.sh --test NAME" >&2
  exit 2
fi
name=$2
[ -n "${SUREFOOT_TEST_ALL-}" ] || needs "minutes of fuzzing (./run test --all)"
for program in afl-fuzz afl-clang-fast++ cmake ninja; do
  command -v "$program" >/dev/null || needs "$program"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What somebody set for a campaign of theirs is not for this; nor may one be building there (campaign.sh).
for variable in "${!AFL_@}"; do unset "$variable"; done
mkdir -p build
exec {building}>build/fuzz-campaign.lock
flock "$building"
{ cmake --preset fuzz-afl && cmake --build build/fuzz-afl; } >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }

of_stats() { awk -F ' *: ' -v key="$2" '$1 == key { print $2 }' "$work/$1/default/fuzzer_stats"; }
status=0
for source in fuzz/*.cpp; do
  target=$(basename "$source" .cpp)
  [ "$target" != concurrent ] || continue
  # As long as it takes for all of them, and some seconds more.
  AFL_EXIT_ON_SEED_ISSUES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 \
    AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
    afl-fuzz -i "fuzz/corpus/$target" -o "$work/$target" -V 5 -t 10000 -- "build/fuzz-afl/fuzz/fuzz_$target" \
    >"$work/log" 2>&1 </dev/null || { echo "$target: afl-fuzz failed"; tail -n 30 "$work/log"; status=1; continue; }
  stability=$(of_stats "$target" stability)
  findings=$(($(of_stats "$target" saved_crashes) + $(of_stats "$target" saved_hangs)))
  echo "$target: $(of_stats "$target" corpus_count) inputs, stability $stability, findings: $findings"
  [ "$stability" = 100.00% ] && [ "$findings" -eq 0 ] || status=1
done
exit "$status"
