#!/usr/bin/env bash
# stability.sh --test NAME: the test NAME. AFL++ runs each input of fuzz/corpus eight times, after other ones: does
# it reach the same edges each time? Else what AFL++ keeps as new is chance. (concurrent has two threads.)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ $# -ne 2 ] || [ "$1" != --test ]; then
  echo "usage: stability.sh --test NAME" >&2
  exit 2
fi
name=$2
needs() { printf 'SKIPPED: %s: needs %s\n' "$name" "$*"; exit 0; }
[ -n "${SUREFOOT_TEST_ALL-}" ] || needs "minutes of fuzzing (./run test --all)"
for program in afl-fuzz afl-clang-fast++ cmake ninja; do
  command -v "$program" >/dev/null || needs "$program"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ cmake --preset fuzz-afl && cmake --build build/fuzz-afl; } >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }

of_stats() { awk -F ' *: ' -v key="$2" '$1 == key { print $2 }' "$work/$1/default/fuzzer_stats"; }
status=0
for source in fuzz/*.cpp; do
  target=$(basename "$source" .cpp)
  [ "$target" != concurrent ] || continue
  # As long as it takes for all of them, and some seconds more.
  AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 \
    AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
    afl-fuzz -i "fuzz/corpus/$target" -o "$work/$target" -V 5 -t 1000 -- "build/fuzz-afl/fuzz/fuzz_$target" \
    >"$work/log" 2>&1 </dev/null || { echo "$target: afl-fuzz failed"; tail -n 30 "$work/log"; status=1; continue; }
  stability=$(of_stats "$target" stability)
  inputs=$(of_stats "$target" corpus_count)
  echo "$target: $inputs inputs, stability $stability"
  [ "$stability" = 100.00% ] && [ "$inputs" -ge "$(find "fuzz/corpus/$target" -type f | wc -l)" ] || status=1
done
exit "$status"
