# What doxygen sees of README.md: links into the repository are only their text, for the pages are elsewhere.
{
  while (match($0, /\[[^]]*\]\([^)#:]*\)/)) {
    link = substr($0, RSTART, RLENGTH)
    before = substr($0, 1, RSTART - 1)
    after = substr($0, RSTART + RLENGTH)
    text = link
    sub(/^\[/, "", text)
    sub(/\]\(.*$/, "", text)
    if (before ~ /!$/) { # an image
      sub(/!$/, "", before)
      text = "*" text "* (README.md)"
    }
    $0 = before text after
  }
  print
}
