// The inner block of a scan without assembly: loads that cover each of 64 bytes, for their faults only.
#pragma once

#include <cstddef>
#include <surefoot/arch/generic/probe.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct scan_block {
  static constexpr std::size_t size = 64;   // bytes
  static constexpr std::size_t width = 16;  // bytes of one load
};

template <bool Tabled>
inline bool scan(const volatile void* p, trap&) noexcept {
  words<8> ignored;
  plain_load(p, ignored);
  return false;
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
