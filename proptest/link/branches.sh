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
  # Behind sigsetjmp(), to where siglongjmp() jumps.
  awk -v level="-O$level" '
    /R_X86_64.*sigsetjmp/ { next_is = "behind sigsetjmp"; next }
    next_is != "" && /^ / {
      ++seen
      if ($0 !~ /endbr64/) { print level ": " next_is ": " $0; bad = 1 }
      next_is = ""
    }
    END { print level ": behind sigsetjmp: " seen + 0; exit bad || !seen }' "$work/code" || broken=1
  # A handler's entries: owners that come after us call them through a pointer. There is data between them: so as bytes,
  # `endbr64; movl $number, %ecx; jmp`, one behind the other without the first.
  section=$(readelf -SW "$object" | grep -o '\.text\.[^ ]*arch11first_entryI[^ ]*' | head -n 1)
  objcopy -O binary --only-section="$section" --set-section-flags "$section=alloc" "$object" "$work/entries"
  bytes=$(od -An -v -tx1 "$work/entries" | tr -d ' \n')
  jumps=$(printf '%s' "$bytes" | grep -o 'b9..000000e9' | wc -l)
  landed=$(printf '%s' "$bytes" | grep -o 'f30f1efab9..000000e9' | wc -l)
  echo "-O$level: entries of the handler: $jumps, with endbr64: $landed"
  { [ "$jumps" -eq 16 ] && [ "$landed" -eq 16 ]; } || broken=1
done
exit "$broken"
