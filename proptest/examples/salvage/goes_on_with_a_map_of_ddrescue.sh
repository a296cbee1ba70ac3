#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Only what the map does not call copied is read: of DST, every byte that it does is a mark.
size=$((20 * page))
make_file src $size
marks() { head -c "$1" /dev/zero | tr '\0' '#'; }

# As ddrescue 1.19 wrote it, with comments, and as a hand may have edited it.
marks $size >dst
cat >map <<MAP
# Rescue Logfile. Created by GNU ddrescue version 1.19
0x00000000     ?   # no pass
0x00000000  0x2000  +
8192        0x1000  *
0x3000      010000  /	# octal
0x4000      4096    ?
0x5000      0x1000  -

0x6000      0x1000  +
MAP
expect_status 1 src dst --map map --resume
for n in 0 1 6; do cmp -i $((n * page)):0 -n "$page" dst <(marks "$page") || fail "page $n was copied again"; done
for n in 2 3 4; do expect_same src dst $((n * page)) "$page"; done
expect_zeros dst $((5 * page)) "$page" # not tried without --retries, and worth nothing
expect_same src dst $((7 * page)) $((13 * page)) # behind the map's end
expect_table "$((5 * page)) $page unknown - 0"
[ ! -e dst.part ] || fail "dst.part is left"
expect_status 0 src dst --map map --resume --retries 1
expect_same src dst $((5 * page)) "$page"
ddrescuelog -D map || fail "not done, says ddrescuelog"

# Where ddrescue really stopped in the middle.
rm dst map
ddrescue -q --size=$((9 * page)) src dst map || fail "ddrescue"
expect_status 0 src dst --map map --resume
cmp src dst || fail "another file than ddrescue would have made"

# Its maps may reach to the end of all numbers.
rm dst map
printf '0 ? 1\n0 0x1000 ?\n0x1000 0x7FFFFFFFFFFFEFFF ?\n' >map
expect_status 0 src dst --map map --resume
cmp src dst || fail "another file"
[ "$(tail -n 1 map)" = "$(printf '0x00000000  0x%08X  +' "$size")" ] || fail "another map: $(cat map)"

# And the other way round: ddrescue goes on where salvage was interrupted.
make_large_file src 128
rm dst map
begin_copy src dst --map map --map-interval 0 --chunk 64K
kill -TERM "$copier"
end_copy
[ "$copy_status" -eq 143 ] || fail "status $copy_status"
[ "$(ddrescuelog --list-blocks='?' map | wc -l)" -gt 0 ] || fail "nothing is left to be done"
ddrescue -q src dst.part map || fail "ddrescue"
cmp src dst.part || fail "another file after ddrescue"
# What it has finished is finished for salvage as well.
expect_status 0 src dst --map map --resume
cmp src dst || fail "another file"
