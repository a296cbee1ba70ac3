#!/usr/bin/env bash
# counts.sh: how many instructions the calls of calls.cpp take, under valgrind's callgrind, against numbers of an
# earlier run: what else the machine does changes none of them. (Nor are they times.)
#
# Instructions of the program itself count: libc's are others with each of its versions. callgrind counts each
# round of a `rep` as one. The numbers hold for one compiler, and for what valgrind shows of the processor: both
# are in the name of their file.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: proptest/counts/counts.sh --write [COMPILER...]
       proptest/counts/counts.sh --test NAME COMPILER

  --write   counts, and writes the numbers that are to be committed (of g++ and clang++)
  --test    as the test NAME: counts, and compares; only if SUREFOOT_TEST_ALL is set. A count may be 2 % off; one
            below 50 may not be off at all

Exit status: 0 fine or skipped, 1 a count is off or cannot be had, 2 usage, 3 packages are missing.
TEXT
}

case ${1-} in
  --help | -h) usage; exit 0 ;;
  --write) compilers=("${@:2}") ;;
  --test)
    [ $# -eq 3 ] || usage_error "counts: --test needs the name of the test, and a compiler"
    name=$2 compilers=("$3")
    ;;
  *) usage_error "counts: --write or --test (try --help)" ;;
esac
here=proptest/counts flags=(-std=c++20 -O2)
# What a file of numbers, and a failure, say.
again="bash $here/counts.sh --write"

work=$(realpath "$(mktemp -d)")
trap 'rm -rf "$work"' EXIT

# count COMPILER: writes a line "COUNT CALL" for each call to $work/counts, and sets `numbers` to the file of
# those that they are compared with.
count() {
  "$1" "${flags[@]}" -Iinclude "$here/calls.cpp" -o "$work/calls" || fail "$1: calls.cpp does not build"
  rm -f "$work"/dump*
  valgrind --tool=callgrind --callgrind-out-file="$work/dump" --compress-strings=no --compress-pos=no \
    --dump-instr=no --dump-line=no "$work/calls" >"$work/out" 2>"$work/log" </dev/null ||
    { cat "$work/log" >&2; fail "$1: calls failed under callgrind"; }
  numbers=$here/$(cat "$work/out").txt
  # A file for each call. After ob= (which program) and fn= (which function) come lines "LINE COUNT" of its own
  # instructions; the line after calls= is about those of whom it called.
  awk -v ours="ob=$work/calls" '
    FNR == 1 { call = ""; is_ours = is_call = 0 }
    /^part: / { part = $2 }
    /^desc: Trigger: Client Request: / { call = $NF; name[part] = call; if (part > parts) parts = part }
    /^ob=/ { is_ours = $0 == ours }
    /^fn=/ { is_call = $0 != "fn=count_each" }
    /^calls=/ { getline; next }
    /^[0-9]/ && is_ours && is_call && call != "" { count[part] += $2 }
    END {
      for (part = 1; part <= parts; part++) {
        printf "%7d %s\n", count[part], name[part]
        if (count[part] == 0) status = 1
      }
      exit parts == 0 || status
    }' "$work"/dump* >"$work/counts" || { cat "$work/counts"; fail "$1: callgrind counted nothing for a call"; }
}

if [ "$1" = --write ]; then
  need_packages g++ clang valgrind
  [ ${#compilers[@]} -gt 0 ] || compilers=(g++ clang++)
  for compiler in "${compilers[@]}"; do
    count "$compiler"
    {
      echo "# Instructions of each call of calls.cpp, ${flags[*]}; counted by $(valgrind --version)."
      echo "# Written by: $again"
      cat "$work/counts"
    } >"$numbers.new"
    mv "$numbers.new" "$numbers"
    say "$numbers"
    cat "$numbers"
  done
  exit
fi

compiler=${compilers[0]}
[ -n "${SUREFOOT_TEST_ALL-}" ] || needs "valgrind (./run test --all)"
command -v valgrind >/dev/null || needs valgrind
"$compiler" -fsyntax-only -include valgrind/callgrind.h -x c++ /dev/null 2>/dev/null || needs "valgrind's headers"
count "$compiler"
[ -f "$numbers" ] || needs "committed numbers for $(basename "$numbers" .txt) ($again)"

awk -v again="$again $compiler" '
  FILENAME == ARGV[1] { if (!/^#/) before[$2] = $1; next }
  {
    call = $2; said = ""
    if (!(call in before)) said = "no number is committed"
    else {
      off = $1 - before[call]
      percent = sprintf("%+.2f %%", 100 * off / before[call])
      if (off * off * 2500 > before[call] * before[call]) said = before[call] " instructions before, " $1 " now: " percent
    }
    if (said == "") printf "%7d %s%s\n", $1, call, off ? " (" percent ")" : ""
    else wrong[++n] = call ": " said
    delete before[call]
  }
  END {
    for (call in before) wrong[++n] = call ": a number is committed, but it is not called"
    for (i = 1; i <= n; i++) print "FAILED: " wrong[i]
    if (n) print "If that is meant, commit what this writes: " again
    exit n > 0
  }' "$numbers" "$work/counts"
