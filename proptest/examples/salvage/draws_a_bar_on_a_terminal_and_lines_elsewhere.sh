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

grep -qxE 'salvage: 100% of [0-9]+ bytes, [0-9.]+ MiB/s, [0-9]+ s left' err || fail "no rate and time left"

# Long enough for a few looks at it.
on_terminal() {
  TERM=xterm script -qec "'$program' src dst --chunk 4K --sabotage noaccess@0" /dev/null </dev/null >out || true
}
command -v script >/dev/null || skip "salvage on a terminal: needs script(1)"
command -v pv >/dev/null || skip "salvage's bar: needs pv(1)"
make_large_file src 320
on_terminal
grep -qE $'[0-9.]+[KMG]iB/s.*\\[=*> *\\] *[0-9]+% ETA [0-9:]+' out || fail "no bar with rate and time left on a terminal"
grep -q 'salvage: [0-9]*%' out && fail "lines on a terminal"
grep -q $'\r\033\\[K' out || fail "the bar stays"
grep -q $'\033\\[43' out || fail "no colour on a terminal"
NO_COLOR=1 on_terminal
grep -q $'\033\\[4' out && fail "colour although NO_COLOR is set"

# Without pv: lines.
mkdir without
for command in bash script; do ln -s "$(command -v $command)" without/; done
PATH=$PWD/without on_terminal
grep -q 'salvage: [0-9]*% of' out || fail "no lines on a terminal without pv"
exit 0
