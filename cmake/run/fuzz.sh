#!/usr/bin/env bash
# ./run fuzz: the targets of fuzz/ under libFuzzer or AFL++; their corpus made small; the lines it reaches.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

targets=()
for source in fuzz/*.cpp; do
  targets+=("$(basename "$source" .cpp)")
done

usage() {
  cat <<TEXT
usage: ./run fuzz [TARGET...] [--engine libfuzzer|afl] [--plain] [--minutes N | --seconds N] [--jobs N]
       ./run fuzz --minimise [TARGET...]
       ./run fuzz --coverage [--no-check] [TARGET...]

Fuzzes the targets, or those that are named, one after the other, and prints what was found: the program,
the picture of the layout, and the command that does it again.
  --engine E     libfuzzer (default: with ASan and UBSan) or afl (AFL++)
  --plain        libFuzzer without sanitizers, which is faster
  --minutes N    how long all of it takes (default: a minute for each target); --seconds N: a short try
  --jobs N       how many processes for a target (default: one for each processor, here $(jobs))
Ctrl-C stops early, with the same summary and exit status. Kept in build/: fuzz-corpus/, from which the
next run goes on, fuzz-findings/, fuzz-logs/.

  --minimise     makes fuzz/corpus/ small: of it and build/fuzz-corpus/, what is needed for what both reach,
                 and each found-* (an input that was a finding once)
  --coverage     which lines of include/surefoot fuzz/corpus/ reaches; as HTML: build/fuzz-coverage/html;
                 fails below 95 % of all lines, or where fuzz/uncovered.txt has no reason for a line
  --no-check     only shows

Targets: ${targets[*]}

Exit status: 0 nothing was found, 1 something was (or a check failed), 2 usage, 3 packages are missing.
TEXT
}

mode=fuzz engine=libfuzzer plain=no seconds='' workers=$(jobs) check=yes
chosen=() fuzz_only='' coverage_only=''
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --engine)
      case ${2-} in libfuzzer | afl) engine=$2 ;; *) usage_error "run fuzz: --engine is libfuzzer or afl" ;; esac
      fuzz_only=$1
      shift
      ;;
    --plain) plain=yes fuzz_only=$1 ;;
    --minutes | --seconds | --jobs)
      [[ ${2-} =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "run fuzz: $1 needs a number from 1 to 99999"
      case $1 in --minutes) seconds=$(($2 * 60)) ;; --seconds) seconds=$2 ;; --jobs) workers=$2 ;; esac
      fuzz_only=$1
      shift
      ;;
    --minimise | --coverage)
      [ "$mode" = fuzz ] || usage_error "run fuzz: --minimise and --coverage are two commands"
      mode=${1#--}
      ;;
    --no-check) check=no coverage_only=$1 ;;
    -*) usage_error "run fuzz: unknown argument '$1' (try --help)" ;;
    *)
      case " ${targets[*]} " in
        *" $1 "*) ;;
        *) usage_error "run fuzz: there is no target '$1'; targets: ${targets[*]}" ;;
      esac
      case " ${chosen[*]-} " in *" $1 "*) ;; *) chosen+=("$1") ;; esac
      ;;
  esac
  shift
done
[ ${#chosen[@]} -eq 0 ] || targets=("${chosen[@]}")
if [ "$mode" != fuzz ] && [ -n "$fuzz_only" ]; then usage_error "run fuzz: $fuzz_only does not go with --$mode"; fi
if [ "$mode" != coverage ] && [ -n "$coverage_only" ]; then
  usage_error "run fuzz: $coverage_only goes with --coverage"
fi
if [ "$engine" = afl ] && [ "$plain" = yes ]; then usage_error "run fuzz: --plain is for libFuzzer"; fi

# Findings abort: no core files.
ulimit -c 0
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_QUIET=1
most_bytes=64 # a layout and seven records
trap 'exit 130' INT TERM HUP

# build PRESET PROGRAM...
build() {
  local preset=$1
  shift
  say "building for $preset"
  cmake --preset "$preset" </dev/null >/dev/null
  cmake --build "build/$preset" --target "$@" --parallel "$(jobs)" </dev/null
}

program() { printf '%s\n' "build/$1/fuzz/fuzz_$2"; } # PRESET TARGET

# add_files DIRECTORY FILE...: those that are not there yet, each named after its content.
add_files() {
  local to=$1 hash path
  shift
  [ $# -gt 0 ] || return 0
  while read -r hash path; do
    if [ ! -e "$to/$hash" ]; then
      # Whole or not at all: the next run reads what is there.
      ln -- "$path" "$to/$hash" 2>/dev/null || { cp -- "$path" "$to.part" && mv -- "$to.part" "$to/$hash"; }
    fi
  done < <(sha1sum -- "$@")
}

files_in() { find "$@" -type f; }
# add_all DIRECTORY FROM...: the same for all files of directories.
add_all() {
  local to=$1 found
  shift
  mapfile -t found < <(for from in "$@"; do if [ -d "$from" ]; then files_in "$from"; fi; done)
  add_files "$to" "${found[@]}"
}

grouped() { # 1234567 as 1,234,567
  local n=$1
  while [[ $n =~ ^([0-9]+)([0-9]{3}.*)$ ]]; do n=${BASH_REMATCH[1]},${BASH_REMATCH[2]}; done
  printf '%s\n' "$n"
}
clock() { printf '%d:%02d\n' $(($1 / 60)) $(($1 % 60)); }

# ---- what a finding is

# try_file PROGRAM FILE...: its output; status 0: no finding. Ten seconds are a hang for a fuzzer; here another
# program runs, which may be slower.
try_file() {
  (
    exec 3>&1 2>/dev/null # bash's own word on who died of a signal
    timeout -k 5 30 "$@" >&3 2>&3 </dev/null
    exit $?
  )
}

preset_of_engine() {
  case $engine-$plain in
    afl-*) echo fuzz-afl ;;
    *-yes) echo fuzz-libfuzzer-plain ;;
    *) echo fuzz-libfuzzer ;;
  esac
}

# show_findings TARGET FILE...: each kind once, the shortest file of it.
show_findings() {
  local target=$1 file output status replay own reproduce what engines=''
  local -A shown=()
  shift
  replay=$(program fuzz-replay "$target") own=$(program "$(preset_of_engine)" "$target")
  [ -z "${SUREFOOT_FUZZ_ENGINES-}" ] || engines="SUREFOOT_FUZZ_ENGINES=$SUREFOOT_FUZZ_ENGINES "
  while read -r _ file; do
    case $file:${shown[does not end]-} in
      */timeout-*1) echo "the same, as it looks: $file"; continue ;; # half a minute each
    esac
    reproduce=$replay status=0
    output=$(try_file "$replay" "$file") || status=$?
    if [ "$status" -eq 0 ]; then
      # Only where the sanitizers look, or only as this engine's compiler has it.
      reproduce=$own
      output=$(try_file "$own" "$file") || status=$?
    elif [ "$engine" = libfuzzer ] && [ "$status" -ne 124 ] && ! grep -q '^FINDING:' <<<"$output"; then
      # A fault that is not ours: it has a stack to show.
      output=$(try_file "$own" "$file") || true
    fi
    # What is the same about two of them: what the target, or the sanitizer, says first.
    what=$(sed -n -e 's/^FINDING: //p' -e 's/^==[0-9]*==ERROR: \(.*\)/\1/p' -e '/: runtime error: /p' \
      <<<"$output" | sed -n -e '1s/ on \(unknown \)\?address .*//' -e '1s/0x[0-9a-f]*/0x.../g' -e 1p)
    case $status in
      0) what="not again by itself: $file" ;;
      124 | 137) what="does not end" ;;
      *) what=${what:-dies of SIG$(kill -l "$status" 2>/dev/null || echo "? (status $status)")} ;;
    esac
    if [ -n "${shown[$what]-}" ]; then
      echo "the same: $file"
      continue
    fi
    shown[$what]=1
    echo
    say "finding: $target: ${what#"$target: "}"
    # A target prints its program and the layout; where it had no time to, the program at least.
    if ! grep -q '^program:' <<<"$output"; then
      try_file "$replay" --show "$file" | sed -n '/^[0-9]* inputs replayed/q; 2,$p' || true
    fi
    if [ "$status" -ne 0 ]; then
      grep -vxF -- "$file" <<<"$output" | sed -e '/^INFO: /d' -e '/^==[0-9]*== NOTE: /d' -e '/^SUMMARY: /q' |
        sed -n 1,80p || true
    else
      echo "It did not happen again with this file alone: see $(logs_dir "$target")/."
    fi
    echo "reproduce: $engines$reproduce $file"
  done < <(stat -c '%s %n' -- "$@" | sort -n)
}

