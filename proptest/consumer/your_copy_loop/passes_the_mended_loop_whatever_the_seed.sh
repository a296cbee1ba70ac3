#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../examples/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../examples/lib.sh" "$@"

export RC_PARAMS
for seed in {1..5}; do
  RC_PARAMS="seed=$seed max_success=500"
  expect_status 0 mended
  grep -qxF 'OK, passed 500 tests' err || fail "not all of the tests were run with $RC_PARAMS"
done
