#!/usr/bin/env bash
# ./run mutants: break the library and its examples on purpose, once for each patch in proptest/mutants/, and see
# that the tests named in the patch fail, or that a fuzz target finds it. A mutant that nobody notices is a
# missing test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run mutants [NAME...]
       ./run mutants --fuzz [--seconds N] [NAME...]

Applies proptest/mutants/NAME.patch (default: each of them) to a copy of the tree, builds it, and
expects the tests that the patch names to fail. Above the diff, which may touch include/ and examples/:

  # breaks: <one line>
  # caught-by: <regular expression over test names, as for ctest -R>
  # target: <the programs that have these tests, and are built; without it, tests that build for
  #          themselves what they need>
  # preset: <a preset of CMakePresets.json>    (optional: gcc-debug, which compiles fastest)
  # fuzz: <a target of fuzz/>                  (optional: the one that owns the file, see below)
  # fuzz: no (<why>)                           (optional: --fuzz leaves it out)

Each source of proptest/unit and proptest/property is a program of its own here, unit_<source> or
property_<source>, and a property gets 1000 random cases, not 10000 (RC_PARAMS says otherwise).

A mutant whose tests pass because the machine lacks something counts as not run here.

  --fuzz        builds the fuzz target that owns the mutated file instead, and runs it on one core:
                first its corpus (fuzz/corpus/<target>), then whatever libFuzzer makes of that. An input
                counts where the target without the mutation passes it.
                Default: each mutant of the library that "# target:" gives to a property test.
                fault_in, ensure_accessible, try_copy, try_value, try_string and loops own the headers of
                these functions, handler what has to do with signals; with engine/ and arch/ the patch
                says whose it is.
  --seconds N   how long a target has, without the build (default: 300)

Exit status: 0 each mutant was caught (found), 1 one survived or could not be tried, 2 usage, 3 packages.
TEXT
}

mode='test'
seconds=
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --fuzz) mode=fuzz ;;
    --seconds)
      [[ ${2-} =~ ^[1-9][0-9]{0,4}$ ]] ||
        usage_error "run mutants: --seconds needs a number of seconds, 1 to 99999"
      seconds=$2
      shift
      ;;
    -*) usage_error "run mutants: unknown argument '$1' (try --help)" ;;
    *)
      [ -f "proptest/mutants/$1.patch" ] ||
        usage_error "run mutants: no mutant '$1' in proptest/mutants/"
      names+=("$1")
      ;;
  esac
  shift
done
if [ -n "$seconds" ] && [ "$mode" != fuzz ]; then
  usage_error "run mutants: --seconds goes with --fuzz"
