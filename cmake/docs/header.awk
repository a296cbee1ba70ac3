# What doxygen sees of a header, line for line: without the namespaces that are not a reader's (the inline one of the
# version, and detail), without what is private, without the macros that are ours, and without the attributes and
# comparisons that every type has.

/^inline namespace SUREFOOT_(TESTING_)?ABI [{]$/ || /^[}]  \/\/ namespace SUREFOOT_(TESTING_)?ABI$/ ||
/^SUREFOOT_TESTING_(UN)?SEEN$/ || /^ *friend (constexpr )?bool operator==.* = default;$/ {
  print ""
  next
}

/^namespace detail [{]$/ { is_detail = 1 }
/^ private:$/ { is_private = 1 }
/^[}];$/ || /^ public:$/ { is_private = 0 }
/^#define SUREFOOT_(DETAIL_[A-Z_]*|PUBLIC|HIDDEN|OPAQUE|(TESTING_)?ABI|TESTING_(UN)?SEEN)/ { is_macro = 1 }
{
  if (is_detail || is_private || is_macro) {
    if (/^[}]  \/\/ namespace detail$/) is_detail = 0
    if (!/\\$/) is_macro = 0
    print ""
    next
  }
  gsub(/ SUREFOOT_(PUBLIC|HIDDEN)/, "")
  gsub(/SUREFOOT_HIDDEN /, "")
  gsub(/\[\[(nodiscard|gnu::[a-z_]+|gnu::cold, gnu::noinline)\]\] /, "")
  print
}
