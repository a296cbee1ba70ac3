# Reads a JUnit report of ctest; prints one line a test: passed, failed or skipped, a tab, its name;
# one line "note" for each "SKIPPED: name: needs what" that a test printed, and one line "matrix" for
# each "MATRIX: ..." (the engines' conformance); one line "layouts", how many, for each "LAYOUTS: count" of a
# property test; one line "tile", the kind, a tab, how often, a tab, why
# not, for each "TILE: kind: count: reason" that a property test printed; and behind one that failed up to 16
# lines "why" of how long it took and what it printed last.
#
# A test that says SKIPPED and ends well is skipped; one that fails is failed, whatever it says.

function plain(text) {
  gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text)
  gsub(/&quot;/, "\"", text); gsub(/&apos;/, "'", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

function attribute(line, key) {
  if (!match(line, " " key "=\"[^\"]*\"")) return ""
  return plain(substr(line, RSTART + length(key) + 3, RLENGTH - length(key) - 4))
}

/<testcase / {
  name = attribute($0, "name")
  status = attribute($0, "status")
  why = "after " attribute($0, "time") " s"
  lines = said = 0
}

# The first line of a test's output stands behind the tag, the last one before the other.
/<system-out>/ { inside = 1 }
{ line = $0; sub(/^.*<system-out>/, "", line) }
inside { text = line; sub(/<\/system-out>.*$/, "", text) }
inside && text ~ /[^ \t\r]/ { printed[++lines] = plain(text) }
/<\/system-out>/ { inside = 0 }

line ~ /^SKIPPED: / {
  sub(/^SKIPPED: /, "", line)
  sub(/<\/system-out>.*$/, "", line)
  sub(/[ \t\r]+$/, "", line)
  print "note\t" plain(line)
  said = 1
}

line ~ /^MATRIX: / {
  sub(/^MATRIX: /, "", line)
  sub(/<\/system-out>.*$/, "", line)
  print "matrix\t" plain(line)
}

line ~ /^LAYOUTS: [0-9]+/ {
  sub(/^LAYOUTS: /, "", line)
  print "layouts\t" line + 0
}

line ~ /^TILE: / {
  sub(/<\/system-out>.*$/, "", line)
  split(plain(line), part, ": ")
  reason = plain(line)
  sub(/^TILE: [^:]*: [0-9]*: /, "", reason)
  print "tile\t" part[2] "\t" part[3] "\t" reason
}

/<\/testcase>/ {
  # "notrun" is a test that could not be started: nobody asked for that, so it has failed.
  if (status != "run") {
    print "failed\t" name
    print "why\t" why
    for (i = (lines > 15 ? lines - 14 : 1); i <= lines; i++) print "why\t" substr(printed[i], 1, 300)
  }
  else if (said) print "skipped\t" name
  else print "passed\t" name
}
