#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((600 * page))
mkdir there
mkfifo pipe
says=(there 'a directory')
expect_refusal 3 src there
expect_refusal 3 src there/
says=(pipe 'a pipe')
expect_refusal 3 src pipe
says=(nowhere/dst 'No such file')
expect_refusal 3 src nowhere/dst
says=(src/dst 'Not a directory')
expect_refusal 3 src src/dst
long=$(printf '%300s' '' | tr ' ' x)
says=("$long" 'too long')
expect_refusal 3 src "$long"
says=('No such file')
expect_refusal 3 src ''
if [ ! -d there ] || [ ! -p pipe ]; then fail "something was replaced"; fi

# In the midst of the copy: a limit on the size of files. There the progress was said as well.
echo old >dst
(ulimit -f 1000; expect_status 3 src dst) || exit 1
[ "$(grep -vc '^salvage: [0-9]*%' err)" -eq 1 ] || fail "more than one line about it"
grep -q 'dst: cannot write: File too large' err || fail "not named"
[ "$(cat dst)" = old ] || fail "the old file is gone"
[ "$(temporary_files)" -eq 0 ] || fail "a temporary file is left"

# A report that nobody gets is not a success.
status=0
"$program" src dst >/dev/full 2>err || status=$?
[ "$status" -eq 3 ] || fail "status $status with a full standard output"
grep -q 'standard output' err || fail "not named"
