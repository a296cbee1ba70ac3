#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((4 * page))
cp src before
ln src hard
ln -s src soft
mkdir there
says=('salvage: ' 'same file')
for other in src ./src there/../src hard soft; do
  expect_refusal 2 src "$other"
  expect_refusal 2 "$other" src
done
cmp src before || fail "SRC was written"
