#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((40 * page))
expect_status 1 src dst --sabotage "noaccess@$((3 * page))"
expect_copy src dst $((3 * page)) "$page"
expect_table "$((3 * page)) $page $denied"

expect_status 1 src dst --sabotage "truncate@$((7 * page))+$((5 * page))"
expect_copy src dst $((7 * page)) $((5 * page))
expect_table "$((7 * page)) $((5 * page)) $truncated"
grep -qx "copied $((35 * page)) of $((40 * page)) bytes; 1 bad run, $((5 * page)) bytes" out || fail "no total"
