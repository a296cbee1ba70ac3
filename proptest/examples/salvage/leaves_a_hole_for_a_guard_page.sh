#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((40 * page))
status=0
"$program" src dst --sabotage "guard@$((9 * page))+$((2 * page))" >out 2>err || status=$?
if [ "$status" -eq 3 ] && grep -q 'the kernel refuses it' err; then
  [ ! -e dst ] || fail "refused, and yet there is a copy"
  skip "salvage with a guard page: needs MADV_GUARD_INSTALL on a file's mapping (Linux 6.15)"
fi
[ "$status" -eq 1 ] || fail "ended with status $status"
expect_copy src dst $((9 * page)) $((2 * page))
expect_table "$((9 * page)) $((2 * page)) $guard"