# ---- fuzzing

declare -A state=() executions=() rate=() edges=() corpus=() findings=() pid=() base=() job_findings=()
troubles=() drawn=0 current='' share_end=0 next_line=0 stopped=no interrupted=no
for target in "${targets[@]}"; do
  state[$target]=waiting executions[$target]=0 rate[$target]=0 edges[$target]=0 corpus[$target]=0 findings[$target]=0
done

corpus_dir() { printf '%s\n' "build/fuzz-corpus/$1"; }
findings_dir() { printf '%s\n' "build/fuzz-findings/$1"; }
logs_dir() { printf '%s\n' "build/fuzz-logs/$engine/$1"; } # two engines may run at once
log_of() { printf '%s\n' "$(logs_dir "$1")/$2.log"; } # TARGET JOB
afl_dir() { printf '%s\n' "build/fuzz-afl-work/$1"; }
afl_name() { if [ "$1" -eq 1 ]; then echo main; else echo "job$1"; fi; }

# What was found since this target began. A slow unit is no finding.
found() { # TARGET
  find "$(findings_dir "$1")" -type f ! -name 'slow-unit-*' -newer "$(logs_dir "$1")/began" 2>/dev/null || true
}

afl_found() { find "$1" \( -path '*/crashes/id:*' -o -path '*/hangs/id:*' \) -type f 2>/dev/null || true; }

