#!/bin/sh
# machine.sh INCLUDE_DIR: every line of assembly and every register of a ucontext is below arch/,
# and no primitive names a signal. Line comments are not code; they may name what they like.
set -eu
export LC_ALL=C
cd "$1/surefoot"

# search WHAT PATTERN FILE...
search() {
  what=$1 pattern=$2
  shift 2
  for file in "$@"; do
    [ -e "$file" ] || continue
    code='s@//.*@@'
    # Below os/, `__asm__("name");` behind a declaration says which symbol of libc is meant: no instruction.
    case $file in ./os/*) code="$code; s@__asm__(\"[a-z_]*\");@@" ;; esac
    hits=$(sed "$code" "$file" | grep -nE "$pattern" | sed "s@^@$file:@") || true
    [ -z "$hits" ] && continue
    printf '%s:\n%s\n' "$what" "$hits"
    bad=1
  done
}

bad=0
# shellcheck disable=SC2046  # our file names hold no blanks
search 'outside arch/' '\b(asm|__asm|__asm__)\b|uc_mcontext' \
  $(find . -name '*.hpp' ! -path './testing/*' ! -path './arch/*')
search 'a primitive names a signal' '\b(SIG(SEGV|BUS)|siginfo_t|ucontext_t)\b' \
  fault_in.hpp ensure_accessible.hpp try_copy.hpp try_value.hpp try_atomic.hpp try_string.hpp \
  try_fill.hpp try_gather.hpp buffers.hpp salvage.hpp find_holes.hpp heal.hpp loop.hpp
[ "$bad" -eq 0 ] && echo 'none'
exit "$bad"
