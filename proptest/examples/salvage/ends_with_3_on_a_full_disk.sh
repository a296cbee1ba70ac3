#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

on_a_small_disk "salvage on a full disk"
make_file src 3000000
echo old >small/dst
expect_status 3 src small/dst
[ "$(grep -vc '^salvage: [0-9]*%' err)" -eq 1 ] || fail "more than one line about it"
grep -q 'small/dst: cannot write: No space left on device' err || fail "not named"
[ "$(cat small/dst)" = old ] || fail "the old file is gone"
[ "$(find small -type f | wc -l)" -eq 1 ] || fail "a temporary file is left"
# What is lost needs no room.
expect_status 1 src small/dst --sabotage noaccess@512K+2300000
[ "$(size_of small/dst)" -eq 3000000 ] || fail "not the whole length"
umount small