# AFL++ keeps its files in a form of its own: into the corpus and beside libFuzzer's findings.
collect_afl() { # TARGET
  local kind prefix hash path
  [ -d "$(afl_dir "$1")" ] || return 0
  mkdir -p "$(corpus_dir "$1")" "$(findings_dir "$1")"
  mapfile -t path < <(find "$(afl_dir "$1")" -path '*/queue/id:*' -type f)
  add_files "$(corpus_dir "$1")" "${path[@]}"
  for kind in crashes:crash hangs:timeout; do
    prefix=${kind#*:} kind=${kind%:*}
    while read -r hash path; do
      cp -- "$path" "$(findings_dir "$1")/$prefix-$hash"
    done < <(find "$(afl_dir "$1")" -path "*/$kind/id:*" -type f -exec sha1sum {} +)
  done
}

# A program runs one of each of its calls before the first input: where that fails, no fuzzer has a file to
# show. The empty input stands for it.
starts() { # TARGET
  local empty
  empty=$(logs_dir "$1")/empty
  : >"$empty"
  try_file "$(program "$(preset_of_engine)" "$1")" "$empty" >/dev/null && return 0
  [ "$interrupted" = no ] || return 1 # it did not fail, it was stopped
  cp -- "$empty" "$(findings_dir "$1")/crash-$(sha1sum <"$empty" | cut -d ' ' -f 1)"
  return 1
}

# AFL++ passes over a seed that crashes, and says nothing; and wants a seed.
sort_out_seeds() { # TARGET
  local file replay
  replay=$(program fuzz-replay "$1")
  try_file "$replay" "$(corpus_dir "$1")" >/dev/null && return 0
  for file in "$(corpus_dir "$1")"/*; do
    try_file "$replay" "$file" >/dev/null && continue
    [ "$interrupted" = no ] || return 1
    mv -- "$file" "$(findings_dir "$1")/crash-${file##*/}"
  done
  touch -- "$(findings_dir "$1")"/crash-* # now, not when the seed was made
  if [ -z "$(files_in "$(corpus_dir "$1")")" ]; then head -c 8 /dev/zero >"$(corpus_dir "$1")/eight-zeros"; fi
}

