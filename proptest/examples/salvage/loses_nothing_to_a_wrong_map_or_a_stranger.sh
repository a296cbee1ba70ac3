#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((20 * page))
make_file other $((20 * page))
cp other dst

# A map that is there, and a part that is there, belong to somebody.
printf '0 + 1\n' >map
says=(map '--resume')
expect_refusal 2 src dst --map map
rm map
echo stranger >dst.part
says=(dst.part 'no map')
expect_refusal 2 src dst --map map
expect_refusal 2 src dst --map map --resume
[ "$(cat dst.part)" = stranger ] || fail "dst.part was changed"
rm dst.part

# The map must not be one of the files.
ln -s dst link
for file in src dst ./dst link dst.part "$PWD/dst.part"; do
  says=('the same file')
  expect_refusal 2 src dst --map "$file" --resume
done

# Our own unfinished map, but its part is gone: DST is an old file, not what the map speaks of.
printf '# Mapfile. Created by salvage 0\n0 ? 1\n0 %d +\n' $((10 * page)) >map
says=(dst.part)
expect_refusal 3 src dst --map map --resume
cmp other dst || fail "the old file was changed"
# A part that is shorter than what the map calls copied.
make_file dst.part $((9 * page))
cp dst.part short
says=(dst.part "$((9 * page)) bytes" "$((10 * page))")
expect_refusal 3 src dst --map map --resume
cmp short dst.part || fail "dst.part was changed"
rm dst.part

# Where a map speaks of DST, a DST.part beside it is somebody else's: ddrescue's map, and our own of a
# work that has ended.
rm map dst
ddrescue -q src dst map
cp dst rescued
truncate -s $((25 * page)) src # something is left to be done
cp other dst.part
says=(dst.part dst map)
expect_refusal 2 src dst --map map --resume
rm dst.part map dst
expect_status 1 src dst --map map --quiet --sabotage noaccess@0
cp dst rescued
cp other dst.part
expect_refusal 2 src dst --map map --resume --retries 1
cmp rescued dst || fail "dst was changed"
# Where nothing is left to be done, it is left alone.
expect_status 1 src dst --map map --resume
cmp rescued dst || fail "dst was changed"
cmp other dst.part || fail "somebody's file was changed"
rm dst.part
# A dst that is not what the map speaks of.
: >dst
says=(dst '0 bytes')
expect_refusal 3 src dst --map map --resume
rm dst
make_file src $((20 * page))

# SRC is never taken for DST.part, nor a pipe.
cp src x.part
cp src src.before
printf '0 ? 1\n0 %d ?\n' $((20 * page)) >map
says=('the same file')
expect_refusal 2 x.part x --map map --resume
ln src dst.part
printf '# Mapfile. Created by salvage 0\n0 ? 1\n0 %d ?\n' $((40 * page)) >map
expect_refusal 2 src dst --map map --resume
cmp src src.before || fail "SRC was changed"
rm dst.part
mkfifo dst.part
says=(dst.part 'a pipe')
expect_refusal 3 src dst --map map --resume
rm dst.part map

# The map is written under another name first: not under one that is somebody's, nor through a link.
cp src .map.salvage
says=(.map.salvage 'in the way')
expect_refusal 3 src dst --map map
expect_refusal 3 .map.salvage dst --map map
cmp src .map.salvage || fail ".map.salvage was changed"
rm .map.salvage
echo precious >precious
ln -s precious .map.salvage
expect_refusal 3 src dst --map map
[ "$(cat precious)" = precious ] || fail "the map was written through a link"
rm .map.salvage
# A map that is a link is written where it leads to; a DST that leads nowhere is refused.
mkdir there
ln -s there/map link.map
says=(link.map 'leads nowhere')
expect_refusal 3 src dst --map link.map
ln -sf there/real link.map
expect_status 0 src dst --map map --quiet
mv map there/real
expect_status 0 src dst --map link.map --resume --quiet
[ -L link.map ] || fail "the link was replaced"
rm dst there/real
ln -s gone dangling
says=(dangling 'leads nowhere')
expect_refusal 3 src dangling
cp other dst

# Two at the same work.
rm -f map
make_large_file src 256
begin_copy src dst --map map --chunk "$page"
kill -STOP "$copier"
status=0
"$program" src dst --map map --resume >out.2 2>err.2 || status=$?
[ "$status" -eq 3 ] || fail "a second run beside the first ended with status $status"
grep -q 'map: is in use by another salvage' err.2 || fail "it says '$(cat err.2)'"
kill -CONT "$copier"
end_copy
[ "$copy_status" -eq 0 ] || fail "the first one ended with status $copy_status"
cmp src dst || fail "another file"
cmp other dst && fail "the old file is still there"

# Without a place to write, no map is left that would say that the work has begun.
rm map
says=(nowhere/dst 'No such file')
expect_refusal 3 src nowhere/dst --map map
