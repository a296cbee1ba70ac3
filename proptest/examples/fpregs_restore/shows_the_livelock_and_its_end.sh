#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

expect_status 0
grep -qE 'by hand\) +1000  gave up' out || fail "the old pairing did not spin to its bound"
grep -qE 'claimed size +16  stalled: read at 0x[0-9a-f]+000$' out || fail "no bounded end for the claimed size"
grep -qE 'all it touches +1  denied: read at 0x[0-9a-f]+000 \(signal 11, code 2\)$' out || fail "restart did not end at once"
grep -qE 'a pager that helps +2  restored$' out || fail "restart did not succeed once the page was there"
expect_status 0 7
grep -qE 'by hand\) +7  gave up' out || fail "the bound was not taken"
