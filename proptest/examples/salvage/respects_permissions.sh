#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Root may do everything, so somebody else asks: from a place that everybody can reach.
open=$(mktemp -d /tmp/example.XXXXXX)
trap 'rm -rf "$work" "$open"' EXIT
chmod 755 "$open"
cp "$program" "$open/salvage"
program=$open/ask
if [ "$(id -u)" -eq 0 ]; then
  printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups "%s" "$@"\n' "$open/salvage" >"$program"
else
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$open/salvage" >"$program"
fi
chmod 755 "$program"
mkdir "$open/closed" "$open/all"
chmod 777 "$open/all"
make_file "$open/secret" 10000
chmod 0 "$open/secret"
make_file "$open/src" 10000
chmod 644 "$open/src"
echo old >"$open/all/fixed"
chmod 444 "$open/all/fixed"
chmod 555 "$open/closed"

says=("$open/secret" 'Permission denied')
expect_refusal 3 "$open/secret" "$open/all/dst"
says=("$open/closed/dst" 'Permission denied')
expect_refusal 3 "$open/src" "$open/closed/dst"
says=("$open/all/fixed" 'Permission denied')
expect_refusal 3 "$open/src" "$open/all/fixed"
[ "$(cat "$open/all/fixed")" = old ] || fail "a read-only file was replaced"

# The copy gets the source's permissions, less the mask.
chmod 750 "$open/src"
[ "$(id -u)" -ne 0 ] || chown 65534 "$open/src"
(umask 027; expect_status 0 "$open/src" "$open/all/dst") || exit 1
[ "$(stat -c %a "$open/all/dst")" = 750 ] || fail "mode $(stat -c %a "$open/all/dst")"
