#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

lines=$(wc -l <"$(dirname "$script")/../../../examples/$name.cpp")
[ "$lines" -le 150 ] || fail "$name.cpp has $lines lines"