begin_target() { # TARGET
  mkdir -p "$(corpus_dir "$1")" "$(findings_dir "$1")" "$(logs_dir "$1")" build/fuzz-afl-work
  rm -f "$(logs_dir "$1")"/*
  collect_afl "$1" # of a run that could not
  rm -rf "$(afl_dir "$1")"
  add_all "$(corpus_dir "$1")" "fuzz/corpus/$1"
  touch "$(logs_dir "$1")/began"
  sleep 0.02 # file times have the clock's tick
  starts "$1" || return 1
  if [ "$engine" = afl ]; then sort_out_seeds "$1"; fi
}

# start_job TARGET JOB SECONDS. Each in a session of its own: Ctrl-C comes to us alone.
start_job() {
  local target=$1 job=$2 left=$3 own dictionary=() role
  own=$(program "$(preset_of_engine)" "$target")
  if [ "$engine" = libfuzzer ]; then
    [ ! -f fuzz/surefoot.dict ] || dictionary=(-dict=fuzz/surefoot.dict)
    setsid "$own" -max_len="$most_bytes" -reload=1 -timeout=10 -print_final_stats=1 -print_funcs=0 \
      -max_total_time="$left" -artifact_prefix="$(findings_dir "$target")/" "${dictionary[@]}" \
      "$(corpus_dir "$target")" >>"$(log_of "$target" "$job")" 2>&1 </dev/null &
  else
    [ ! -f fuzz/surefoot.dict ] || dictionary=(-x fuzz/surefoot.dict)
    role=-S
    [ "$job" -gt 1 ] || role=-M
    # Its screen is the only place where numbers younger than a minute are.
    AFL_FORCE_UI=1 AFL_HANG_TMOUT=10000 AFL_CUSTOM_MUTATOR_LIBRARY=build/fuzz-replay/fuzz/libfuzz_mutator.so \
      setsid afl-fuzz -i "$(corpus_dir "$target")" -o "$(afl_dir "$target")" "$role" "$(afl_name "$job")" \
      -G "$most_bytes" -t 1000 -V "$((left + 10))" "${dictionary[@]}" -- "$own" \
      >>"$(log_of "$target" "$job")" 2>&1 </dev/null &
  fi
  pid[$job]=$!
}

is_running() { [ -n "${pid[$1]-}" ] && kill -0 "${pid[$1]}" 2>/dev/null; }

# read_numbers TARGET JOB: "EXECUTIONS RATE EDGES CORPUS", as far as its log has them.
read_numbers() {
  local log
  log=$(log_of "$1" "$2")
  if [ "$engine" = libfuzzer ]; then
    tail -c 16384 "$log" 2>/dev/null | awk '
      /^#[0-9]+/ {
        n = substr($1, 2)
        for (i = 2; i < NF; i++) {
          if ($i == "cov:") edges = $(i + 1)
          if ($i == "corp:") { corpus = $(i + 1); sub("/.*", "", corpus) }
          if ($i == "exec/s:") rate = $(i + 1)
        }
      }
      /^stat::number_of_executed_units:/ { n = $2 }
      /^stat::average_exec_per_sec:/ { if ($2 > 0) rate = $2 }
      END { print n + 0, rate + 0, edges + 0, corpus + 0 }'
  else
    local stats
    stats=$(afl_dir "$1")/$(afl_name "$2")/fuzzer_stats
    { sed 's/^/stats /' "$stats" 2>/dev/null || true
      if is_running "$2"; then tail -c 16384 "$log" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g'; fi; } | LC_ALL=C awk '
      function number(text) {
        text = substr(text, index(text, ":") + 1)
        sub(/^ */, "", text)
        return text * (text ~ /k/ ? 1e3 : text ~ /M/ ? 1e6 : text ~ /G/ ? 1e9 : 1)
      }
      $1 == "stats" {
        if ($2 == "execs_done") n = $4
        if ($2 == "execs_per_sec") rate = $4
        if ($2 == "edges_found") edges = $4
        if ($2 == "total_edges") all = $4
        if ($2 == "corpus_count") corpus = $4
        next
      }
      match($0, /total execs : [0-9.]+[kMG]?/) { n = number(substr($0, RSTART, RLENGTH)) }
      match($0, /exec speed : [0-9.]+[kMG]?/) { rate = number(substr($0, RSTART, RLENGTH)) }
      match($0, /corpus count : [0-9.]+[kMG]?/) { corpus = number(substr($0, RSTART, RLENGTH)) }
      match($0, /map density : [0-9.]+% \/ [0-9.]+%/) {
        share = substr($0, RSTART, RLENGTH)
        sub(/.*\/ /, "", share)
        edges = all * share / 100
      }
      # In its first moments it says a million.
      END { printf "%.0f %.0f %.0f %.0f\n", n, (rate > n ? 0 : rate), edges, corpus }'
  fi
}

