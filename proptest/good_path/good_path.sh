#!/bin/sh
# good_path.sh COMPILER SOURCE INCLUDE_DIR OBJECT FUNCTION FLAGS: compiles SOURCE at -O2 and looks at
# the machine code of FUNCTION. Up to its first faulting access (known by the `clc` before it) there
# are FLAGS reads of memory, each of a variable of the image, and no call, system call or
# thread-local. A copy calls the steps of engine/steps.hpp, which read no variable but how wide vectors are (of 64
# bytes and more).
set -eu
export LC_ALL=C
compiler=$1 source=$2 include_dir=$3 object=$4 function=$5 flags=$6

"$compiler" -std=c++20 -O2 "-I$include_dir" -c "$source" -o "$object"

# The instructions of the functions whose name matches a pattern, one a line, without addresses.
code_of() {
  objdump -d --no-show-raw-insn "$object" |
    awk -v name="$1" '/^[0-9a-f]+ <.*>:$/ { inside = ($2 ~ name); next }
                      inside && /^ / { sub(/^[^\t]*\t/, ""); print }'
}

text=$(code_of "^<$function>:\$")
[ -n "$text" ] || { echo "$function: no machine code found"; exit 1; }
case $function in
  copy_*)
    way_in=$text
    steps=$(code_of 'detail8in_stepsINS2_7copyingI')
    # What it refers to but code, as the linker is told.
    variables=$(objdump -dr "$object" |
      awk '/^[0-9a-f]+ <.*>:$/ { inside = ($2 ~ /detail8in_stepsINS2_7copyingI/); next }
           inside && /R_X86_64_/ && !/PLT32|\.text/ { print $3 }')
    ;;
  *) way_in=$(printf '%s\n' "$text" | sed '/^clc/q') ;;
esac
printf '%s:\n%s\n' "$function" "$way_in"

bad=0
complain() { echo "$function: $1"; bad=1; }
count() { printf '%s\n' "$way_in" | grep -vE '^(lea|nop|data16|cs nop)' | grep -cE "$1" || true; }

[ "$(count '^(syscall|int )')" -eq 0 ] || complain 'a system call'
[ "$(count '%[fg]s:')" -eq 0 ] || complain 'a thread-local'
[ "$(count '\(%rip\)')" -eq "$flags" ] || complain "$(count '\(%rip\)') variables are read, not $flags"
case $function in
  copy_*)
    printf '%s\n' "$steps" | grep -q '^movups .*(%rsi)' || complain 'no access found'
    printf '%s\n' "$steps" | grep -E '^(syscall|int )|%[fg]s:' && complain 'a system call, or a thread-local'
    printf '%s\n' "$variables" | grep -v 'vector_choice5widthE' | grep . && complain 'another variable than the width'
    ;;
  *)
    printf '%s\n' "$way_in" | grep -q '^clc' || complain 'no access found'
    [ "$(count '^call')" -eq 0 ] || complain 'a call'
    [ "$(count '\(')" -eq "$flags" ] || complain "$(count '\(') accesses to memory, not $flags"
    [ "$(count '^j')" -eq "$flags" ] || complain "$(count '^j') tests, not $flags"
    # The access, the jump to its landing pad, and nothing more to the return.
    printf '%s\n' "$text" | sed '1,/^clc/d; /^ret/q' | sed 1d | grep -E '\(|^call|^j' |
      grep -vE '^jb' && complain 'more than the access'
    ;;
esac
exit "$bad"
