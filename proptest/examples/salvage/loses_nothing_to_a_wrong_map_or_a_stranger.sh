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

# Two at the same work.
rm map
make_large_file src 256
begin_copy src dst --map map --chunk "$page"
says=(dst.part 'in use')
kill -STOP "$copier"
status=0
"$program" src dst --map map --resume >out.2 2>err.2 || status=$?
[ "$status" -eq 3 ] || fail "a second run beside the first ended with status $status"
grep -q 'dst.part.*in use' err.2 || fail "it says '$(cat err.2)'"
kill -CONT "$copier"
end_copy
[ "$copy_status" -eq 0 ] || fail "the first one ended with status $copy_status"
cmp src dst || fail "another file"
cmp other dst && fail "the old file is still there"

# Without a place to write, no map is left that would say that the work has begun.
rm map
says=(nowhere/dst 'No such file')
expect_refusal 3 src nowhere/dst --map map
