#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

size=$((20 * page))
make_file src $size
refused() { # LINE WORD: what stands in the map, and what is said of it
  printf '%b' "$1" >map
  says=(map 'not a ddrescue mapfile' "$2")
  expect_refusal 3 src dst --map map --resume
  [ "$(cat map)" = "$(printf '%b' "$1")" ] || fail "the map was changed"
}
refused '' 'no status line'
refused '# only a comment\n' 'no status line'
refused 'hello\n' 'line 1'
refused '0 +\n0 100 x\n' 'line 2'
refused '0 +\n0 100\n' 'line 2'
refused '0 +\n0 -5 +\n' 'line 2'
refused '0 +\n0 1e3 +\n' 'line 2'
refused '0 +\n0 09 +\n' 'line 2'
refused '0 +\n0 0x +\n' 'line 2'
refused '0 +\n0 100 +\n50 100 -\n' 'not contiguous'
refused '0 +\n0 100 +\n101 100 -\n' 'not contiguous'
refused '0 +\n1 100 +\n' 'not contiguous'
refused '0 +\n0x7fffffffffffffff 2 +\n' 'line 2'
refused '0 +\n0 99999999999999999999 +\n' 'line 2'
refused '0 x 1\n0 100 +\n' 'line 1'
head -c 100000 /dev/urandom >map
says=(map 'not a ddrescue mapfile')
expect_refusal 3 src dst --map map --resume
mkdir there
says=(there 'a directory')
expect_refusal 3 src dst --map there --resume
mkfifo pipe
says=(pipe 'a pipe')
expect_refusal 3 src dst --map pipe --resume
says=(/dev/zero 'a device')
expect_refusal 3 src dst --map /dev/zero --resume
says=(nowhere/map 'No such file')
expect_refusal 3 src dst --map nowhere/map
