#!/usr/bin/env bash
# bench/plots.sh JSON DIRECTORY: draws what surefoot_bench has measured in a whole run, as SVG:
#   copy.svg      throughput of copies, by size
#   fault.svg     what one fault costs, by who answers it
#   fault_in.svg  faulting in, a page: cold, and when all is there
#   holes.svg     a scan (find_holes), by the share of holes
# A plot whose contests did not run is left as it was, and that is said.
# shellcheck disable=SC2016  # $name in single quotes is a variable of jq's
set -euo pipefail

json=$1 to=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$to"
processor=$(jq -r .context.processor "$json")

# data NAME FILTER: what FILTER makes of the contests (row, variant, and what each way took, in ns), a line of
# values for each.
data() {
  jq -r 'def share: capture("(?<n>[0-9]+) per mille").n | tonumber / 10;
    def bytes: capture("^(?<n>[0-9]+) (?<unit>B|KiB|MiB|GiB)")
      | (.n | tonumber) * {B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824}[.unit];
    def pages: (if test("^[0-9]+ page") then capture("^(?<n>[0-9]+)").n | tonumber else bytes / 4096 end);
    .benchmarks | map(select(.error_occurred | not) | (.name | split("/")) as $name
      | {row: $name[0], variant: $name[1],
         took: with_entries(select(.key | endswith(", ns")) | .key |= rtrimstr(", ns"))})
    | '"$2"' | .[] | map(if type == "string" then "\"" + . + "\"" else . // "-" | tostring end) | join("\t")' \
    "$json" >"$work/$1.dat"
}

# draw NAME TITLE COMMANDS: gnuplot's commands over the data of that name.
draw() {
  if [ ! -s "$work/$1.dat" ]; then
    echo "not drawn: $to/$1.svg: its contests did not run" >&2
    return
  fi
  gnuplot - <<TEXT
set terminal svg size 900,500 font "sans-serif,13" background "white"
set output "$work/$1.svg"
set title "$2\n$processor" noenhanced
set datafile separator "\t"
set datafile missing "-"
set border 3
set tics nomirror noenhanced
set grid linecolor "#dddddd"
set style fill solid
data = "$work/$1.dat"
$3
TEXT
  mv "$work/$1.svg" "$to/$1.svg"
  echo "$to/$1.svg"
}

# One hue for ours in each plot, the other ones for what it is compared with.
colours=('#4477aa' '#ee6677' '#228833' '#ccbb44' '#66ccee' '#aa3377')

# lines TITLE...: what `plot` draws, lines over the first column; each title is that of the next column.
lines() {
  local column=2 title plots=()
  for title in "$@"; do
    plots+=("data using 1:$column with linespoints pointtype 7 pointsize 0.4 linewidth 2 linecolor '${colours[column - 2]}' title \"$title\" noenhanced")
    column=$((column + 1))
  done
  (IFS=, && echo "${plots[*]}")
}

# Bytes in a nanosecond are GB in a second.
data copy 'map(select(.row == "try_copy, good memory" and (.variant | test("unaligned") | not))
  | (.variant | bytes) as $n | [$n] + (.took | [."try_copy", ."memcpy", ."sigsetjmp(b, 0) and memcpy",
      ."sigsetjmp(b, 1) and memcpy", ."process_vm_readv", ."write to a pipe"] | map($n / .)))'
draw copy "Copies of good memory, by size" "
set logscale xy
set xlabel 'bytes'
set xtics ('1' 1, '8' 8, '64' 64, '512' 512, '4 KiB' 4096, '32 KiB' 32768, '256 KiB' 262144, '2 MiB' 2097152, '16 MiB' 16777216, '64 MiB' 67108864)
set ylabel 'GB/s'
set yrange [*:200]
set key bottom right
plot $(lines try_copy memcpy 'sigsetjmp(b, 0) and memcpy' 'sigsetjmp(b, 1) and memcpy' process_vm_readv 'write to a pipe')
"

