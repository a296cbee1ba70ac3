#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

says=(usage)
for wrong in x 0 -1 1x '' 99999999999999; do
  expect_refusal 2 "$wrong"
done
expect_refusal 2 1 2
