#!/usr/bin/env bash
# planted.sh SOURCE_DIRECTORY: fuzzers report a null write outside of the library as the crash that it is, also
# after the library took the signals back from them: what is not ours is handed on, and goes round in no circle.
set -euo pipefail
root=$1
work=$(mktemp -d "$PWD/planted.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  printf 'FAILED: %s\n' "$*"
  if [ -s out ]; then tail -n 40 out; fi
  exit 1
}
skip() { printf 'SKIPPED: %s\n' "$*"; }

# A program of one call: eight bytes of layout, then its record.
write_null_at_once() { printf '\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0' >"$1"; }
take_back_first() { printf '\0\0\0\0\0\0\0\0\x81\0\0\0\0\0\0\0' >"$1"; }
write_null_at_once null
take_back_first back
printf '\0\0\0\0\0\0\0\0\x82\0\0\0\0\0\0\0' >fine

sources=("$root/fuzz/support/target.cpp" "$root/fuzz/support/other_image.cpp" "$root/proptest/fuzz/planted.cpp")
flags=(-std=c++20 -O1 -g "-I$root/include" "-I$root/fuzz/support" -pthread)

# reports PROGRAM INPUT PATTERN: the fuzzer ends with a failure, and says so.
reports() {
  local status=0
  timeout 60 "$1" "$2" >out 2>&1 || status=$?
  [ "$status" -ne 0 ] || fail "$1 $2: no crash was reported"
  [ "$status" -ne 124 ] || fail "$1 $2: goes round in a circle"
  grep -q "$3" out || fail "$1 $2: nothing that looks like '$3'"
}

if ! command -v clang++ >/dev/null; then
  skip "a planted null write is reported by libFuzzer: needs clang"
else
  for kind in address none; do
    sanitize=-fsanitize=fuzzer
    [ "$kind" = none ] || sanitize+=,$kind
    clang++ "${flags[@]}" "$sanitize" "${sources[@]}" -o "libfuzzer-$kind" >out 2>&1 || fail "does not build"
    "./libfuzzer-$kind" fine >out 2>&1 || fail "reports a crash where there is none"
    for input in null back; do
      # (Without ASan it is UBSan's, which comes with libFuzzer.)
      reports "./libfuzzer-$kind" "$input" 'Sanitizer: SEGV on unknown address 0x000000000000'
      grep -q 'in fuzz::.*write_null' out || fail "libfuzzer-$kind $input: does not say where"
    done
    # Found by itself, and kept: from an input without it.
    mkdir -p "corpus-$kind"
    cp fine "corpus-$kind/fine"
    status=0
    rm -f artifact-*
    timeout 100 "./libfuzzer-$kind" -artifact_prefix=artifact- -max_total_time=60 "corpus-$kind" >out 2>&1 || status=$?
    { [ "$status" -ne 0 ] && [ "$status" -ne 124 ]; } || fail "libFuzzer ($kind) does not find it"
    compgen -G 'artifact-*' >/dev/null || fail "libFuzzer ($kind) keeps no artifact"
  done
fi

if ! command -v afl-clang-fast++ >/dev/null; then
  skip "a planted null write is reported by AFL++: needs afl++"
else
  AFL_QUIET=1 afl-clang-fast++ "${flags[@]}" "${sources[@]}" "$root/fuzz/support/driver.cpp" -o afl >out 2>&1 || fail "does not build"
  for input in null back fine; do
    status=0
    afl-showmap -q -t 5000 -o map -- ./afl <"$input" >out 2>&1 || status=$?
    # 0: it ended well; 2: it crashed.
    [ "$status" -eq "$([ "$input" = fine ] && echo 0 || echo 2)" ] || fail "afl-showmap says $status of $input"
  done
  mkdir in
  cp fine in/
  AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_BENCH_UNTIL_CRASH=1 \
    timeout 100 afl-fuzz -i in -o found -V 60 -G 32 -- ./afl >out 2>&1 || true
  compgen -G 'found/default/crashes/id*' >/dev/null || fail "AFL++ does not find it"
fi
