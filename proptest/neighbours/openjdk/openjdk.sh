#!/usr/bin/env bash
# openjdk.sh JAVA_HOME CLASSES LIBRARY WORK works|reports [libjsig]: Neighbour.java, with LIBRARY in the process;
# with libjsig.so preloaded, which lets others register handlers that the JVM asks behind its own.
#   works     the JVM's faults are its own and ours are ours
#   reports   of a fault of nobody's the JVM writes the report that it would write without us
set -euo pipefail
home=$1 classes=$2 library=$3 work=$4 what=$5 libjsig=${6-}

rm -rf "$work"
mkdir -p "$work"
cd "$work"

fail() {
  printf 'FAILED: %s\n' "$*"
  if [ -s out ]; then tail -n 40 out; fi
  exit 1
}

preload=
calls='the kernel calls us'
if [ -n "$libjsig" ]; then
  preload=$home/lib/libjsig.so
  calls='the kernel calls the JVM'
fi

# java LOG OPTION... -- WHAT...: runs it; `status` is its exit status, LOG the report of a crash.
java() {
  local log=$1 options=()
  shift
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  status=0
  # -Xbatch: what is hot has been compiled before it goes on. The report is of the instruction itself, in a
  # process whose memory is not kept.
  LD_PRELOAD=$preload timeout 60 "$home/bin/java" -cp "$classes" -XX:+UseSerialGC -Xmx64m -Xbatch \
    -XX:-CreateCoredumpOnCrash "-XX:ErrorFile=$PWD/$log" "${options[@]}" \
    Neighbour "$library" "$PWD/file" "$@" >out 2>&1 || status=$?
}
both_worked() {
  grep -q "^$calls\$" out || fail "$1: not '$calls'"
  grep -q '^both work$' out || fail "$1: not 'both work'"
}

# The first compiler leaves each check of null to the fault for ever; the second one goes back to asking where
# null is frequent.
works() {
  local compiler
  for compiler in -XX:TieredStopAtLevel=1 -XX:+TieredCompilation; do
    java crash.log "$compiler" -- works
    [ "$status" -eq 0 ] || fail "$compiler: exit status $status"
    both_worked "$compiler"
    [ ! -e crash.log ] || fail "$compiler: it has written a report of a crash"
  done
}

# What a report says of the fault.
said() { sed -n 's/^\(siginfo: .*\)/\1/p; s/^# *\(SIG[A-Z]* ([0-9a-fx]*)\) at .*/\1/p' "$1"; }
frame() { sed -n '/^# Problematic frame:/{n;p}' "$1"; }

reports() {
  local without
  java without.log -- crashes
  without=$status
  { [ "$without" -ne 0 ] && [ "$without" -ne 124 ]; } || fail "without us: exit status $without"
  said without.log | grep -q 'si_addr: 0x0000200000000123' || fail "without us: $(said without.log)"
  frame without.log | grep -q Java_Neighbour_crash || fail "without us: $(frame without.log)"

  java with.log -XX:TieredStopAtLevel=1 -- works crashes
  both_worked 'with us'
  [ "$status" -eq "$without" ] || fail "exit status $status, without us $without"
  [ "$(said with.log)" = "$(said without.log)" ] || fail "it says '$(said with.log)', without us '$(said without.log)'"
  # Behind libjsig there is nobody before us, and the JVM lets the signal come that we have sent on to nobody as
  # soon as its handler has asked ours: it names a frame of its own.
  if [ -z "$libjsig" ]; then
    [ "$(frame with.log)" = "$(frame without.log)" ] || fail "it names $(frame with.log), without us $(frame without.log)"
  fi

  # The last exceptions that there were: by faults of compiled code, not by questions.
  grep -q 'Implicit null exception at' with.log || fail "no check of null was left to a fault"
}

"$what"
