#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_large_file src 128
echo old >dst
for signal in TERM INT HUP; do
  begin_copy src dst --map map --chunk 64K
  kill -"$signal" "$copier"
  end_copy
  [ "$copy_status" -eq $((128 + $(kill -l "$signal"))) ] || fail "SIG$signal: status $copy_status"
  grep -q 'interrupted; --resume goes on with map and dst.part' err || fail "SIG$signal: not said: $(cat err)"
  [ "$(cat dst)" = old ] || fail "SIG$signal: the old file is gone"
  copied=$(ddrescuelog --list-blocks=+ map | wc -l)
  left=$(ddrescuelog --list-blocks='?' map | wc -l)
  if [ "$copied" -eq 0 ] || [ "$left" -eq 0 ]; then fail "SIG$signal: not half-way: $(cat map)"; fi
  expect_status 0 src dst --map map --resume
  cmp src dst || fail "SIG$signal: another file"
  echo old >dst
  rm map
done
