#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((3 << 20))
expect_status 1 src dst --sabotage "noaccess@$((5 * page + 1))+$page"
expect_copy src dst $((5 * page)) $((2 * page))
expect_status 1 src dst --sabotage "noaccess@$((6 * page - 1))+1"
expect_copy src dst $((5 * page)) "$page"
expect_status 1 src dst --sabotage "noaccess@$((5 * page + 7))"
expect_copy src dst $((5 * page)) "$page"
expect_status 1 src dst --sabotage noaccess@64K+8K --sabotage truncate@1M+1M
expect_copy src dst 65536 8192 1048576 1048576
# To the end of the last page, which the file does not fill.
make_file src $((2 * page + 5))
expect_status 1 src dst --sabotage "noaccess@$((2 * page))+$page"
expect_copy src dst $((2 * page)) 5
