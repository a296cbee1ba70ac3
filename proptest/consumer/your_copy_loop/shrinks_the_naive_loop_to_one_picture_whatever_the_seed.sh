#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../examples/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../examples/lib.sh" "$@"

export RC_PARAMS
for seed in {1..20}; do
  RC_PARAMS=seed=$seed
  expect_status 1 naive
  grep -qE '^Falsifiable after [0-9]+ tests' err || fail "rapidcheck found nothing with $RC_PARAMS"
  grep -qxF '|.N|  . read-write, N no access (denied)' err || fail "another layout with $RC_PARAMS"
  grep -qxF 'bytes 0:1 to 1:1 (tile:offset)' err || fail "another part with $RC_PARAMS"
  grep -qxF '4096 == 4095' err || fail "other numbers with $RC_PARAMS"
done
