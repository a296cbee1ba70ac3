# What llvm-cov's lcov export says, for ./run fuzz --coverage: a row for each header, then the lines that no run
# reached, each with the reason that fuzz/uncovered.txt has for it.
#
#   awk -v root=DIRECTORY/ -v reasons=FILE -v check=yes|no -f coverage.awk LCOV
#
# A line of FILE is "PATH:TEXT: REASON", without line numbers, which change. TEXT is the line of source
# without the space around it, "THE LINE BEFORE \n LINE", or /REGULAR EXPRESSION/; with " ..." behind it, it
# stands for the uncovered lines that follow it as well. REASON is what is behind the last ": ".
#
# Exit status 1: with check=yes, fewer than 95 % of the lines were reached, or one has no reason.

function trimmed(text) {
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  return text
}

function read_reasons(file, line, number, at, next_at, text) {
  while ((getline line < file) > 0) {
    number++
    if (line ~ /^[ \t]*(#|$)/) continue
    at = index(line, ":")
    text = at ? substr(line, at + 1) : ""
    for (next_at = 0; match(substr(text, next_at + 1), /: /); ) next_at += RSTART
    if (!at || !next_at || trimmed(substr(text, next_at + 1)) == "") {
      print file ":" number ": not \"PATH:TEXT: REASON\": " line
      failed = 1
      continue
    }
    count++
    path_of[count] = trimmed(substr(line, 1, at - 1))
    reason_of[count] = trimmed(substr(text, next_at + 1))
    text = trimmed(substr(text, 1, next_at - 1))
    goes_on[count] = text ~ / \.\.\.$/
    if (goes_on[count]) text = trimmed(substr(text, 1, length(text) - 4))
    is_expression[count] = length(text) > 2 && text ~ /^\/.*\/$/
    if (is_expression[count]) text = substr(text, 2, length(text) - 2)
    text_of[count] = text
    where_of[count] = file ":" number
  }
  close(file)
}

# The entry for a line of source with this one before it, or 0.
function entry_for(path, text, previous, i) {
  for (i = 1; i <= count; i++) {
    if (path_of[i] != path) continue
    if (is_expression[i] ? text ~ text_of[i] : text == text_of[i]) return i
    if (previous " \\n " text == text_of[i]) return i
  }
  return 0
}

# Each uncovered line of the header that has just ended.
function end_of_header(line, number, text, previous, entry, before) {
  if (header == "" || !(header in lines)) return
  number = 0
  before = 0
  while ((getline line < (root header)) > 0) {
    number++
    previous = text
    text = trimmed(line)
    if (!(number in times)) {
      before = 0
      continue
    }
    if (times[number] > 0) {
      before = 0
      continue
    }
    # llvm-cov counts what stands between two statements as well.
    if (text == "" || text ~ /^\/\//) continue
    entry = entry_for(header, text, previous)
    if (entry) used[entry] = 1
    # A bracket belongs to what it closes.
    else if (before && (goes_on[before] || text ~ /^[][(){};,]+$/)) entry = before
    before = entry
    if (!entry) without_reason++
    uncovered[++uncovered_count] = sprintf("%s:%d: %s%s", header, number, text, \
                                           entry ? "    [" reason_of[entry] "]" : "")
  }
  close(root header)
}

BEGIN { read_reasons(reasons) }

/^SF:/ {
  header = substr($0, 4)
  if (index(header, root) == 1) header = substr(header, length(root) + 1)
  split("", times)
}
/^DA:/ {
  split(substr($0, 4), part, ",")
  if (!(part[1] in times)) {
    times[part[1]] = 0
    lines[header]++
  }
  if (part[2] > 0 && times[part[1]] == 0) reached[header]++
  times[part[1]] += part[2]
}
/^end_of_record/ {
  if (header in lines) headers[++header_count] = header
  end_of_header()
}

END {
  if (header_count == 0) {
    print "no line of a header was compiled into the targets"
    exit 1
  }
  # In the order of the names; there are a few dozen.
  for (i = 2; i <= header_count; i++)
    for (j = i; j > 1 && headers[j] < headers[j - 1]; j--) {
      swapped = headers[j]
      headers[j] = headers[j - 1]
      headers[j - 1] = swapped
    }
  printf "%-45s %6s %8s %7s\n", "header", "lines", "reached", "%"
  for (i = 1; i <= header_count; i++) {
    name = headers[i]
    printf "%-45s %6d %8d %7.1f\n", name, lines[name], reached[name], 100 * reached[name] / lines[name]
    all += lines[name]
    all_reached += reached[name]
  }
  share = 100 * all_reached / all
  printf "%-45s %6d %8d %7.1f\n", "all", all, all_reached, share

  if (uncovered_count > 0) print "\nlines that were not reached:"
  for (i = 1; i <= uncovered_count; i++) print uncovered[i]
  if (uncovered_count > 0) print ""
  for (i = 1; i <= count; i++)
    if (!(i in used)) print where_of[i] ": no such line is uncovered here: " path_of[i] ":" text_of[i]

  if (share < 95) {
    printf "%.1f %% of the lines were reached, 95 %% should be\n", share
    failed = 1
  }
  if (without_reason > 0) {
    print without_reason " lines were not reached and have no reason in " reasons
    failed = 1
  }
  exit failed && check == "yes"
}
