#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

size=$((20 * page + 123))
make_file src "$size"
expect_status 1 src dst --sabotage noaccess@0
expect_copy src dst 0 "$page"
expect_table "0 $page $denied"

# The last page is bad, the file's part of it is lost.
expect_status 1 src dst --sabotage "noaccess@$((size - 1))"
expect_copy src dst $((20 * page)) 123
expect_table "$((20 * page)) 123 $denied"

expect_status 1 src dst --sabotage "truncate@0+$size"
expect_copy src dst 0 "$size"
expect_table "0 $size $truncated"

# A file that is less than a page.
make_file src 17
expect_status 1 src dst --sabotage noaccess@16
expect_copy src dst 0 17