data fault 'map(select(.row | startswith("one fault"))) | (map({(.row): .took}) | add) as $by
  | [["surefoot, table engine", $by."one fault, table engine"."try_load"],
     ["the same, 10,000 entries more", $by."one fault, table engine, 10,000 entries more"."try_load"],
     ["smallest handler that skips the load", $by."one fault, table engine"."a handler that skips the load"],
     ["surefoot, jump engine", $by."one fault, jump engine"."try_load"],
     ["smallest siglongjmp out of a handler", $by."one fault, jump engine"."siglongjmp out of a handler"],
     ["surefoot, kernel engine", $by."one fault, table engine"."try_load, kernel engine"],
     ["GNU libsigsegv", $by."one fault, table engine"."libsigsegv"],
     ["write to a pipe", $by."one fault, table engine"."write to a pipe"],
     ["rt_sigprocmask", $by."one fault, table engine"."rt_sigprocmask"],
     ["process_vm_readv", $by."one fault, table engine"."process_vm_readv"],
     ["MADV_POPULATE_READ", $by."one fault, table engine"."MADV_POPULATE_READ"]] | map(select(.[1]))'
draw fault "One fault, by who answers it" "
set xlabel 'ns'
set xrange [0:*]
set yrange [*:*] reverse
set offsets 0, 0, 0.6, 0.6
unset key
set grid noytics
ours(name) = strstrt(name, 'surefoot') || strstrt(name, 'the same') ? 0x4477aa : 0xbbbbbb
plot data using (\$2 / 2):0:(\$2 / 2):(0.35):(ours(strcol(1))):ytic(1) with boxxyerror linecolor rgb variable, \
  data using 2:0:(sprintf(' %.0f', \$2)) with labels left noenhanced
"

# Each beside what it is compared with: in a group the same work.
data fault_in 'map(select((.row | startswith("fault_in_")) and (.row + .variant
      | test("cold16 MiB|small pages4096 pages|huge pages64 MiB")))
  | (.variant | pages) as $pages
  | (.row | test("readable")) as $reads
  | [(if $reads then "read, " else "write, " end)
       + (if .row | test("cold") then .variant | sub("[0-9]+ MiB, (anonymous, |cached )?"; "cold ") else .row | sub(".*, "; "") end),
     (.took | [(."fault_in_readable" // ."fault_in_writeable"), (."touch loop" // ."staggered touch loop"),
      (."MADV_POPULATE_READ" // ."MADV_POPULATE_WRITE"), ."fault-around and touch"] | map(if . then . / $pages else . end))]
  | flatten)'
draw fault_in "Faulting in 16 MiB (resident huge pages: 64 MiB), a page of 4 KiB" "
set style data histogram
set style histogram clustered gap 1
set logscale y
set ylabel 'ns a page'
set xtics rotate by -35
set rmargin 18
set grid noxtics
set key outside bottom center horizontal noenhanced
plot data using 2:xtic(1) title 'surefoot' linecolor '${colours[0]}', data using 3 title 'touch loop' linecolor '${colours[1]}', \
  data using 4 title 'one MADV_POPULATE call' linecolor '${colours[2]}', data using 5 title 'fault-around and touch' linecolor '${colours[3]}'
"

data holes 'map(select(.row == "find_holes, many holes" and (.variant | test("per mille"))))
  | map((.variant | bytes / 4096) as $pages | [(.variant | share)] + (.took
      | [."find_holes", ."touch, and a refusal a bad page", ."one fault a page"] | map(. / $pages)))'
size=$(jq -r '[.benchmarks[].name | select(test("^find_holes, many holes/.* per mille"))][0] // "/," | split("/")[1] | split(",")[0]' "$json")
draw holes "Scanning $size for holes, by the share of bad pages" "
set xlabel 'bad pages, %'
set xrange [0:100]
set ylabel 'ns a page'
set yrange [0:*]
set key top left
plot $(lines find_holes 'by hand: a touch of each good page, a refusal a bad one' 'one fault a page')
"