fi
seconds=${seconds:-300}
are_named=yes
if [ ${#names[@]} -eq 0 ]; then
  are_named=no
  for patch in proptest/mutants/*.patch; do
    [ -e "$patch" ] || fail "run mutants: there is no proptest/mutants/*.patch"
    name=${patch##*/}
    names+=("${name%.patch}")
  done
fi

# header NAME KEY [DEFAULT]: one of the lines above the diff.
header() {
  local value
  value=$(sed -n "/^--- /q; s/^# $2: *//p" "proptest/mutants/$1.patch" | sed -n 1p)
  if [ -z "$value" ]; then
    [ $# -eq 3 ] || fail "proptest/mutants/$1.patch: no line '# $2: ...' above the diff"
    value=$3
  fi
  printf '%s\n' "$value"
}

root=$PWD
work=$root/build/mutants
tree=$work/tree
log=$work/log
# A mutant may spin or hang; no test named by one needs this long.
timeout=30
export RC_PARAMS=${RC_PARAMS:-max_success=1000}
unset SUREFOOT_TEST_ALL

# Brings the copy up to date. Only files that differ are written, so that a second run rebuilds
# little; they get a new time stamp, so that ninja rebuilds them.
copy_tree() {
  local file
  mkdir -p "$tree"
  git ls-files -z --cached --others --exclude-standard >"$work/files"
  while IFS= read -r -d '' file; do
    if [ ! -f "$file" ]; then
      rm -f "$tree/$file"
    elif ! cmp -s "$file" "$tree/$file"; then
      mkdir -p "$tree/$(dirname "$file")"
      cp "$file" "$tree/$file"
    fi
  done <"$work/files"
  # What the repository no longer has, the copy must not have either.
  (cd "$tree" && find . -path ./build -prune -o -type f -print0) |
    while IFS= read -r -d '' file; do
      grep -qzxF -- "${file#./}" "$work/files" || rm -f "$tree/$file"
    done
}

# The copy lies inside our repository and is not one itself: git must not look above it, or it
# takes the paths of a patch for paths of the repository and ignores them.
apply() { GIT_CEILING_DIRECTORIES=$work git -C "$tree" apply "$@"; }

# The files that a mutant changes, one a line.
touched() { apply --numstat "$root/proptest/mutants/$1.patch" 2>"$log" | cut -f3; } # NAME

configure() { # PRESET
  (cd "$tree" && cmake --preset "$1" -DSUREFOOT_TESTS_APART=ON -DSUREFOOT_TEST_TIMEOUT="$timeout") \
    >"$log" 2>&1 </dev/null
}

build() { # PRESET [TARGET...]
  local preset=$1
  shift
  [ $# -eq 0 ] || (cd "$tree" && cmake --build "build/$preset" --target "$@" --parallel "$(jobs)") \
    >"$log" 2>&1 </dev/null
}

# The tests that a mutant names, as arguments of ctest. Only those of programs that are built for it:
# another one may still be that of an earlier mutant. A test's label is its program.
tests_of() { # NAME
  local targets
  targets=$(header "$1" target '')
  printf '%s\n' -R "$(header "$1" caught-by)"
  if [ -n "$targets" ]; then printf '%s\n' -L "^(${targets// /|})\$"; else printf '%s\n' -LE .; fi
}

run_ctest() { # PRESET ARGUMENT...
  local preset=$1
  shift
  (cd "$tree" && ctest --preset "$preset" "$@") </dev/null
}

run_tests() { # PRESET ARGUMENT...
  rm -f "$work/junit.xml"
  run_ctest "$@" --parallel "$(jobs)" --output-junit "$work/junit.xml" >"$log" 2>&1
}

show_log() { tail -n 30 "$log" | sed 's/^/    /' >&2; }

# There are two modes. Each says which preset and programs a mutant needs, sees that these pass without a
# mutation, and judges a mutant that is built: `outcome` says what came of it, `result` is caught, missed or
# skipped.
#
# test: do the tests that a patch names fail?

# lld: without it, tests of what it makes of the table are skipped.
test_needs() { need_packages g++ lld "${test_packages[@]}"; }

test_preset() { header "$1" preset gcc-debug; } # NAME
test_targets() { header "$1" target ''; }       # NAME

test_unchanged() { # PRESET NAME...
  local preset=$1 name numbers=() its_tests its_numbers
  shift
  # A regular expression that matches no test catches nothing.
  for name in "$@"; do
    mapfile -t its_tests < <(tests_of "$name")
    mapfile -t its_numbers < <(run_ctest "$preset" -N "${its_tests[@]}" |
      sed -n 's/^ *Test *#\([0-9]*\): .*/\1/p')
    [ ${#its_numbers[@]} -gt 0 ] ||
      fail "proptest/mutants/$name.patch: no test of its target matches '${its_tests[1]}'"
    numbers+=("${its_numbers[@]}")
  done
  say "$preset: the named tests without mutation"
  # -I FROM,TO,STEP,NUMBER...
  run_tests "$preset" --output-on-failure \
    -I "${numbers[0]},${numbers[0]},1,$(printf '%s\n' "${numbers[@]}" | sort -nu | paste -sd ,)"
}

test_mutant() { # NAME
  local its_tests needs by how
  mapfile -t its_tests < <(tests_of "$1")
  if run_tests "$(test_preset "$1")" "${its_tests[@]}" --stop-on-failure; then
    needs=$(awk -f cmake/run/junit.awk "$work/junit.xml" | sed -n "s/^note\t//p" | sed -n 1p)
    if [ -n "$needs" ]; then
      result=skipped
      outcome="not run here: $needs"
    else
      outcome="SURVIVED ($(header "$1" breaks))"
    fi
    return
  fi
  by=$(awk -f cmake/run/junit.awk "$work/junit.xml" | sed -n "s/^failed\t//p" | paste -sd ";" -) || true
  if [ -n "$by" ]; then
    result=caught
    # How, where a test did not just say so: "Timeout", "SEGFAULT".
    how=$(sed -n 's/^\t *[0-9]* - .* (\([^()]*\))$/\1/p' "$log" | sort -u |
      sed '/^Failed$/d' | paste -sd , -)
    outcome="caught by $by${how:+ ($how)}"
  else
    outcome='NOT TRIED: ctest failed, but no test did'
    show_log
  fi
}

test_heading() { :; }
test_tell() { echo "[$number/${#names[@]}] $1: $outcome ($((SECONDS - start)) s)"; } # NAME

test_sum() { echo "$caught mutants caught, $missed not, $skipped not run here"; }

# fuzz: does the fuzz target that owns the mutated file find the mutant?

fuzz_needs() { need_packages clang libclang-rt-dev cmake ninja-build git; }

owner_of_file() { # FILE
  case ${1#include/surefoot/} in
    fault_in.hpp) echo fault_in ;;
    ensure_accessible.hpp) echo ensure_accessible ;;
    try_copy.hpp | try_fill.hpp | try_gather.hpp | buffers.hpp | salvage.hpp) echo try_copy ;;
    try_value.hpp | try_atomic.hpp) echo try_value ;;
    try_string.hpp) echo try_string ;;
    loop.hpp) echo loops ;;
    signal/* | handler.hpp | guarded.hpp | heal.hpp) echo handler ;;
    *) echo nobody ;; # several use it
  esac
}

# The target that owns what a mutant changes; "no (<why>)" where only threads show it; else nothing.
owner() { # NAME
  local said file
  said=$(header "$1" fuzz '')
  [ -n "$said" ] ||
    said=$(touched "$1" | while IFS= read -r file; do owner_of_file "$file"; done | sort -u)
  case $said in
    nobody | *$'\n'*) ;;
    *) printf '%s\n' "$said" ;;
  esac
}

# Does it break the library, and is it for a property test to catch?
is_for_a_property() { # NAME
  local files
  [[ " $(header "$1" target '')" = *' property_'* ]] || return 1
  files=$(touched "$1") || return 0 # it is tried, and then does not apply
  grep -q '^include/surefoot/' <<<"$files" && ! grep -q '^include/surefoot/testing/' <<<"$files"
}

# Without names, those that count; with names, no other than these.
choose_for_fuzz() {
  local name target chosen=() refuse=fail
  [ "$are_named" = no ] || refuse=usage_error
  for name in "${names[@]}"; do
    [ "$are_named" = yes ] || is_for_a_property "$name" || continue
    target=$(owner "$name")
    case $target in
      '')
        "$refuse" "run mutants: no fuzz target owns what proptest/mutants/$name.patch changes: '# fuzz: ...' there may name one"
        ;;
      no | 'no '*)
        [ "$are_named" = no ] || usage_error "run mutants: $name is none for a fuzz target: ${target#no }"
        say "left out: $name ${target#no }"
        continue
        ;;
    esac
    chosen+=("$name")
  done
  names=("${chosen[@]}")
}

fuzz_preset() { echo fuzz-libfuzzer-plain; } # the fastest: no sanitizer
fuzz_targets() {                             # NAME
  local target
  target=$(owner "$1")
  [ ! -f "fuzz/$target.cpp" ] || echo "fuzz_$target"
}

# A corpus of its own, which grows, for what run_target does.
copy_corpus() { # TARGET
  rm -rf "$scratch"
  mkdir -p "$scratch/corpus"
  cp -r "$tree/fuzz/corpus/$1/." "$scratch/corpus" 2>"$log" || { show_log; fail "run mutants: no corpus"; }
}

run_target() { # LOG TARGET LIMIT ARGUMENT...
  run_program "$1" "$(program "$2")" "${@:3}"
}
program() { echo "$tree/build/$(fuzz_preset)/fuzz/fuzz_$1"; } # TARGET
unchanged() { echo "$work/unchanged_$1"; }                    # TARGET

# On one core. -seed: the same numbers again for the same mutant. The limit is for what libFuzzer does not
# see: before it runs, and where a signal never comes through. (clang links UBSan's run-time with libFuzzer:
# it must not take a signal before libFuzzer does.)
run_program() { # LOG PROGRAM LIMIT ARGUMENT...
  local to=$1 program=$2 limit=$3
  shift 3
  # No core file, and no "Aborted" from bash.
  (
    ulimit -c 0
    export UBSAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0
    taskset -c "$core" timeout --foreground -k 5 "$limit" "$program" \
      -max_len=64 -timeout=10 -seed=1 -print_final_stats=1 -artifact_prefix="$scratch/" "$@" || exit $?
  ) >"$to" 2>&1 </dev/null
}
replay_corpus() { # TARGET
  run_target "$log" "$1" $((seconds < 60 ? seconds : 60)) -runs=0 "$scratch/corpus"
}

fuzz_unchanged() { # PRESET NAME...
  local name target
  shift
  rm -f "$work"/unchanged_*
  for name in "$@"; do owner "$name"; done | sort -u >"$work/owners"
  while IFS= read -r target; do
    [ -f "fuzz/$target.cpp" ] || continue
    say "fuzz_$target: its corpus without mutation"
    copy_corpus "$target"
    replay_corpus "$target" || return
    cp "$(program "$target")" "$(unchanged "$target")" || return
  done <"$work/owners"
}

executed() {
  local n
  n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  # It died without a word: what it said last.
  [ -n "$n" ] || n=$(sed -n 's/^#\([0-9]\{1,\}\)\t.*/\1/p' "$log" | tail -n 1)
  printf '%s\n' "${n:-0}"
}

