// A signal handler's entries without assembly: functions that call it. There is no place behind them for the
// header (arch/header.hpp), so an image knows its own handler only: images and versions do not find each
// other, and each is a foreign owner to the next. Without tables that costs little: a guard of one
// claims what lies in it, whoever's code that is.
#pragma once

#include <signal.h>

#include <surefoot/arch/header.hpp>
#include <surefoot/config.hpp>

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
template <auto* Handler>
inline constexpr void (*all_entries[entries_here])(int, siginfo_t*, void*) = {
    &entry<Handler, 0>, &entry<Handler, 1>, &entry<Handler, 2>, &entry<Handler, 3>};

template <auto* Handler, auto* Record>
auto entry_of(unsigned number) noexcept {
  return all_entries<Handler>[number];
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
