/// @file
/// What an engine says where the processor meets something: the oracle for tests that run on several
/// engines.
#pragma once

#include <cstddef>
#include <surefoot/engine/kernel.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/testing/tile/tile.hpp>

namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// Is it the engine without a signal?
///
/// @snippet oracle.cpp said_by
template <class E>
inline constexpr bool is_kernel = surefoot::detail::same<E, engine::kernel>;

/// `met` is what the processor meets in a tile of this kind. The kernel engine has no signal, and what
/// it does not tell apart is unknown (engine/kernel.hpp).
///
/// @snippet oracle.cpp said_by
template <class E>
answer said_by(tile t, const answer& met, access_kind during) {
  if constexpr (!is_kernel<E>) {
    return met;
  } else {
    if (t == tile::secret && during == access_kind::read) return {cause::denied};
    // MADV_POPULATE_* tells this poison also where the processor does not.
    if (t == tile::userfault_poison || t == tile::hardware_poison)
      return {cause::poisoned, 0, 0, tile_size};
    if (t == tile::guard_page) return {cause::unknown};
    // process_vm_readv does not look at the keys of what it reads; MADV_POPULATE_WRITE and a plain
    // mapping without write permission are one answer.
    if (t == tile::key_denied || t == tile::key_read_only)
      return during == access_kind::read ? answer{} : answer{cause::denied};
    // None of its system calls looks at the tags of the memory that it is about (tile/tag.hpp).
    if (t == tile::tag_granules) return {};
    return {engine::kernel::sees(met.kind) ? met.kind : cause::unknown};
  }
}

/// What ensure_writeable says where loads and stores would come so far: to write a byte it must be loaded
/// as well (tags and poison are found so), and the first byte that refuses either is the bad one.
///
/// @snippet oracle.cpp refused_for_writing
inline fault refused_for_writing(const progress& loads, const progress& stores) {
  fault bad = (loads.done < stores.done ? loads : stores).stopped_by;
  if (bad.kind != cause::none) bad.during = access_kind::write;
  return bad;
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