# The input that ended it, where libFuzzer kept one.
last_input() {
  local input
  for input in "$scratch"/crash-* "$scratch"/timeout-* "$scratch"/oom-*; do
    [ ! -f "$input" ] || { printf '%s\n' "$input"; return; }
  done
}

# Why it ended: the finding, a signal, a hang. Nothing where it is none of the target's.
what_ended_it() { # TARGET STATUS
  local said input status=0
  said=$(sed -n '/^FINDING: /{p;q}' "$log")
  [ -n "$said" ] || said=$(sed -n 's/^==.*ERROR: libFuzzer: //p' "$log" | sed -n 1p)
  if [ "$said" = 'deadly signal' ]; then
    # libFuzzer does not say which: the same input again, and libFuzzer takes none.
    input=$(last_input)
    if [ -n "$input" ]; then
      run_target "$scratch/again" "$1" 60 -handle_{segv,bus,abrt,ill,fpe}=0 "$input" || status=$?
      if [ "$status" -gt 128 ]; then said="SIG$(kill -l "$status")"; fi
    fi
  elif [ -z "$said" ]; then
    case $2 in
      124 | 137) said="hangs" ;; # killed by timeout
      *) if [ "$2" -gt 128 ]; then said="SIG$(kill -l "$2")"; fi ;;
    esac
  fi
  printf '%s\n' "$said"
}

