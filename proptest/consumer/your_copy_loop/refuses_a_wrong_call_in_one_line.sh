#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../examples/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../examples/lib.sh" "$@"

says=(usage naive mended)
for wrong in x '' naiv naives Naive --help; do
  expect_refusal 2 "$wrong"
done
expect_refusal 2
expect_refusal 2 naive mended
