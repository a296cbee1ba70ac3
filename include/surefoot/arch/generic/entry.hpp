// A signal handler's entries without assembly: functions that call it. There is no place behind them for the
// header (arch/header.hpp), so an image knows its own handler only: images and versions do not find each
// other, and each is a foreign owner to the next. Without tables that costs little: a guard of one
// claims what lies in it, whoever's code that is.
#pragma once

#include <signal.h>

#include <cstddef>
#include <surefoot/arch/header.hpp>
#include <surefoot/config.hpp>
#include <utility>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_header = false;
// To another image each is an owner of its own, of which it remembers 15.
inline constexpr unsigned entries_here = 4;

template <auto* Handler, unsigned Number>
void entry(int signal, siginfo_t* info, void* ucontext) {
  Handler(signal, info, ucontext, Number);
}
template <auto* Handler, class Numbers>
inline constexpr std::nullptr_t entries_of = nullptr;
template <auto* Handler, unsigned... Numbers>
inline constexpr void (*entries_of<Handler, std::integer_sequence<unsigned, Numbers...>>[])(
    int, siginfo_t*, void*) = {&entry<Handler, Numbers>...};

template <auto* Handler, auto* Record>
auto entry_of(unsigned number) noexcept {
  return entries_of<Handler, std::make_integer_sequence<unsigned, entries_here>>[number];
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
