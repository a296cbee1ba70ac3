#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Not as root, who may do everything: a source that may only be read, as on most media.
open=$(mktemp -d /tmp/example.XXXXXX)
trap 'rm -rf "$work" "$open"' EXIT
cp "$program" "$open/salvage"
chmod 777 "$open"
chmod 755 "$open/salvage"
make_large_file "$open/src" 16
chmod 444 "$open/src"
cd "$open"
as_nobody() {
  if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
status=0
as_nobody bash -c 'umask 022; ulimit -f 4000; exec ./salvage src dst --map map --chunk 64K' >out 2>err || status=$?
[ "$status" -eq 3 ] || fail "a limit on the size of files: status $status"
[ -s map ] || fail "no map"
as_nobody ./salvage src dst --map map --resume >out 2>err || fail "not resumed"
cmp src dst || fail "another file"
[ "$(stat -c %a dst)" = 444 ] || fail "mode $(stat -c %a dst)"
as_nobody ./salvage src dst --map map --resume >out 2>err || fail "nothing is to be done, and yet it fails"
rm -f dst map
as_nobody ./salvage src dst --map map --sabotage noaccess@0 >out 2>err && fail "no hole"
as_nobody ./salvage src dst --map map --resume --retries 1 >out 2>err || fail "not tried again"
cmp src dst || fail "another file"

# A retry that cannot be: dst stays.
rm -f dst map
mkdir maps
chmod 777 maps
as_nobody ./salvage src dst --map maps/map --sabotage noaccess@0 >out 2>err && fail "no hole"
[ "$(id -u)" -ne 0 ] || chmod 555 maps
status=0
as_nobody ./salvage src dst --map maps/map --resume --retries 1 >out 2>err || status=$?
[ "$(id -u)" -ne 0 ] || [ "$status" -eq 3 ] || fail "status $status"
[ -e dst ] || fail "dst is gone"

# An old file that only its owner may read does not become everybody's.
rm -f dst
printf 'old' >secret
chmod 600 secret
cd "$work"
cp "$open/src" src
expect_status 0 src "$open/secret"
[ "$(stat -c %a "$open/secret")" = 600 ] || fail "mode $(stat -c %a "$open/secret")"
