#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

mkdir there
mkfifo pipe
says=(missing 'No such file')
expect_refusal 3 missing dst
says=(there 'a directory')
expect_refusal 3 there dst
says=(pipe 'a pipe')
expect_refusal 3 pipe dst
says=(/dev/zero 'a device')
expect_refusal 3 /dev/zero dst
# Says that it has 0 bytes, and has more.
says=(/proc/self/status 'has content')
expect_refusal 3 /proc/self/status dst
says=('cannot open')
expect_refusal 3 '' dst
