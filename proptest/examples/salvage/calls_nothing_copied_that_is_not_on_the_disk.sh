#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

command -v strace >/dev/null || skip "salvage on a disk that fails: needs strace"
strace -qq -o /dev/null true 2>/dev/null || skip "salvage on a disk that fails: needs ptrace"
# A sanitizer makes system calls of its own, and does not end when they fail.
grep -q __asan_init "$program" && skip "salvage on a disk that fails: needs a build without ASan"
make_file src 3000000
# failing SYSCALL ERROR WHEN: the copy with that system call failing at that time.
failing() {
  rm -f dst dst.part map .map.salvage
  status=0
  strace -f -qq -o trace -e trace="$1" -e inject="$1:error=$2:when=$3" \
    "$program" src dst --map map --map-interval 0 --chunk 64K >out 2>err || status=$?
}
copied() { if [ -f map ]; then ddrescuelog --list-blocks=+ map | wc -l; else echo 0; fi; }

# The kernel tells of lost writes once: the next fdatasync() says that all is well.
failing fdatasync EIO 1
[ "$status" -eq 3 ] || fail "fdatasync fails, status $status"
grep -q 'cannot write: Input/output error' err || fail "not said: $(cat err)"
[ "$(copied)" -eq 0 ] || fail "the map calls something copied that the disk has lost: $(cat map)"
[ ! -e dst ] || fail "there is a dst"
# A map that could not be written whole does not become the map.
for call in fsync write; do
  for when in 1 2 3 4; do
    failing "$call" ENOSPC "$when"
    [ ! -f map ] || ddrescuelog -t map >/dev/null || fail "$call fails at $when: a broken map: $(cat map)"
    [ ! -e .map.salvage ] || fail "$call fails at $when: .map.salvage is left"
    [ "$status" -eq 3 ] || [ "$call" = write ] || fail "$call fails at $when: status $status"
    if [ "$status" -eq 0 ]; then cmp src dst || fail "$call fails at $when: another file"; fi
  done
done
# Each map that becomes the map was on the disk, and the copy before it.
rm -f dst dst.part map
strace -f -qq -o trace -e trace=fdatasync,fsync,rename "$program" src dst --map map --map-interval 0 --chunk 64K --quiet
sed -E 's/^[0-9]+ +//; s/\(.*//' trace | awk '
  $1 == "rename" { if (before != "fsync" || two_before != "fdatasync") bad++; else good++ }
  { two_before = before; before = $1 }
  END { exit !(good > 10 && bad <= 3) }' || fail "not in order: $(cat trace)" # the first map, the part, dst itself