# Whole and tenths of a second since a time of $EPOCHREALTIME without its point.
since() { # TIME
  local tenths=$(((${EPOCHREALTIME/[.,]/} - $1) / 100000))
  echo "$((tenths / 10)).$((tenths % 10))"
}

# The mutant's own doing? The unchanged target passes that input; where the process died without one (of a signal
# of which libFuzzer does not hear), the same fuzzing for as long. Of the first calls and of the corpus that is known.
is_its_own() { # TARGET BY INPUT
  if [ -n "$3" ]; then
    run_program "$log" "$(unchanged "$1")" 60 "$3"
  elif [ "$2" = fuzzing ]; then
    copy_corpus "$1"
    run_program "$log" "$(unchanged "$1")" $((${used%.*} + 60)) -max_total_time=$((${used%.*} + 1)) "$scratch/corpus"
  fi
}

fuzz_mutant() { # NAME
  local target begin left by=corpus status=0 why input
  target=$(owner "$1")
  copy_corpus "$target"
  begin=${EPOCHREALTIME/[.,]/}
  replay_corpus "$target" || status=$?
  used=$(since "$begin") executions=$(executed)
  grep -aq '^INFO: Seed:' "$log" || by='first calls' # libFuzzer had not begun
  left=$((seconds - ${used%.*}))
  if [ "$status" -eq 0 ] && [ "$left" -gt 0 ]; then
    by=fuzzing
    run_target "$log" "$target" $((left + 30)) -max_total_time="$left" "$scratch/corpus" || status=$?
    used=$(since "$begin") executions=$((executions + $(executed)))
  fi
  if [ "$status" -eq 0 ]; then
    outcome="NOT FOUND ($(header "$1" breaks))"
    return
  fi
  why=$(what_ended_it "$target" "$status")
  input=$(last_input)
  if [ -z "$why" ]; then
    outcome="NOT TRIED: fuzz_$target ended with status $status"
    show_log
  elif [ "${used%.*}" -ge "$((seconds + 1))" ]; then
    outcome="NOT FOUND in time ($by: $why)"
  elif ! is_its_own "$target" "$by" "$input"; then
    outcome="NOT FOUND: the unchanged target does not pass that either ($by: $why)"
    show_log
  else
    result=caught
    outcome="$by: $why"
    [ -z "$input" ] || ! run_target "$log" "$target" 60 "$input" || outcome+=' (not by that input alone)'
  fi
}

