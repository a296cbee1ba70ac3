#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# All say what they take in one line: "usage: NAME [WHAT]".
expect_refusal 2 '' 2
says=("usage: $name [")
what=$(sed -n 's/^usage: [a-z_]* \[\([A-Z]*\)\].*/\1/p' err)
expect_refusal 2 ''
expect_refusal 2 1 2
expect_refusal 2 --help
case $what in
  FILE)
    says=("$name: missing: ")
    expect_refusal 2 missing
    mkdir directory
    says=("$name: directory: ")
    expect_refusal 2 directory
    mkfifo fifo
    says=("$name: fifo: ")
    expect_refusal 2 fifo
    : >locked
    chmod 0 locked
    says=("$name: locked: ")
    [ -r locked ] || expect_refusal 2 locked
    ;;
  ADDRESS) for wrong in x 0 -1 12345 1000x 99999999999999999; do expect_refusal 2 "$wrong"; done ;;
  ?*) for wrong in x 0 -1 1x ' 1' 1.5 99999999999999999999; do expect_refusal 2 "$wrong"; done ;;
  *) fail "what does it take?" ;;
esac
