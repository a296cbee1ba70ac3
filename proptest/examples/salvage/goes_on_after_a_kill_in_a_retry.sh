#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# A copy with holes that is whole, and is tried again: killed at each system call.
mkdir before reference tried
make_file src $((6 * page + 100))
(cd before && expect_status 1 ../src dst --map map --quiet --sabotage "noaccess@$page+$((2 * page))" &&
  rm out err) || exit 1
cp before/* reference
cp src reference
arguments=(src dst --map map --resume --retries 1 --map-interval 0 --chunk "$page" --quiet)
(cd reference && expect_status 0 "${arguments[@]}") || exit 1
cmp src reference/dst || fail "not tried again"
cp src tried
cd tried
# A traced process cannot look for leaks: the sanitizer would fail for that.
ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 "$tools/kill_steps" ../reference ../before 0 "$program" "${arguments[@]}"
