#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"
skip_without_its_needs

readme=$(dirname "$script")/../../../examples/README.md
expect_status 0
row=$(tail -n 1 out)
[ "$(tr -cd '|' <<<"$row" | wc -c)" -eq 5 ] || fail "the last line is no row"
grep -qxF -- "| [$name]($name.cpp) | $row |" "$readme" || fail "examples/README.md has another row"
