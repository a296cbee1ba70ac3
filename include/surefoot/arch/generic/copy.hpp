// The inner block of a copy without assembly: 64 bytes through eight words, of which a machine with 32
// registers keeps all.
//
// A block is loaded whole before any of it is stored, so that a fault on the load side leaves the
// destination alone, and so that a destination below its source may overlap it. Stores ascend: when one
// faults, all those before it are done and none after it was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/block.hpp>
#include <surefoot/arch/generic/probe.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// A store that crosses into a bad page may be one of bytes.
inline constexpr bool stores_are_whole = false;

// There are no steps of vectors (engine/steps.hpp).
inline constexpr bool has_steps = false;
struct vectors;

template <bool Tabled>
struct block_access {
  static bool load(const volatile void* p, block& b, trap&) noexcept {
    words<8> all;
    plain_load(p, all);
    b = __builtin_bit_cast(block, all);
    return false;
  }
  static bool store(volatile void* p, const block& b, trap&) noexcept {
    plain_store(p, __builtin_bit_cast(words<8>, b));
    return false;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
