// A store of several instructions that is all or nothing: both its ends, and every granule between them, are
// probed for writing first.
#pragma once

#include <cstddef>
#include <surefoot/fault.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

// Stores the n bytes at `from` to p. Only where another thread takes the memory away between the probes and
// the copy is a part of them stored, and then the verdict is false.
template <class E>
verdict probed_store(const E& e, volatile void* p, const void* from, std::size_t n) noexcept {
  const progress probed = e.template probe_each<access_kind::write>(p, n, E::granule());
  if (!probed.all()) return {probed.stopped_by};
  return {e.copy(p, from, n).stopped_by};
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
