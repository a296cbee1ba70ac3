#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# A file that is whole again later, as a disk may be after a rest.
make_file whole $((40 * page))
cp whole src
expect_status 1 src dst --map map --sabotage "noaccess@$((3 * page))" --sabotage "truncate@$((20 * page))+$((4 * page))"
expect_copy whole dst $((3 * page)) "$page" $((20 * page)) $((4 * page))

# Nothing is left to be tried: nothing changes.
before=$(stat -c '%i %Y %s' dst)
cp map map.before
expect_status 1 src dst --map map --resume
cmp map map.before || fail "another map although nothing was done"
[ "$(stat -c '%i %Y %s' dst)" = "$before" ] || fail "dst was touched although nothing was to be done"

# Still bad, as often as it is tried.
expect_status 1 src dst --map map --resume --retries 3 --sabotage "noaccess@$((3 * page))"
expect_copy whole dst $((3 * page)) "$page"
expect_table "$((3 * page)) $page $denied"
[ "$(grep -c '100% of' err)" -eq 3 ] || fail "not three passes"
expect_status 0 src dst --map map --resume --retries 1
cmp whole dst || fail "another file"
grep -q "copied $((40 * page)) of $((40 * page)) bytes; 0 bad runs, 0 bytes" out || fail "not all is copied"

# Without a map as well.
expect_status 1 src dst.2 --retries 2 --sabotage noaccess@0
expect_copy whole dst.2 0 "$page"

# A source that has shrunk since: what was copied stays. One that has grown: the rest is copied too.
rm map dst
head -c $((10 * page)) whole >src
expect_status 0 src dst --map map
truncate -s $((5 * page)) src
expect_status 0 src dst --map map --resume
cmp dst <(head -c $((10 * page)) whole) || fail "what was copied is lost"
cp whole src
expect_status 0 src dst --map map --resume
cmp whole dst || fail "the rest was not copied"
