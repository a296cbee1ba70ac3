#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((600 * page))
expect_status 0 src dst --quiet
if [ -s out ] || [ -s err ]; then fail "it said something"; fi
cmp src dst || fail "another file"
expect_status 1 src dst -q --sabotage noaccess@0
if [ -s out ] || [ -s err ]; then fail "it said something"; fi
expect_copy src dst 0 "$page"
says=(nowhere 'No such file')
expect_refusal 3 nowhere dst --quiet
