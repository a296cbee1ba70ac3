#!/usr/bin/env bash
# ./run mutants: break the library and its examples on purpose, once for each patch in proptest/mutants/, and see
# that the tests named in the patch fail. A mutant that nobody notices is a missing test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run mutants [NAME...]

Applies proptest/mutants/NAME.patch (default: each of them) to a copy of the tree, builds it, and
expects the tests that the patch names to fail. Above the diff, which may touch include/ and examples/:

  # breaks: <one line>
  # caught-by: <regular expression over test names, as for ctest -R>
  # target: <the programs that have these tests, and are built; without it, tests that build for
  #          themselves what they need>
  # preset: <a preset of CMakePresets.json>    (optional: gcc-debug, which compiles fastest)

Each source of proptest/unit and proptest/property is a program of its own here, unit_<source> or
property_<source>, and a property gets 1000 random cases, not 10000 (RC_PARAMS says otherwise).

A mutant whose tests pass because the machine lacks something counts as not run here.

Exit status: 0 each mutant was caught, 1 one survived or could not be tried, 2 usage, 3 packages.
TEXT
}

names=()
for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    -*) usage_error "run mutants: unknown argument '$argument' (try --help)" ;;
    *) [ -f "proptest/mutants/$argument.patch" ] ||
      usage_error "run mutants: no mutant '$argument' in proptest/mutants/" ;;
  esac
  names+=("$argument")
done
if [ ${#names[@]} -eq 0 ]; then
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

configure() { # PRESET
  (cd "$tree" && cmake --preset "$1" -DSUREFOOT_TESTS_APART=ON -DSUREFOOT_TEST_TIMEOUT="$timeout") \
    >"$log" 2>&1 </dev/null
}

build() { # PRESET [TARGET...]
  local preset=$1
  shift
  [ $# -eq 0 ] || (cd "$tree" && cmake --build --preset "$preset" --target "$@" --parallel "$(jobs)") \
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

# lld: without it, tests of what it makes of the table are skipped.
need_packages g++ lld "${test_packages[@]}"
presets=()
for name in "${names[@]}"; do
  header "$name" breaks >/dev/null
  header "$name" caught-by >/dev/null
  preset=$(header "$name" preset gcc-debug)
  case $preset in clang-*) need_packages clang libclang-rt-dev ;; esac
  case " ${presets[*]-} " in *" $preset "*) ;; *) presets+=("$preset") ;; esac
done

mkdir -p "$work"
say "copying the tree"
copy_tree

# Without its mutation the tree must pass, else a failure below proves nothing; and a regular
# expression that matches no test catches nothing.
for preset in "${presets[@]}"; do
  say "$preset: build without mutation"
  targets=()
  for name in "${names[@]}"; do
    [ "$(header "$name" preset gcc-debug)" = "$preset" ] || continue
    read -r -a its_targets <<<"$(header "$name" target '')"
    targets+=("${its_targets[@]}")
  done
  { configure "$preset" && build "$preset" "${targets[@]}"; } ||
    { show_log; fail "run mutants: the unchanged tree does not build"; }
  numbers=()
  for name in "${names[@]}"; do
    [ "$(header "$name" preset gcc-debug)" = "$preset" ] || continue
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
    -I "${numbers[0]},${numbers[0]},1,$(printf '%s\n' "${numbers[@]}" | sort -nu | paste -sd ,)" ||
    { show_log; fail "run mutants: the unchanged tree does not pass"; }
done

caught=0 bad=0 skipped=0 number=0
for name in "${names[@]}"; do
  number=$((number + 1))
  start=$SECONDS
  patch=$root/proptest/mutants/$name.patch
  preset=$(header "$name" preset gcc-debug)
  read -r -a targets <<<"$(header "$name" target '')"
  mapfile -t its_tests < <(tests_of "$name")
  outcome=''

  if ! touched=$(apply --numstat "$patch" 2>"$log" | cut -f3) || [ -z "$touched" ] ||
    ! apply --check "$patch" 2>"$log"; then
    outcome='NOT TRIED: the patch does not apply'
    show_log
  elif grep -qvE '^(include|examples)/' <<<"$touched"; then
    outcome='NOT TRIED: touches files outside include/ and examples/'
  else
    apply "$patch"
    if ! build "$preset" "${targets[@]}"; then
      outcome='NOT TRIED: does not build'
      show_log
    elif run_tests "$preset" "${its_tests[@]}" --stop-on-failure; then
      needs=$(awk -f cmake/run/junit.awk "$work/junit.xml" | sed -n "s/^note\t//p" | sed -n 1p)
      if [ -n "$needs" ]; then
        skipped=$((skipped + 1))
        echo "[$number/${#names[@]}] $name: not run here: $needs ($((SECONDS - start)) s)"
      else
        outcome="SURVIVED ($(header "$name" breaks))"
      fi
    else
      by=$(awk -f cmake/run/junit.awk "$work/junit.xml" | sed -n "s/^failed\t//p" | paste -sd ";" -) || true
      if [ -n "$by" ]; then
        caught=$((caught + 1))
        # How, where a test did not just say so: "Timeout", "SEGFAULT".
        how=$(sed -n 's/^\t *[0-9]* - .* (\([^()]*\))$/\1/p' "$log" | sort -u |
          sed '/^Failed$/d' | paste -sd , -)
        echo "[$number/${#names[@]}] $name: caught by $by${how:+ ($how)} ($((SECONDS - start)) s)"
      else
        outcome='NOT TRIED: ctest failed, but no test did'
        show_log
      fi
    fi
    # Back to the original, with a new time stamp.
    apply -R "$patch"
  fi
  if [ -n "$outcome" ]; then
    bad=$((bad + 1))
    echo "[$number/${#names[@]}] $name: $outcome ($((SECONDS - start)) s)"
  fi
done

echo "$caught mutants caught, $bad not, $skipped not run here"
[ "$bad" -eq 0 ]
