#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((40 * page))
status=0
"$program" src dst --sabotage "uffd-poison@$((9 * page))+$((2 * page))" --sabotage "uffd-poison@0" >out 2>err || status=$?
if [ "$status" -eq 3 ] && grep -q 'the kernel refuses it' err; then
  [ ! -e dst ] || fail "refused, and yet there is a copy"
  skip "salvage with poisoned pages: needs UFFDIO_POISON (Linux 6.6)"
fi
[ "$status" -eq 1 ] || fail "ended with status $status"
expect_copy src dst 0 "$page" $((9 * page)) $((2 * page))
# A kernel without CONFIG_MEMORY_FAILURE reports it as it does a page past the end of the file.
why=$truncated
grep -q ' poisoned ' out && why='poisoned SIGBUS 4'
expect_table "0 $page $why" "$((9 * page)) $((2 * page)) $why"
