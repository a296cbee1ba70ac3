# shellcheck shell=bash
# What the commands share that build and test presets. Sourced, never run.
#
#   select   what is given to ctest to choose tests: (-R REGEX), or nothing
#   timeout  seconds for one test

select=()
timeout=120
passed=0 failed=0 skipped=0 layouts=0
failures=() # "preset: test", one an element
notes=$(mktemp) tiles=$(mktemp)
trap 'rm -f "$notes" "$tiles"' EXIT

# tally PRESET REPORT: adds a JUnit report of ctest to the totals.
tally() {
  local kind name
  while IFS=$'\t' read -r kind name; do
    case $kind in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      failed)
        failed=$((failed + 1))
        failures+=("$1: $name")
        ;;
      note) printf '%s\t%s\n' "$name" "$1" >>"$notes" ;;
      matrix) echo "$1: $name" ;;
      layouts) layouts=$((layouts + name)) ;;
      tile) printf '%s\n' "$name" >>"$tiles" ;;
    esac
  done < <(awk -f cmake/run/junit.awk "$2")
}

# try_preset PRESET: a preset that does not configure or build is one failure, and the rest goes on.
try_preset() {
  local preset=$1 report="$PWD/build/$1/junit.xml" status=0 before=$failed
  say "$preset: configure"
  cmake --preset "$preset" -DSUREFOOT_TEST_TIMEOUT="$timeout" </dev/null || { failed=$((failed + 1)); failures+=("$preset: configure"); return; }
  say "$preset: build"
  cmake --build --preset "$preset" --parallel "$(jobs)" </dev/null ||
    { failed=$((failed + 1)); failures+=("$preset: build"); return; }
  # (Not grep -q: ctest would die of what it does not read.)
  if [ ${#select[@]} -gt 0 ] &&
    ! ctest --preset "$preset" -N "${select[@]}" 2>/dev/null | grep -c '^ *Test *#' >/dev/null; then
    say "$preset: has no test of that name"
    return
  fi
  say "$preset: test"
  rm -f "$report"
  # The output of passed tests is kept whole: a test says there what it could not exercise.
  ctest --preset "$preset" --parallel "$(jobs)" --output-junit "$report" \
    --test-output-size-passed 10000000 --test-output-size-failed 10000000 \
    "${select[@]}" </dev/null || status=$?
  if [ -f "$report" ]; then tally "$preset" "$report"; fi
  if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
    failed=$((failed + 1))
    failures+=("$preset: ctest ended with status $status")
  fi
}

# say_result: what ran, what did not, and why. Fails where something failed.
say_result() {
  if [ -s "$tiles" ]; then
    say "tiles of the testing kit, in $layouts random and other layouts"
    awk -F '\t' '!($1 in times) { order[++n] = $1 }
                 { times[$1] += $2; if ($3 != "") why[$1] = $3 }
                 END { for (i = 1; i <= n; i++)
                         if (times[order[i]] > 0) printf "%s: exercised %d times\n", order[i], times[order[i]]
                         else printf "not run here: %s: %s\n", order[i], why[order[i]] }' "$tiles"
  fi

  say "result"
  if [ $((passed + failed + skipped)) -eq 0 ]; then
    failed=1
    failures+=("no test has a name that matches '${select[1]-}'")
  fi
  for failure in ${failures[@]+"${failures[@]}"}; do
    echo "failed: $failure"
  done
  if [ -s "$notes" ]; then
    # The same reason under several presets is one line.
    awk -F '\t' '!($1 in where) { order[++n] = $1 }
                 index(" " where[$1] ", ", " " $2 ", ") == 0 { where[$1] = where[$1] (where[$1] ? ", " : "") $2 }
                 END { for (i = 1; i <= n; i++) print "not run here: " order[i] " (" where[order[i]] ")" }' "$notes"
  elif [ "$failed" -eq 0 ] && [ ${#select[@]} -eq 0 ]; then
    echo "every check ran"
  fi
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}
