// The header by which images and versions find each other behind a signal handler's entry.
//
// It is frozen: whoever finds a foreign handler's address looks, within the 64 bytes from it, at each
// multiple of 16 for the 16 bytes of `header_magic`; after them stand two distances of 4 bytes, each
// from itself: to the handler's entry, which must be the address that was found (another function's
// header may follow within those bytes), and to that image's record (signal/image.hpp). It lies behind a
// jump and is never executed. It never crosses a page: the page of a handler can be read.
#pragma once

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

#define SUREFOOT_DETAIL_MAGIC "surefoot.image.2"
inline constexpr char header_magic[17] = SUREFOOT_DETAIL_MAGIC;
inline constexpr std::uintptr_t header_reach = 64;

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
