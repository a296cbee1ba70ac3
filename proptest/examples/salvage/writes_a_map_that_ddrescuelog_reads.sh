#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Its blocks of that status, in pages.
pages_of() { ddrescuelog -b "$page" --list-blocks="$1" map; }

make_file src $((40 * page + 10))
expect_status 1 src dst --map map --sabotage "noaccess@$((3 * page))+$((2 * page))" --sabotage "truncate@$((39 * page))"
ddrescuelog -t map >status || fail "ddrescuelog refuses it"
grep -q 'current status: finished' status || fail "not finished"
grep -qE 'rescued: *[0-9]+ k?B, *in *3 area' status || fail "not three areas are copied"
grep -qE "bad-sector: *$((3 * page)) B, *in *2 area" status || fail "not two areas are bad"
[ "$(pages_of -)" = $'3\n4\n39' ] || fail "other bad pages: $(pages_of -)"
[ "$(pages_of +)" = "$(seq 0 2; seq 5 38; echo 40)" ] || fail "other copied pages: $(pages_of +)"
[ -z "$(pages_of '?*/')" ] || fail "something was not tried: $(pages_of '?*/')"
ddrescuelog -D map && fail "done, says ddrescuelog, although pages are bad"

# The blocks are contiguous, from 0 to the end, and no two neighbours are alike.
at=0 last=
while read -r offset length status; do
  if [ $((offset)) -ne "$at" ] || [ "$status" = "$last" ]; then fail "the blocks are not in order: $(cat map)"; fi
  at=$((at + length)) last=$status
done < <(grep -v '^#' map | tail -n +2)
[ "$at" -eq $((40 * page + 10)) ] || fail "the map ends at $at"

rm map dst
expect_status 0 src dst --map map
ddrescuelog -D map || fail "not done, says ddrescuelog"
cmp src dst || fail "another file"

: >empty
expect_status 0 empty dst --map map.empty
ddrescuelog -D map.empty || fail "the map of an empty file is none"
[ "$(find . -name '*.part' -o -name '.*' -type f | wc -l)" -eq 0 ] || fail "something is left behind"
