// A clock that is read without a system call. The counter here may tick once in 40 ns, which does not tell a
// fault from a load; and where pages have tags, that a page is there does not answer for its granules.
#pragma once

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_clock = false;
constexpr std::uint64_t ticks() noexcept { return 0; }

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
