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

# No memory: one line and no litter, whether it is the map or the buffers for which there is none. (A
# sanitizer needs more of it than there is.)
if ! grep -q __asan_init "$program"; then
  for kilobytes in 8000 9000 10000 11000 12000 16000 24000; do
    rm -f dst
    status=0
    (ulimit -v "$kilobytes" && exec "$program" --quiet src dst) >out 2>err || status=$?
    case $status in
      0) cmp src dst || fail "with $kilobytes KiB: another file" ;;
      3) [ "$(wc -l <err)" -eq 1 ] || fail "with $kilobytes KiB: not one line" ;;
      127) ;; # not even the program could be loaded
      *) fail "with $kilobytes KiB: status $status" ;;
    esac
    [ "$(temporary_files)" -eq 0 ] || fail "with $kilobytes KiB: a temporary file is left"
  done
fi

# No second thread.
[ "$(id -u)" -eq 0 ] || skip "salvage without a second thread: needs root, to become a user without one"
chmod 755 .
chmod 777 .
cp "$program" salvage
rm -f dst
status=0
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # looking for them takes a thread
setpriv --reuid=65533 --regid=65533 --clear-groups bash -c 'ulimit -u 1; exec ./salvage --quiet src dst' >out 2>err || status=$?
[ "$status" -eq 0 ] || fail "without a second thread: status $status"
cmp src dst || fail "without a second thread: another file"
