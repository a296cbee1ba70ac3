// Picks the machine. Each folder has files of the same names; concept.hpp says what they must
// offer.
#pragma once

#include <surefoot/arch/concept.hpp>
#include <surefoot/config.hpp>

#if defined(__x86_64__)
#include <surefoot/arch/x86_64/atomic.hpp>
#include <surefoot/arch/x86_64/context.hpp>
#include <surefoot/arch/x86_64/copy.hpp>
#include <surefoot/arch/x86_64/entry.hpp>
#include <surefoot/arch/x86_64/probe.hpp>
#include <surefoot/arch/x86_64/scan.hpp>
#include <surefoot/arch/x86_64/table.hpp>
#endif

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

static_assert(accesses<access<true>, vector16> && accesses<access<false>, vector16>);
static_assert(atomics<atomic_access<true>, pair16> && atomics<atomic_access<false>, pair16>);
static_assert(copies_blocks<block_access<true>, block> &&
              copies_blocks<block_access<false>, block>);
static_assert(scan_block::size % scan_block::width == 0);
static_assert(interrupted_state<context, table_entry>);
static_assert(page_size() >= 4096 && (page_size() & (page_size() - 1)) == 0);

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