# update TARGET: the numbers of its jobs and their sum.
update() {
  local target=$1 job n r e c sum=0 speed=0 most_edges=0 most_corpus=0 log
  for ((job = 1; job <= workers; job++)); do
    # A job that is starting, or a Ctrl-C that hit the reader too, has none: as before.
    read -r n r e c < <(read_numbers "$target" "$job") || continue
    n=$((n + ${base[$job]-0}))
    if [ "$n" -ge "${executions[$target/$job]-0}" ]; then executions[$target/$job]=$n; fi
    rate[$target/$job]=$r corpus[$target/$job]=$c
    if [ "$e" -ge "${edges[$target/$job]-0}" ]; then edges[$target/$job]=$e; fi
    log=$(log_of "$target" "$job")
    # AFL++'s screens are drawn anew all the time.
    if [ "$engine" = afl ] && [ -n "$(find "$log" -size +4M 2>/dev/null)" ]; then : >"$log"; fi
  done
  for ((job = 1; job <= workers; job++)); do
    sum=$((sum + ${executions[$target/$job]-0})) speed=$((speed + ${rate[$target/$job]-0}))
    [ "${edges[$target/$job]-0}" -le "$most_edges" ] || most_edges=${edges[$target/$job]}
    [ "${corpus[$target/$job]-0}" -le "$most_corpus" ] || most_corpus=${corpus[$target/$job]}
  done
  executions[$target]=$sum rate[$target]=$speed edges[$target]=$most_edges corpus[$target]=$most_corpus
  if [ "$engine" = afl ]; then
    findings[$target]=$({ afl_found "$(afl_dir "$target")"; found "$target"; } | wc -l)
    for ((job = 1; job <= workers; job++)); do
      job_findings[$job]=$(afl_found "$(afl_dir "$target")/$(afl_name "$job")" | wc -l)
    done
  else
    findings[$target]=$(found "$target" | wc -l)
  fi
}

# Jobs that ended by themselves. libFuzzer ends at a finding: it begins anew, but not for ever, as it may find
# the same each time.
reap() { # TARGET
  local target=$1 job status left
  for ((job = 1; job <= workers; job++)); do
    if [ -z "${pid[$job]-}" ] || is_running "$job"; then continue; fi
    status=0
    wait "${pid[$job]}" 2>/dev/null || status=$?
    pid[$job]=''
    update "$target"
    case $engine-$status in *-0 | libfuzzer-72) continue ;; esac
    # By our signal: AFL++ that is not ready yet calls it an error; or by Ctrl-C before it had its session.
    case $stopped-$engine-$status in yes-afl-* | yes-*-130 | yes-*-143 | yes-*-137) continue ;; esac
    if [ "$interrupted" = yes ] && [ "$status" -eq 130 ]; then continue; fi
    left=$((share_end - SECONDS))
    if [ "$engine" = libfuzzer ] && [ "${findings[$target]}" -gt 0 ]; then
      job_findings[$job]=$((${job_findings[$job]-0} + 1))
      if [ "${job_findings[$job]}" -lt 10 ] && [ "$left" -gt 1 ] && [ "$interrupted" = no ]; then
        base[$job]=${executions[$target/$job]-0}
        start_job "$target" "$job" "$left"
      fi
    else
      troubles+=("$target: job $job ended with status $status and left no file: $(log_of "$target" "$job")")
    fi
  done
}

any_running() {
  local job
  for ((job = 1; job <= workers; job++)); do if is_running "$job"; then return 0; fi; done
  return 1
}

# signal_jobs SIGNAL: and then a while for them to end. More than once: a job that has only begun may not
# listen yet.
signal_jobs() {
  local job tries
  for ((tries = 0; tries < 50; tries++)); do
    any_running || return 0
    for ((job = 1; tries % 10 == 0 && job <= workers; job++)); do
      if is_running "$job"; then kill "-$1" "${pid[$job]}" 2>/dev/null || true; fi
    done
    sleep 0.1 || true
  done
}
stop_jobs() {
  local job child
  any_running && signal_jobs INT
  any_running && signal_jobs TERM
  any_running || return 0
  # AFL++'s program is in a session of its own, stopped between two inputs: it would stay for ever.
  for ((job = 1; job <= workers; job++)); do
    is_running "$job" || continue
    for child in $(cat "/proc/${pid[$job]}/task/${pid[$job]}/children" 2>/dev/null || true); do
      kill -KILL -- "-$child" 2>/dev/null || true
    done
  done
  signal_jobs KILL
  return 0
}

