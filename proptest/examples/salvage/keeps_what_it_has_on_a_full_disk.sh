#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

on_a_small_disk "salvage with a map on a full disk"
make_file src 3000000
expect_status 3 src small/dst --map map --chunk 64K
grep -q 'small/dst: cannot write: No space left on device' err || fail "not named"
[ "$(ddrescuelog --list-blocks=+ map | wc -l)" -gt 1000 ] || fail "the map does not know what was copied: $(cat map)"
mount -o remount,size=4m small
expect_status 0 src small/dst --map map --resume
cmp src small/dst || fail "another file"
umount small
