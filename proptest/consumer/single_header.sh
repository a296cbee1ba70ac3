#!/usr/bin/env bash
# single_header.sh SOURCES COMPILER FLAG...: `./run amalgamate` makes a header that does what the separate ones do, alone,
# and in a program with units that include those.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=cmake/run/lib.sh
. "$here/../../cmake/run/lib.sh"

sources=$1
shift
work=$(mktemp -d "$PWD/single.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/surefoot"
"$sources/run" amalgamate "$work/surefoot/surefoot.hpp" >"$work/said"
! grep -n '^ *# *include *<surefoot' "$work/surefoot/surefoot.hpp" || fail "it needs the separate headers"

"$@" "-I$work" "$here/main.cpp" -o "$work/alone"
"$work/alone" || fail "a program of the single header does not work"

cat >"$work/with.cpp" <<'TEXT'
extern "C" bool readable_int(const int*);
#define main of_the_single_header
#include MAIN
#undef main
int main() {
  const int here = 42;
  return of_the_single_header() == 0 && readable_int(&here) && !readable_int(nullptr) ? 0 : 1;
}
TEXT
"$@" "-I$work" "-DMAIN=\"$here/main.cpp\"" -c "$work/with.cpp" -o "$work/with.o"
"$@" "-I$sources/include" -c "$here/plugin.cpp" -o "$work/plugin.o"
"$@" "$work/with.o" "$work/plugin.o" -o "$work/both"
"$work/both" || fail "a program of the single header and the separate ones does not work"

printf '#include "%s"\n' "$sources/include/surefoot/surefoot.hpp" "$work/surefoot/surefoot.hpp" >"$work/twice.cpp"
if "$@" "-I$sources/include" -fsyntax-only "$work/twice.cpp" 2>"$work/said"; then fail "both in one unit are not refused"; fi
grep -q 'separate headers of surefoot are included already' "$work/said" || fail "both in one unit: no clear word"

# For each machine the same lines as from the separate headers, once the preprocessor has chosen: in another order, for
# what machines share comes before. (No system header takes part: those are this machine's.)
grep -rh '^ *# *include *<' "$sources/include/surefoot" | sed 's/^[^<]*<//; s/>.*//' | grep -v '^surefoot/' | sort -u |
  while read -r header; do
    mkdir -p "$work/none/$(dirname "$header")"
    : >"$work/none/$header"
  done
lines() { "$@" "$here/plugin.cpp" | grep -v '^ *$' | sort; }
for machine in x86_64 aarch64 riscv; do
  flags=(-E -P -nostdinc -nostdinc++ -U__x86_64__ -U__aarch64__ -U__riscv "-D__${machine}__" "-D__$machine"
    -D__AARCH64EL__ "-I$work/none")
  lines "$@" "${flags[@]}" "-I$work" >"$work/single.ii"
  lines "$@" "${flags[@]}" "-I$sources/include" >"$work/separate.ii"
  [ "$(wc -l <"$work/separate.ii")" -gt 2000 ] || fail "for $machine there is next to nothing to compare"
  cmp -s "$work/single.ii" "$work/separate.ii" || fail "for $machine it is not what the separate headers are"
done
