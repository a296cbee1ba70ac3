#!/bin/sh
# stray.sh VALGRIND PROGRAM: PROGRAM stray dies of a fault that is not ours. Does Valgrind say so, as it does of a
# program without a handler?
set -eu
export LC_ALL=C
valgrind=$1 program=$2
status=0
log=$("$valgrind" --vex-iropt-register-updates=allregs-at-mem-access "$program" stray 2>&1) || status=$?
for line in 'Process terminating with default action of signal 11 (SIGSEGV)' 'Bad permissions for mapped region' \
  'ERROR SUMMARY: 0 errors'; do
  case $log in
    *"$line"*) ;;
    *) echo "Valgrind does not say: $line" && status=1 ;;
  esac
done
[ "$status" -eq 139 ] || { printf '%s\nexit status %s\n' "$log" "$status" && exit 1; }