# ---- the screen

row() { printf '%-17s %3s %12s %8s %6s %6s %8s  %s\n' "$@"; }
row_of() { # TARGET JOB FINDINGS STATE
  local key=$1
  [ "$2" = '' ] || key=$1/$2
  row "$1" "$2" "$(grouped "${executions[$key]-0}")" "$(grouped "${rate[$key]-0}")" \
    "$(grouped "${edges[$key]-0}")" "$(grouped "${corpus[$key]-0}")" "$3" "$4"
}

table() {
  local target job left mark
  row target job executions exec/s edges corpus findings 'time left'
  for target in "${targets[@]}"; do
    case ${state[$target]} in
      waiting) row "$target" '' '' '' '' '' '' waiting ;;
      running)
        left=$((share_end - SECONDS))
        left=$(clock $((left > 0 ? left : 0)))
        if [ "$workers" -gt 1 ] && [ $((${#targets[@]} + workers + 3)) -le "${LINES:-24}" ]; then
          for ((job = 1; job <= workers; job++)); do
            mark=$left
            is_running "$job" || mark=ended
            row_of "$target" "$job" "${job_findings[$job]-0}" "$mark"
          done
        else
          row_of "$target" '' "${findings[$target]}" "$left"
        fi
        ;;
      *) row_of "$target" '' "${findings[$target]}" "${state[$target]}" ;;
    esac
  done
}

# On a terminal the table, drawn over itself; elsewhere a line now and then.
show_status() { # last?
  local lines
  if [ -t 1 ]; then
    mapfile -t lines < <(table)
    # A Ctrl-C that hit the table's making.
    [ ${#lines[@]} -gt ${#targets[@]} ] || return 0
    { [ "$drawn" -eq 0 ] || printf '\e[%dA\r' "$drawn"
      printf '%s\e[K\n' "${lines[@]}"
      printf '\e[J'; }
    drawn=${#lines[@]}
  elif [ -n "$current" ] && { [ -n "${1-}" ] || [ "$SECONDS" -ge "$next_line" ]; }; then
    local left=$((share_end - SECONDS))
    echo "$current: $(grouped "${executions[$current]}") executions, $(grouped "${rate[$current]}") a second," \
      "${edges[$current]} edges, corpus ${corpus[$current]}, ${findings[$current]} findings," \
      "$(clock $((left > 0 ? left : 0))) left"
    next_line=$((SECONDS + 10))
  fi
}

end_fuzzing() {
  stop_jobs
  if [ -t 1 ]; then printf '\e[?25h\e[?7h'; fi
}

fuzz() {
  local target job left_targets deadline share grace packages programs mutator=() all
  local number=0 sum=0 start took files
  packages=(clang libclang-rt-dev cmake ninja-build)
  [ "$engine" = libfuzzer ] || packages+=(afl++)
  need_packages "${packages[@]}"
  programs=("${targets[@]/#/fuzz_}")
  # What shows a finding is built before there is one: the sources may be others by then.
  [ "$engine" = libfuzzer ] || mutator=(fuzz_mutator)
  build fuzz-replay "${programs[@]}" "${mutator[@]}"
  build "$(preset_of_engine)" "${programs[@]}"

  say "fuzzing with $(preset_of_engine), jobs: $workers; Ctrl-C stops, and keeps all"
  start=$SECONDS deadline=$((SECONDS + ${seconds:-$((60 * ${#targets[@]}))})) left_targets=${#targets[@]}
  trap end_fuzzing EXIT
  trap 'interrupted=yes' INT TERM HUP
  if [ -t 1 ]; then printf '\e[?25l\e[?7l'; fi
  for target in "${targets[@]}"; do
    current=$target next_line=$((SECONDS + 10))
    share=$(((deadline - SECONDS) / left_targets))
    [ "$share" -ge 1 ] || share=1
    left_targets=$((left_targets - 1))
    base=() job_findings=() pid=() stopped=no
    if ! begin_target "$target"; then
      [ "$interrupted" = no ] || break
      state[$target]='does not start' findings[$target]=1
      show_status last
      continue
    fi
    state[$target]=running share_end=$((SECONDS + share))
    for ((job = 1; job <= workers; job++)); do start_job "$target" "$job" "$share"; done
    # libFuzzer ends by itself, and is told only if it does not.
    grace=0
    [ "$engine" = afl ] || grace=3
    while [ "$interrupted" = no ] && any_running && [ "$SECONDS" -lt $((share_end + grace)) ]; do
      sleep 1 || true
      [ "$interrupted" = no ] || break
      # Ctrl-C also hits what they run: a number that could not be read ends nothing.
      update "$target" || true
      reap "$target" || true
      show_status || true
    done
    reap "$target" || true
    stopped=yes
    stop_jobs
    reap "$target" || true
    update "$target" || true
    if [ "$engine" = afl ]; then collect_afl "$target"; fi
    state[$target]=ended
    [ "$interrupted" = no ] || state[$target]=stopped
    show_status last
    [ "$interrupted" = no ] || break
  done
  current='' took=$((SECONDS - start))
  end_fuzzing
  trap - EXIT
  trap 'exit 130' INT TERM HUP

  for target in "${targets[@]}"; do
    [ "${state[$target]}" != waiting ] || continue
    sum=$((sum + executions[$target]))
    mapfile -t all < <(found "$target")
    number=$((number + ${#all[@]}))
    [ ${#all[@]} -eq 0 ] || show_findings "$target" "${all[@]}"
  done
  if [ ${#troubles[@]} -gt 0 ]; then
    echo
    say "jobs that ended without a finding"
    for job in "${troubles[@]}"; do
      echo "$job"
      tail -n 20 "${job##*: }" | sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/^/    /' || true
    done
  fi
  echo
  files=$(for target in "${targets[@]}"; do files_in "$(corpus_dir "$target")" 2>/dev/null || true; done |
    wc -l)
  if [ "$interrupted" = yes ]; then echo "stopped early"; fi
  echo "$(grouped "$sum") executions in $took s, corpus of $files files in build/fuzz-corpus/," \
    "findings: $number"
  [ "$number" -eq 0 ] && [ ${#troubles[@]} -eq 0 ]
}

# ---- the committed corpus, made small

# edges_of PROGRAM DIRECTORY: the fewest and the most of five orders. Some edges are taken once in a process, by
# whichever input comes first.
edges_of() {
  local seed
  for seed in 1 2 3 4 5; do
    "$1" -runs=0 -seed="$seed" -max_len="$most_bytes" -print_funcs=0 "$2" 2>&1 </dev/null |
      sed -n 's/^#[0-9]*.* cov: \([0-9]*\) .*/\1/p' | tail -n 1
  done | sort -n | sed -n '1p; $p' | paste -sd ' '
}

count() { find "$1" -type f -printf '%s\n' | awk '{ n++; b += $1 } END { printf "%d files, %d bytes", n, b }'; }

# replace_corpus TARGET DIRECTORY: by that directory's files. First the new ones come, each with a rename, then
# the old ones go: at each moment there is a corpus that reaches at least as much as the new one or the old one.
# What was a finding once stays, whatever it reaches.
replace_corpus() {
  local to=fuzz/corpus/$1 file old=()
  mkdir -p "$to"
  part=fuzz/corpus/.$1.part # for the trap
  rm -rf "$part"
  mkdir "$part"
  cp -- "$2"/* "$part/"
  mv -f -- "$part"/* "$to/"
  rmdir "$part"
  for file in "$to"/*; do [ -e "$2/${file##*/}" ] || [[ ${file##*/} = found-* ]] || old+=("$file"); done
  [ ${#old[@]} -eq 0 ] || rm -- "${old[@]}"
}

minimise() {
  local target work programs merge replay preset fewest most edges round log part=''
  need_packages clang libclang-rt-dev cmake ninja-build afl++
  programs=("${targets[@]/#/fuzz_}")
  for preset in fuzz-replay fuzz-afl fuzz-libfuzzer-plain; do build "$preset" "${programs[@]}"; done
  trap 'rm -rf build/fuzz-minimise ${part:+"$part"}' EXIT
  for target in "${targets[@]}"; do
    say "$target"
    work=build/fuzz-minimise/$target log=build/fuzz-logs/$target/minimise.log
    replay=$(program fuzz-replay "$target") merge=$(program fuzz-libfuzzer-plain "$target")
    rm -rf "$work"
    mkdir -p "$work/all" "$work/merged" "$work/named" "build/fuzz-logs/$target"
    collect_afl "$target" # of a run that could not
    add_all "$work/all" "fuzz/corpus/$target" "$(corpus_dir "$target")"
    [ -n "$(files_in "$work/all")" ] || fail "run fuzz: $target has no corpus; run: ./run fuzz $target"
    mkdir -p "fuzz/corpus/$target"
    echo "before: $(count "fuzz/corpus/$target"); with build/fuzz-corpus: $(count "$work/all")"
    try_file "$replay" "$work/all" >"$log" ||
      { tail -n 40 "$log"; fail "run fuzz: there is a finding in the corpus; run: ./run fuzz $target"; }

    # afl-cmin keeps each pair of an edge and how often; -merge=1 looks at less, and so drops more.
    AFL_ALLOW_TMP=1 afl-cmin -i "$work/all" -o "$work/cmin" -- "$(program fuzz-afl "$target")" \
      >"$log" 2>&1 </dev/null || { tail -n 20 "$log"; fail "run fuzz: afl-cmin failed"; }
    "$merge" -merge=1 -max_len="$most_bytes" "$work/merged" "$work/cmin" >"$log" 2>&1 </dev/null ||
      { tail -n 20 "$log"; fail "run fuzz: -merge=1 failed"; }
    # An edge that libFuzzer sees and AFL++ does not may be lost by now: a few files bring them back.
    read -r fewest most < <(edges_of "$merge" "$work/all")
    for round in 1 2 3 4; do
      read -r _ edges < <(edges_of "$merge" "$work/merged")
      if [ "$edges" -ge "$most" ] || [ "$round" -eq 4 ]; then break; fi
      "$merge" -merge=1 -use_counters=0 -max_len="$most_bytes" "$work/merged" "$work/all" >"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log"; fail "run fuzz: -merge=1 failed"; }
    done
    [ "$edges" -ge "$fewest" ] ||
      fail "run fuzz: $target: $edges edges of $most are left; fuzz/corpus/$target stays as it is"
    add_all "$work/named" "$work/merged"
    replace_corpus "$target" "$work/named"
    part=''
    echo "after:  $(count "fuzz/corpus/$target"); edges: $edges of $most"
  done
}

# ---- lines

coverage() {
  local target preset=fuzz-coverage data=build/fuzz-coverage/data html=build/fuzz-coverage/html bad=0 programs
  local objects=()
  need_packages clang libclang-rt-dev cmake ninja-build llvm
  programs=("${targets[@]/#/fuzz_}")
  build "$preset" "${programs[@]}"
  rm -rf "$data" "$html"
  mkdir -p "$data"
  for target in "${targets[@]}"; do
    objects+=(-object "$(program "$preset" "$target")")
    [ -d "fuzz/corpus/$target" ] || fail "run fuzz: there is no fuzz/corpus/$target"
    # %c: the counters are the file, so that those of a process that is killed count as well.
    LLVM_PROFILE_FILE=$data/$target.profraw%c try_file "$(program "$preset" "$target")" "fuzz/corpus/$target" \
      >"$data/$target.log" && continue
    bad=1
    cat "$data/$target.log"
    echo "fuzz_$target: a finding in fuzz/corpus/$target"
  done
  llvm-profdata merge -sparse -o "$data/all.profdata" "$data"/*.profraw
  # Functions that one program has and does not use "have mismatched data" with the one that uses them.
  llvm-cov export -format=lcov -instr-profile="$data/all.profdata" "${objects[@]:1}" \
    -ignore-filename-regex='/testing/' "$PWD/include/surefoot" >"$data/lcov" 2>"$data/log" ||
    { cat "$data/log"; fail "run fuzz: llvm-cov failed"; }
  llvm-cov show -format=html -output-dir="$html" -instr-profile="$data/all.profdata" "${objects[@]:1}" \
    -Xdemangler=c++filt -show-instantiations=false -ignore-filename-regex='/testing/' "$PWD/include/surefoot" \
    >"$data/log" 2>&1 || { cat "$data/log"; fail "run fuzz: llvm-cov failed"; }
  awk -v root="$PWD/" -v check="$check" -v reasons=fuzz/uncovered.txt -f cmake/run/coverage.awk "$data/lcov" || bad=1
  echo "as HTML: $html/index.html"
  [ "$bad" -eq 0 ]
}

"$mode"
