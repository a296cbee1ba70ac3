#!/usr/bin/env bash
# catch2.sh PROGRAM: Catch2's own handlers in one process with ours. Ours work in each test case, again
# and again; a fault of nobody's is reported by Catch2 as it is without us.
set -euo pipefail
program=$1
out=$(mktemp)
trap 'rm -f "$out"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*"
  tail -n 40 "$out"
  exit 1
}

# run TAG...: the test cases with these tags, as they stand in the file; `status` is how it ended.
run() {
  local tags
  tags=$(printf ',[%s]' "$@")
  status=0
  timeout 60 "$program" "${tags:1}" --order decl >"$out" 2>&1 || status=$?
}
# What Catch2 says of the fault, without where in the source.
reported() { sed -n 's/^.*cases\.cpp:[0-9]*: \(FAILED:\)$/\1/p; /^due to a fatal error condition:/,/^$/p' "$out"; }

run crashes
without=$status reported=$(reported)
[ "$without" -ne 0 ] || fail "a fault of nobody's passes"
grep -q 'SIGSEGV - Segmentation violation signal' <<<"$reported" || fail "Catch2 alone does not report the fault"

check() {
  local tags=$1 when="$1${SUREFOOT_TEST_INSTALLS_FIRST:+, installed before all}"
  # shellcheck disable=SC2086
  run $tags
  if [ "$tags" = works ]; then
    [ "$status" -eq 0 ] || fail "$when: exit status $status"
    grep -q 'All tests passed' "$out" || fail "$when: they have not passed"
  else
    [ "$status" -eq "$without" ] || fail "$when: ended with status $status, without us $without"
    [ "$(reported)" = "$reported" ] || fail "$when: reported is '$(reported)', without us '$reported'"
  fi
}
for tags in works crashes-with 'installs crashes' 'installs crashes-with' 'works crashes' 'works crashes-with'; do
  check "$tags"
done
export SUREFOOT_TEST_INSTALLS_FIRST=1
for tags in works crashes crashes-with 'works crashes' 'works crashes-with'; do
  check "$tags"
done
