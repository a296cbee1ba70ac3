#!/bin/sh
# good_path.sh COMPILER SOURCE INCLUDE_DIR OBJECT FUNCTION FLAGS: compiles SOURCE at -O2 and looks at
# the machine code of FUNCTION. Up to its first faulting access (known by the `clc` before it) there
# are FLAGS reads of memory, each of a variable of the image, and no call, system call or
# thread-local. A copy may call the steps of engine/steps.hpp, which read no variable at all before the
# first access of up to 64 bytes (of more, how wide vectors are).
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
  copy_*) way_in=$(printf '%s\n' "$text"; code_of 'detail8in_stepsINS2_7copyingI' | sed '/^clc/q') ;;
  *) way_in=$(printf '%s\n' "$text" | sed '/^clc/q') ;;
esac
printf '%s:\n%s\n' "$function" "$way_in"

bad=0
complain() { echo "$function: $1"; bad=1; }
count() { printf '%s\n' "$way_in" | grep -vE '^(lea|nop|data16|cs nop)' | grep -cE "$1" || true; }

printf '%s\n' "$way_in" | grep -q '^clc' || complain 'no access found'
[ "$(count '^(syscall|int )')" -eq 0 ] || complain 'a system call'
[ "$(count '%[fg]s:')" -eq 0 ] || complain 'a thread-local'
[ "$(count '\(%rip\)')" -eq "$flags" ] || complain "$(count '\(%rip\)') variables are read, not $flags"
case $function in
  copy_*) ;;
  *)
    [ "$(count '^call')" -eq 0 ] || complain 'a call'
    [ "$(count '\(')" -eq "$flags" ] || complain "$(count '\(') accesses to memory, not $flags"
    [ "$(count '^j')" -eq "$flags" ] || complain "$(count '^j') tests, not $flags"
    # The access, the jump to its landing pad, and nothing more to the return.
    printf '%s\n' "$text" | sed '1,/^clc/d; /^ret/q' | sed 1d | grep -E '\(|^call|^j' |
      grep -vE '^jb' && complain 'more than the access'
    ;;
esac
exit "$bad"
