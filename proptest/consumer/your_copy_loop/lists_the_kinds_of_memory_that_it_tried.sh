#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../examples/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../examples/lib.sh" "$@"

for loop in naive mended; do
  status=0
  "$program" "$loop" >out 2>err </dev/null || status=$?
  [ "$status" -le 1 ] || fail "$loop ended with status $status"
  grep -qE '^read-write: exercised [1-9][0-9]* times$' out || fail "$loop does not say what it tried"
  [ "$(wc -l <out)" -ge 20 ] || fail "$loop leaves out a kind of memory"
  if grep -vE '^[^:]+: (exercised [1-9][0-9]* times|not exercised(: needs .+)?)$' out; then
    fail "$loop says something else as well"
  fi
done
