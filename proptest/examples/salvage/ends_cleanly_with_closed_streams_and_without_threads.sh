#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# With a stream closed, the first file that is opened would get its number, and what is said would go
# into the copy.
make_file src 3000000
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
  for map in '' '--map map'; do
    rm -f dst map
    status=0
    eval "\"\$program\" src dst $map $closed" >/dev/null 2>&1 || status=$?
    eval "\"\$program\" src dst.2 $closed" || status=$?
    [ "$status" -eq 0 ] || fail "$closed $map: status $status"
    cmp src dst || fail "$closed $map: another file"
    cmp src dst.2 || fail "$closed: another file"
  done
done >out 2>err

# No memory, and no second thread.
status=0
(ulimit -v 12000 && exec "$program" src dst) >out 2>err || status=$?
if [ "$status" -ne 0 ] && [ "$status" -ne 3 ] && [ "$status" -ne 127 ]; then fail "without memory: status $status"; fi
[ "$(temporary_files)" -eq 0 ] || fail "without memory: a temporary file is left"
[ "$(id -u)" -eq 0 ] || skip "salvage without a second thread: needs root, to become a user without one"
chmod 755 .
chmod 777 .
cp "$program" salvage
rm -f dst
status=0
setpriv --reuid=65533 --regid=65533 --clear-groups bash -c 'ulimit -u 1; exec ./salvage --quiet src dst' >out 2>err || status=$?
[ "$status" -eq 0 ] || fail "without a second thread: status $status"
cmp src dst || fail "without a second thread: another file"
