#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Around the page, and around the chunk in which it is copied.
for size in 0 1 4095 4096 4097 262143 262144 262145 1000000; do
  make_file src "$size"
  expect_status 0 src dst
  cmp src dst || fail "$size bytes came out otherwise"
  [ ! -s err ] || grep -q '^salvage: 100%' err || fail "progress did not reach 100%"
  grep -qx "copied $size of $size bytes; 0 bad runs, 0 bytes" out || fail "no total of $size bytes"
  expect_table # none
done
