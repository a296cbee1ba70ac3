// What a signal handler hands to the place where a faulting access goes on. Two machine words, so
// that they travel in registers: `info` is packed and unpacked by signal/classify.hpp, `address` is
// the first byte that could not be accessed.
#pragma once

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct trap {
  std::uint64_t info;
  std::uint64_t address;
};

// What an access says of itself in its table's entry.
inline constexpr std::uint8_t entry_writes = 1;           // a store or a read-modify-write
inline constexpr std::uint8_t entry_is_second = 2;        // of the second row, or range, of a step
inline constexpr std::uint8_t entry_traps_to_memory = 4;  // x86-64: its trap goes where RCX points

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
