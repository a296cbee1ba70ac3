#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((30 * page + 9))
cp -p src before
chmod a-w src
for damage in "noaccess@$page" "truncate@$((9 * page))+$((3 * page))"; do
  expect_status 1 src dst --sabotage "$damage"
  rm -f dst # it is as read-only as its source
done
expect_status 0 src dst
cmp src before || fail "other bytes"
[ "$(stat -c '%y %s' src)" = "$(stat -c '%y %s' before)" ] || fail "another time of modification"
