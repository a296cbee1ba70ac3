#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Stopped half-way by a signal: no temporary file, the old destination untouched.
make_large_file src 128
echo old >dst
for signal in TERM INT HUP; do
  begin_copy src dst
  kill -STOP "$copier"
  [ "$(temporary_files)" -eq 1 ] || fail "no temporary file while it copies: $first_line"
  [ "$(cat dst)" = old ] || fail "the old file is gone before the new one is whole"
  kill -"$signal" "$copier"
  kill -CONT "$copier"
  end_copy
  [ "$copy_status" -eq $((128 + $(kill -l "$signal"))) ] || fail "SIG$signal: status $copy_status"
  [ "$(temporary_files)" -eq 0 ] || fail "SIG$signal: a temporary file is left"
  [ "$(cat dst)" = old ] || fail "SIG$signal: the old file is gone"
done
# And left alone it replaces it.
expect_status 0 src dst
cmp src dst || fail "not the new file"
[ "$(temporary_files)" -eq 0 ] || fail "a temporary file is left"
