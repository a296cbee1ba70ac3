// Holes, as find_holes() and salvage() report them: runs of bytes that cannot be read, for one reason each.
#pragma once

#include <cstddef>
#include <surefoot/surefoot.hpp>
#include <vector>

namespace fuzz {

struct lost_run {
  surefoot::fault why;
  std::size_t offset, bytes;
  friend bool operator==(const lost_run&, const lost_run&) = default;
};

// The next n bytes, which cannot be read: they lengthen the last hole, or begin another.
inline void add(std::vector<lost_run>& holes, const surefoot::fault& why, std::size_t offset,
                std::size_t n) {
  if (!holes.empty()) {
    lost_run& last = holes.back();
    if (last.offset + last.bytes == offset && last.why.kind == why.kind &&
        last.why.code == why.code && last.why.signal == why.signal) {
      last.bytes += n;
      return;
    }
  }
  holes.push_back({why, offset, n});
}

}  // namespace fuzz
