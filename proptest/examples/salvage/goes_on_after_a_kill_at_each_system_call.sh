#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

mkdir reference tried nothing
make_file tried/src $((8 * page + 100))
arguments=(src dst --map map --resume --map-interval 0 --chunk $((2 * page)) --quiet
  --sabotage "noaccess@$((3 * page))" --sabotage "truncate@$((6 * page))")
(cd reference && cp ../tried/src . && expect_status 1 "${arguments[@]}") || exit 1
expect_copy tried/src reference/dst $((3 * page)) "$page" $((6 * page)) "$page"
# A traced process cannot look for leaks: the sanitizer would fail for that.
cd tried
ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 "$tools/kill_steps" ../reference ../nothing 1 "$program" "${arguments[@]}"
