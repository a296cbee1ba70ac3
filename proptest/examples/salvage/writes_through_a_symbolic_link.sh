#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src 10000
mkdir elsewhere
echo old >elsewhere/real
ln -s elsewhere/real dst
expect_status 0 src dst
[ -L dst ] || fail "the link was replaced"
cmp src elsewhere/real || fail "the file behind the link is another"
