#!/usr/bin/env bash
# fuzz/oss-fuzz/try.sh: builds the fuzz targets as OSS-Fuzz does and runs them as it does, without its images.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh
root=$PWD

usage() {
  cat <<'TEXT'
usage: fuzz/oss-fuzz/try.sh [--seconds N] [--sanitizer address|undefined] [--engine libfuzzer|afl] [TARGET...]

Runs build.sh with $CXX, $CXXFLAGS, $LIB_FUZZING_ENGINE, $SRC, $WORK and $OUT set as OSS-Fuzz sets them, into
directories that are removed again. Then runs each target in $OUT with its seed corpus, dictionary and
options, and with that service's sanitizer options.
  --seconds N      for each target (default: 30)
  --sanitizer S    one only (default: address, then undefined)
  --engine E       libfuzzer (default), or afl: what afl-fuzz runs, with AFL++'s libFuzzer driver
  TARGET...        run only these; all are built
  --test NAME      as the test NAME: 3 seconds a target, and only if SUREFOOT_TEST_ALL is set

Exit status: 0 fine, 1 something is missing in $OUT or a target found something, 2 usage, 3 packages missing.
TEXT
}

seconds=30 sanitizers=(address undefined) engine=libfuzzer only=() name=''
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --seconds)
      [[ ${2-} =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "try: --seconds needs a number of seconds"
      seconds=$2
      shift
      ;;
    --sanitizer)
      case ${2-} in address | undefined) ;; *) usage_error "try: --sanitizer is address or undefined" ;; esac
      sanitizers=("$2")
      shift
      ;;
    --engine)
      case ${2-} in libfuzzer | afl) ;; *) usage_error "try: --engine is libfuzzer or afl" ;; esac
      engine=$2
      shift
      ;;
    --test)
      [ -n "${2-}" ] || usage_error "try: --test needs the name of the test"
      name=$2 seconds=3
      shift
      ;;
    -*) usage_error "try: unknown argument '$1' (try --help)" ;;
    *)
      [[ $1 != */* && -f fuzz/$1.cpp ]] || usage_error "try: there is no target '$1'"
      only+=("$1")
      ;;
  esac
  shift
done

packages=(clang libclang-rt-dev llvm zip unzip libc++-dev libc++abi-dev)
if [ "$engine" = afl ]; then packages+=(afl++); fi
if [ -n "$name" ]; then
  [ -n "${SUREFOOT_TEST_ALL-}" ] || needs "minutes (./run test --all)"
  for program in clang++ zip unzip; do command -v "$program" >/dev/null || needs "$program"; done
  echo 'int main() { return 0; }' | clang++ -stdlib=libc++ -include vector -x c++ - -o /dev/null 2>/dev/null || needs libc++-dev
else
  need_packages "${packages[@]}"
fi

# From its images (infra/base-images/base-builder and base-runner). handle_segv=2 is the harder case: with it a
# handler of ours has no say, but for the .options.
common_flags='-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION'
undefined=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return
undefined+=,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound,vptr
declare -A sanitizer_flags=(
  [address]='-fsanitize=address -fsanitize-address-use-after-scope'
  [undefined]="-fsanitize=$undefined,unsigned-integer-overflow -fno-sanitize-recover=$undefined"
)
asan_options=alloc_dealloc_mismatch=0:allocator_may_return_null=1:allocator_release_to_os_interval_ms=500
asan_options+=:check_malloc_usable_size=0:detect_container_overflow=1:detect_odr_violation=0:detect_leaks=1
asan_options+=:detect_stack_use_after_return=1:fast_unwind_on_fatal=0:handle_abort=1:handle_segv=2:handle_sigbus=2
asan_options+=:handle_sigill=1:max_uar_stack_size_log=16:print_scariness=1:quarantine_size_mb=10:strict_memcmp=1
asan_options+=:strip_path_prefix=/workspace/:symbolize=1:use_sigaltstack=1:dedup_token_length=3
ubsan_options=print_stacktrace=1:print_summary=1:silence_unsigned_overflow=1:strip_path_prefix=/workspace/
ubsan_options+=:symbolize=1:dedup_token_length=3
fuzzer_arguments=(-rss_limit_mb=2560 -timeout=25)

case $engine in
  # There -fsanitize=fuzzer is all; Debian's libFuzzer was built with libstdc++.
  libfuzzer) cxx=clang++ engine_flags=-fsanitize=fuzzer-no-link link='-fsanitize=fuzzer -l:libstdc++.so.6' ;;
  afl)
    cxx=afl-clang-fast++ engine_flags=''
    link=$(find /usr/lib/afl /usr/local/lib/afl -name libAFLDriver.a 2>/dev/null | head -n 1) || true
    [ -n "$link" ] || fail "try: AFL++'s libAFLDriver.a is not here"
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# options_of FILE SECTION SEPARATOR PREFIX: the section's "key = value" lines as one word each.
options_of() {
  awk -v section="[$2]" -v separator="$3" -v prefix="$4" '
    /^\[/ { inside = $0 == section; next }
    inside && /=/ { gsub(/[ \t]/, ""); printf "%s%s%s", n++ ? separator : "", prefix, $0 }' "$1"
}

# run_target OUT TARGET SANITIZER SECONDS: as base-runner's run_fuzzer does.
run_target() {
  local out=$1 target=$2 seconds=$4 corpus log arguments ours
  corpus=$work/corpus/$2 log=$work/$3-$2.txt
  rm -rf "$corpus"
  mkdir -p "$corpus"
  unzip -q -o -d "$corpus" "$out/${target}_seed_corpus.zip"
  read -ra arguments < <(options_of "$out/$target.options" libfuzzer ' ' - && echo)
  if [ -f "$out/$target.dict" ]; then arguments+=("-dict=$out/$target.dict"); fi
  (
    cd "$out"
    # Behind the defaults: the last one counts.
    ours=$(options_of "$target.options" asan : '')
    if [ "$engine" = libfuzzer ]; then
      export ASAN_OPTIONS=$asan_options:$ours UBSAN_OPTIONS=$ubsan_options
      exec "./$target" "${fuzzer_arguments[@]}" "-artifact_prefix=$work/" "-max_total_time=$seconds" \
        -print_final_stats=1 "$corpus" "${arguments[@]}"
    fi
    # afl-fuzz wants its own, and has no say in max_len but -G.
    export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0:$ours
    export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_NO_AFFINITY=1
    unset UBSAN_OPTIONS
    arguments=(-V "$seconds" -m none -G 64)
    if [ -f "$target.dict" ]; then arguments+=(-x "$target.dict"); fi
    exec afl-fuzz "${arguments[@]}" -i "$corpus" -o "$work/afl-$target" -- "./$target"
  ) >"$log" 2>&1 </dev/null
}

check() { # OUT: is everything there, and nothing twice?
  local out=$1 source target file absent=0
  targets=()
  for source in fuzz/*.cpp; do
    target=$(basename "$source" .cpp)
    targets+=("$target")
    for file in "$target" "${target}_seed_corpus.zip" "$target.options" ${dictionary:+"$target.dict"}; do
      [ -s "$out/$file" ] || { echo "missing: \$OUT/$file"; absent=1; }
    done
    # The service takes for a target what has this name in it.
    grep -qa LLVMFuzzerTestOneInput "$out/$target" || { echo "no fuzz target: \$OUT/$target"; absent=1; }
    unzip -q -t "$out/${target}_seed_corpus.zip" >/dev/null || absent=1
    [ "$(unzip -Z1 "$out/${target}_seed_corpus.zip" | grep -vc '/$')" -eq "$(find "fuzz/corpus/$target" -type f | wc -l)" ] ||
      { echo "not the whole corpus: \$OUT/${target}_seed_corpus.zip"; absent=1; }
  done
  return "$absent"
}

dictionary=''
if [ -f fuzz/surefoot.dict ]; then dictionary=yes; fi
status=0
for sanitizer in "${sanitizers[@]}"; do
  out=$work/out-$sanitizer
  mkdir -p "$out" "$work/work-$sanitizer" "$work/src"
  ln -sfn "$root" "$work/src/surefoot"
  say "$sanitizer, $engine: build.sh"
  env -i PATH="$PATH" HOME="${HOME-/}" SRC="$work/src" WORK="$work/work-$sanitizer" OUT="$out" \
    CC="${cxx%++}" CXX="$cxx" CFLAGS="$common_flags ${sanitizer_flags[$sanitizer]} $engine_flags" \
    CXXFLAGS="$common_flags ${sanitizer_flags[$sanitizer]} $engine_flags -stdlib=libc++" \
    LIB_FUZZING_ENGINE="$link" SANITIZER="$sanitizer" FUZZING_ENGINE="$engine" FUZZING_LANGUAGE=c++ ARCHITECTURE=x86_64 \
    bash -eu fuzz/oss-fuzz/build.sh >"$work/build.txt" 2>&1 </dev/null ||
    { tail -n 30 "$work/build.txt"; fail "try: build.sh failed with the sanitizer $sanitizer"; }
  check "$out" || status=1

  for target in "${only[@]:-${targets[@]}}"; do
    log=$work/$sanitizer-$target.txt
    if run_target "$out" "$target" "$sanitizer" "$seconds"; then
      case $engine in
        libfuzzer) said=$(awk '/^stat::number_of_executed_units/ { print $2 }' "$log") ;;
        afl)
          said=$(awk -F ' *: ' '$1 == "execs_done" { print $2 }' "$work/afl-$target/default/fuzzer_stats")
          if [ "$(awk -F ' *: ' '$1 == "saved_crashes" { print $2 }' "$work/afl-$target/default/fuzzer_stats")" != 0 ]; then
            echo "$target: crashes"
            status=1
          fi
          ;;
      esac
      echo "$target: $seconds s, ${said:-no} executions"
      [ "${said:-0}" -gt 0 ] || status=1
    else
      echo "$target: it ended with status $?; the end of what it said:"
      tail -n 40 "$log" | sed 's/^/  /'
      status=1
    fi
  done

  # Is it the .options that make the difference? With the service's own alone, ASan's handler takes the
  # first fault.
  if [ "$sanitizer" = address ] && [ "$engine" = libfuzzer ]; then
    target=${only[0]:-${targets[0]}}
    if (cd "$out" && ASAN_OPTIONS=$asan_options "./$target" -runs=1 "$work/corpus/$target") >"$work/without.txt" 2>&1 </dev/null ||
      ! grep -q 'ERROR: AddressSanitizer: \(SEGV\|BUS\)' "$work/without.txt"; then
      echo "$target: without its .options it should die at its first fault, and does not"
      status=1
    fi
  fi
done
exit "$status"
