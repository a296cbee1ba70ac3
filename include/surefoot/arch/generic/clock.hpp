// A clock that is read without a system call: none here.
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
