#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

piece=262144
printf 'no end' >short
: >empty
head -c $((3 * piece)) /dev/zero | tr '\0' '\n' >lines
seq 100000 >text
cp "$program" binary
# With the line feeds at the end of a piece and at the beginning of the next one.
{ head -c $((piece - 1)) /dev/zero; printf '\n\n'; head -c 63 /dev/zero; printf '\n'; } >edge
for file in short empty lines text binary edge; do
  expect_status 0 "$file"
  diff <(wc -l "$file") out || fail "$file is counted otherwise"
done
