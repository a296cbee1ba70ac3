#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# A traced process cannot look for leaks: the sanitizer would fail for that.
ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 "$tools/wc_steps" "$program"
