// The header by which images and versions find each other behind a signal handler's entry. A handler has several
// entries, `entry_stride` apart, one for each registration: whoever keeps a registration, and however little of it
// (signal() keeps the address only), says by it which one he means, and a delivery by where it comes in.
//
// It is frozen: whoever finds a foreign handler's address looks, within the 64 bytes from it, at each
// multiple of 16 for the 16 bytes of `header_magic`; after them stand two distances of 4 bytes, each
// from itself: to this entry, which must be the address that was found (another function's
// header may follow within those bytes), and to that image's record (signal/image.hpp); then 4 bytes, the number of the
// entry. It lies behind a jump and is never executed. It never crosses a page: the page of a handler can be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

#define SUREFOOT_DETAIL_MAGIC "surefoot.image.3"
inline constexpr char header_magic[17] = SUREFOOT_DETAIL_MAGIC;
inline constexpr std::uintptr_t header_reach = 64;
inline constexpr std::size_t header_size = 28;
inline constexpr std::uintptr_t entry_stride = 64;

// How many there are, at most. FROZEN, as the stride is.
inline constexpr unsigned entries = 16;
#define SUREFOOT_DETAIL_ENTRIES "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
