// Picks the machine. Each folder has files of the same names; concept.hpp says what they must
// offer.
#pragma once

#include <surefoot/arch/concept.hpp>
#include <surefoot/config.hpp>

#if defined(__x86_64__)
#include <surefoot/arch/x86_64/atomic.hpp>
#include <surefoot/arch/x86_64/clock.hpp>
#include <surefoot/arch/x86_64/context.hpp>
#include <surefoot/arch/x86_64/copy.hpp>
#include <surefoot/arch/x86_64/entry.hpp>
#include <surefoot/arch/x86_64/probe.hpp>
#include <surefoot/arch/x86_64/scan.hpp>
#include <surefoot/arch/x86_64/search.hpp>
#include <surefoot/arch/x86_64/table.hpp>
#elif defined(__aarch64__)
#include <surefoot/arch/aarch64/atomic.hpp>
#include <surefoot/arch/aarch64/clock.hpp>
#include <surefoot/arch/aarch64/context.hpp>
#include <surefoot/arch/aarch64/copy.hpp>
#include <surefoot/arch/aarch64/entry.hpp>
#include <surefoot/arch/aarch64/probe.hpp>
#include <surefoot/arch/aarch64/scan.hpp>
#include <surefoot/arch/aarch64/search.hpp>
#include <surefoot/arch/aarch64/table.hpp>
#else
#include <surefoot/arch/generic/atomic.hpp>
#include <surefoot/arch/generic/clock.hpp>
#include <surefoot/arch/generic/context.hpp>
#include <surefoot/arch/generic/copy.hpp>
#include <surefoot/arch/generic/entry.hpp>
#include <surefoot/arch/generic/probe.hpp>
#include <surefoot/arch/generic/scan.hpp>
#include <surefoot/arch/generic/search.hpp>
#include <surefoot/arch/generic/table.hpp>
#endif

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

static_assert(has_table == SUREFOOT_HAS_TABLE);
static_assert((!has_table || accesses<access<true>, vector16>)&&accesses<access<false>, vector16>);
static_assert(atomics<atomic_access<true>, pair16> && atomics<atomic_access<false>, pair16>);
static_assert(copies_blocks<block_access<true>, block> &&
              copies_blocks<block_access<false>, block>);
static_assert(!has_steps || copies_in_steps<vectors>);
static_assert(!has_searches || searches_in_steps<searches>);
static_assert(scan_block::size % scan_block::width == 0);
static_assert(interrupted_state<context, table_entry>);
static_assert(page_size() >= 4096 && (page_size() & (page_size() - 1)) == 0);
static_assert(granule() >= 16 && page_size() % granule() == 0);
static_assert(untagged(0x1000) == 0x1000 && tagged_like(0, 0x1000) == 0x1000);
static_assert(noexcept(has_clock ? std::uint64_t{ticks()} : 0));
static_assert(stores_are_whole || block::width <= granule());

#if SUREFOOT_HAS_TABLE
// The bounds of this image's table, made by the linker; null where the image has no access at all.
// g++ drops the visibility where the name comes from an asm label: it must be the variable's own
// name.
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const table_entry SUREFOOT_DETAIL_START[];
[[gnu::weak, gnu::visibility("hidden")]] extern const table_entry SUREFOOT_DETAIL_STOP[];
}
inline const table_entry* table_begin() noexcept { return SUREFOOT_DETAIL_START; }
inline const table_entry* table_end() noexcept { return SUREFOOT_DETAIL_STOP; }
#endif

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
