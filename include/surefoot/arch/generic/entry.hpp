// A signal handler's entry without assembly: the handler itself. There is no place behind it for the
// header (arch/header.hpp), so an image knows its own handler only: images and versions do not find each
// other, and each is a foreign owner to the next. Without tables that costs little: a guard of one
// claims what lies in it, whoever's code that is.
#pragma once

#include <surefoot/arch/header.hpp>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_header = false;

template <auto* Handler, auto* Record>
auto entry_of() noexcept {
  return Handler;
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
