#!/bin/sh
# branches.sh COMPILER INCLUDE_DIR WORK_DIR FLAG...: with -fcf-protection each place that an indirect branch
# reaches begins with endbr64, also those that no compiler sees to by itself. The way back from a signal
# needs none. This looks at machine code: neither Linux nor an emulator checks it in user space so far.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1 include=$2 work=$3
shift 3
rm -rf "$work"
mkdir -p "$work"
broken=0

for level in 0 2; do
  object=$work/program$level.o
  "$compiler" -std=c++20 "-I$include" "-O$level" "$@" -c "$here/program.cpp" -o "$object"
  # Without this a linker would take the check away from the whole image.
  readelf -n "$object" | grep -F 'IBT, SHSTK' >/dev/null ||
    { echo "-O$level: the object does not say that it is made for these checks"; broken=1; }
  objdump -dr --no-show-raw-insn "$object" >"$work/code"
  # A handler's entry (a bare function): owners that come after us call it through a pointer.
  # And behind sigsetjmp(), to where siglongjmp() jumps.
  awk -v level="-O$level" '
    function landed(what) { ++seen[what]; if ($0 !~ /endbr64/) { print level ": " what ": " $0; bad = 1 } }
    /^[0-9a-f]+ <.*arch5entryI.*>:$/ { next_is = "the entry of the handler"; next }
    /R_X86_64.*sigsetjmp/ { next_is = "behind sigsetjmp"; next }
    next_is != "" && /^ / { landed(next_is); next_is = "" }
    END {
      for (i = split("the entry of the handler/behind sigsetjmp", whats, "/"); i > 0; --i) {
        print level ": " whats[i] ": " seen[whats[i]] + 0
        if (!seen[whats[i]]) bad = 1
      }
      exit bad
    }' "$work/code" || broken=1
done
exit "$broken"