fuzz_row() { printf '%-36s %-18s %8s %12s  %s\n' "$@"; }
fuzz_heading() { fuzz_row mutant target seconds executions 'found by'; }
fuzz_tell() { # NAME
  fuzz_row "$1" "$(owner "$1")" "${used:--}" "${executions:--}" "$outcome"
  [ "$result" = caught ] || not_found+=("$1")
}
fuzz_sum() {
  [ ${#not_found[@]} -eq 0 ] || echo "not found: ${not_found[*]}"
  echo "$caught found, $missed not"
}

"${mode}_needs"
mkdir -p "$tree"
if [ "$mode" = fuzz ]; then
  scratch=$work/fuzz
  trap 'rm -rf "$scratch"' EXIT
  # libFuzzer takes Ctrl-C for its own end, and bash would go on with the next mutant.
  trap 'exit 130' INT
  core=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
  not_found=()
  choose_for_fuzz
fi

presets=()
for name in "${names[@]}"; do
  header "$name" breaks >/dev/null
  header "$name" caught-by >/dev/null
  preset=$("${mode}_preset" "$name")
  case $preset in clang-*) need_packages clang libclang-rt-dev ;; esac
  case " ${presets[*]-} " in *" $preset "*) ;; *) presets+=("$preset") ;; esac
done

say "copying the tree"
copy_tree

# Without its mutation the tree must pass, else a failure below proves nothing.
for preset in "${presets[@]}"; do
  say "$preset: build without mutation"
  its_names=() targets=()
  for name in "${names[@]}"; do
    [ "$("${mode}_preset" "$name")" = "$preset" ] || continue
    its_names+=("$name")
    read -r -a its_targets <<<"$("${mode}_targets" "$name")"
    targets+=("${its_targets[@]}")
  done
  { configure "$preset" && build "$preset" "${targets[@]}"; } ||
    { show_log; fail "run mutants: the unchanged tree does not build"; }
  "${mode}_unchanged" "$preset" "${its_names[@]}" ||
    { show_log; fail "run mutants: the unchanged tree does not pass"; }
done

caught=0 missed=0 skipped=0 number=0
"${mode}_heading"
for name in "${names[@]}"; do
  number=$((number + 1))
  start=$SECONDS
  patch=$root/proptest/mutants/$name.patch
  read -r -a targets <<<"$("${mode}_targets" "$name")"
  result=missed outcome='' used='' executions=''

  if ! files=$(touched "$name") || [ -z "$files" ] || ! apply --check "$patch" 2>"$log"; then
    outcome='NOT TRIED: the patch does not apply'
    show_log
  elif grep -qvE '^(include|examples)/' <<<"$files"; then
    outcome='NOT TRIED: touches files outside include/ and examples/'
  elif [ "$mode" = fuzz ] && [ ${#targets[@]} -eq 0 ]; then
    outcome="NOT TRIED: there is no fuzz/$(owner "$name").cpp"
  else
    apply "$patch"
    if ! build "$("${mode}_preset" "$name")" "${targets[@]}"; then
      outcome='NOT TRIED: does not build'
      show_log
    else
      "${mode}_mutant" "$name"
    fi
    # Back to the original, with a new time stamp.
    apply -R "$patch"
  fi
  declare "$result=$((${!result} + 1))"
  "${mode}_tell" "$name"
done

"${mode}_sum"
[ "$missed" -eq 0 ]
