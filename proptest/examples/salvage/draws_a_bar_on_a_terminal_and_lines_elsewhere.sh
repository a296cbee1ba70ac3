#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((64 * page))
expect_status 1 src dst --sabotage "noaccess@$((3 * page))"
grep -q $'[\r\033]' out err && fail "control characters without a terminal"
dots() { printf '%*s' "$1" '' | tr ' ' .; }
grep -qxF "$(dots 3)D$(dots 60)" out || fail "no picture of 64 blocks"
expect_status 1 src dst --sabotage noaccess@0 --color always
grep -q $'\033\[43' out || fail "no colour although it was asked for"

command -v script >/dev/null || skip "salvage on a terminal: needs script(1)"
TERM=xterm script -qec "'$program' src dst --sabotage noaccess@0" /dev/null </dev/null >out || true
grep -q $'\r\[#* *\] ' out || fail "no bar on a terminal"
grep -q 'salvage: [0-9]*%' out && fail "lines on a terminal"
grep -q $'\033\[43' out || fail "no colour on a terminal"
NO_COLOR=1 TERM=xterm script -qec "'$program' src dst --sabotage noaccess@0" /dev/null </dev/null >out || true
grep -q $'\033\[4' out && fail "colour although NO_COLOR is set"
exit 0
