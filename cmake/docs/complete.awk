# What the documentation of doxygen does not have, from its XML: prints a line for each public name without
# documentation, without an example that names it, and for each function of the library that does not say its
# signal-safety and its cost. Overloads are one name. Ends with 1 where there is any, or where there is next to nothing
# to look at.
#
# A class, an enumeration, a concept, a function, a variable and an alias of a namespace are names; what a class has
# inside is documented (doxygen sees to that), and shown by the example of the class. Operators are named by nobody.

function plain(text) {
  gsub(/<sp\/>/, " ", text)
  gsub(/<[^>]*>/, "", text)
  gsub(/&lt;/, "<", text)
  gsub(/&gt;/, ">", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

function between(line, tag) {
  sub(".*<" tag ">", "", line)
  sub("</" tag ">.*", "", line)
  return plain(line)
}

# One more piece of what is said of a name.
function note(full, kind, text, example) {
  if (!(full in kind_of)) order[++count] = full
  kind_of[full] = kind
  text_of[full] = text_of[full] " " text
  example_of[full] = example_of[full] " " example
}

function begin_description() { text = example = "" }

FNR == 1 { scope = ""; in_member = in_text = in_example = 0 }

/<compounddef / {
  compound = $0
  sub(/.* kind="/, "", compound)
  sub(/".*/, "", compound)
}
/<compoundname>/ {
  scope = between($0, "compoundname")
  begin_description()
}
/<memberdef / {
  in_member = 1
  kind = $0
  sub(/.*<memberdef kind="/, "", kind)
  sub(/".*/, "", kind)
  begin_description()
}
in_member && /<name>/ && name == "" { name = between($0, "name") }

/<(brief|detailed)description>/ { in_text = 1 }
in_text && /<programlisting/ { in_example = 1 }
in_text {
  if (in_example) example = example " " plain($0)
  else text = text " " plain($0)
}
/<\/programlisting>/ { in_example = 0 }
/<\/(brief|detailed)description>/ { in_text = 0 }

# Enumerators have a name and a description of their own; these are not names of a namespace.
/<enumvalue / { held_text = text; held_example = example; begin_description(); in_value = 1 }
/<\/enumvalue>/ { text = held_text; example = held_example; in_value = 0 }

/<\/memberdef>/ {
  if (compound == "namespace") note(scope "::" name, kind, text, example)
  in_member = 0
  name = ""
  begin_description()
}
/<\/compounddef>/ {
  # What follows the namespace of a class of a class is nobody's name.
  inner = scope
  gsub(/<.*>/, "", inner)
  gsub(/ /, "", inner)
  outer = inner
  sub(/::[^:]*$/, "", outer)
  if (compound ~ /^(class|struct|concept|union)$/ && outer ~ /^surefoot(::engine|::testing)?$/)
    note(inner, compound, text, example)
}

END {
  for (i = 1; i <= count; ++i) {
    full = order[i]
    short = full
    sub(/.*::/, "", short)
    if (short ~ /^operator/) continue
    ++looked_at
    ++of_kind[kind_of[full]]
    if (text_of[full] !~ /[a-z]/) bad = bad full ": has no documentation\n"
    if (example_of[full] !~ "(^|[^A-Za-z0-9_])" short "([^A-Za-z0-9_]|$)")
      bad = bad full (example_of[full] ~ /[a-z]/ ? ": its example does not name it\n" : ": has no example\n")
    if (kind_of[full] != "function" || full ~ /::testing::|::engine::/ || short == "showValue") continue
    if (text_of[full] !~ /signal-safe/) bad = bad full ": does not say whether it is async-signal-safe\n"
    if (text_of[full] !~ /[Cc]osts? /) bad = bad full ": does not say what it costs\n"
  }
  if (of_kind["function"] < 60 || of_kind["concept"] < 7 || of_kind["class"] < 8 || of_kind["struct"] < 30)
    bad = bad "there is next to nothing to look at: " looked_at + 0 " names\n"
  printf "%s", bad
  if (bad != "") exit 1
  print looked_at " public names, each with an example"
}
