#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((4 * page))
: >empty
says=('salvage: ')
expect_refusal 2
expect_refusal 2 src
expect_refusal 2 src dst more
expect_refusal 2 --nonsense src dst
expect_refusal 2 src dst --sabotage
expect_refusal 2 src dst --color purple
for wrong in '' noaccess noaccess@ @0 noaccess@x noaccess@-1 noaccess@0+ noaccess@0+0 noaccess@0+-1 \
  noaccess@1T noaccess@1KK noaccess@1k noaccess@0x10 'noaccess@ 0' noaccess@0+1+1 Noaccess@0 melt@0 \
  noaccess@18446744073709551616 noaccess@99999999999G noaccess@0@1; do
  says=('salvage: ' "'$wrong'")
  expect_refusal 2 src dst --sabotage "$wrong"
done
# Well said, but outside of the file.
for outside in "noaccess@$((4 * page))" "noaccess@0+$((4 * page + 1))" "truncate@$page+$((4 * page))" \
  noaccess@1G noaccess@0+17179869183G guard@18446744073709551615; do
  says=("--sabotage $outside" src "$((4 * page)) bytes")
  expect_refusal 2 src dst --sabotage noaccess@0 --sabotage "$outside"
done
says=('noaccess@0' empty '0 bytes')
expect_refusal 2 empty dst --sabotage noaccess@0
