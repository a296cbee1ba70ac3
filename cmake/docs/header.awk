# What doxygen sees of a header, line for line: without the inline namespace of the version, without what is private,
# without the macros that are ours, and without the attributes and comparisons that every type has. (The namespaces that
# are not public are left out by the Doxyfile.)

/^inline namespace SUREFOOT_(TESTING_)?ABI [{]$/ || /^[}]  \/\/ namespace SUREFOOT_(TESTING_)?ABI$/ ||
/^SUREFOOT_TESTING_(UN)?SEEN$/ || /^ *friend (constexpr )?bool operator==.* = default;$/ {
  print ""
  next
}

/^ private:$/ { is_private = 1 }
/^[}];$/ || /^ public:$/ { is_private = 0 }
/^#define SUREFOOT_(DETAIL_[A-Z_]*|PUBLIC|HIDDEN|OPAQUE|(TESTING_)?ABI|TESTING_(UN)?SEEN)/ { is_macro = 1 }
{
  if (is_private || is_macro) {
    if (!/\\$/) is_macro = 0
    print ""
    next
  }
  gsub(/ SUREFOOT_(PUBLIC|HIDDEN)/, "")
  gsub(/SUREFOOT_HIDDEN /, "")
  gsub(/\[\[(nodiscard|gnu::[a-z_]+|gnu::cold, gnu::noinline)\]\] /, "")
  print
}
