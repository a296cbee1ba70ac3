// One answer for a vector of buffers.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace detail {

// Does each buffer in its turn, with one(buffer, offset in the whole, bytes) -> progress, and stops
// at the first that is short. Empty ones are done at once.
template <class One>
progress each_buffer(const iovec* v, std::size_t count, One one) noexcept {
  progress all{0, total(v, count)};
  for (std::size_t i = 0; i < count; ++i) {
    const progress part = one(v[i].iov_base, all.done, v[i].iov_len);
    all.done += part.done;
    all.left -= part.done;
    if (!part.all()) {
      all.stopped_by = part.stopped_by;
      return all;
    }
  }
  return all;
}

}  // namespace detail
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
