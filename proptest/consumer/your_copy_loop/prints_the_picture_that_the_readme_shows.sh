#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../examples/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../examples/lib.sh" "$@"

# picture FILE: from what is shown to the numbers that should be equal.
picture() {
  sed -n '/^a layout, and the part of it to copy:$/,/^[0-9]* == [0-9]*$/p' "$1" |
    sed 's|^/.*/your_copy_loop\.cpp:|your_copy_loop.cpp:|'
}

export RC_PARAMS=seed=1
expect_status 1 naive
picture err >printed
[ -s printed ] || fail "it printed no picture"
diff <(picture "$(dirname "$script")/../../../README.md") printed ||
  fail "the README (<) shows another picture than is printed (>)"
