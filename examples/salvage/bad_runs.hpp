// The parts of SRC that could not be copied, in order: what the picture and the table show.
#pragma once

#include <cstddef>
#include <surefoot/fault.hpp>
#include <vector>

namespace tool {

struct bad_run {
  std::size_t offset = 0;
  std::size_t length = 0;
  surefoot::fault why;

  std::size_t end() const { return offset + length; }
};

class bad_runs {
 public:
  // Neighbours with the same cause are one run to the user, however many faults it took to learn.
  void add(std::size_t offset, std::size_t length, const surefoot::fault& why) {
    if (length == 0) return;
    if (!runs_.empty() && runs_.back().end() == offset && alike(runs_.back().why, why))
      runs_.back().length += length;
    else
      runs_.push_back({offset, length, why});
    bytes_ += length;
  }

  const std::vector<bad_run>& list() const { return runs_; }
  std::size_t bytes() const { return bytes_; }

 private:
  static bool alike(const surefoot::fault& a, const surefoot::fault& b) {
    return a.kind == b.kind && a.signal == b.signal && a.code == b.code;
  }

  std::vector<bad_run> runs_;
  std::size_t bytes_ = 0;
};

}  // namespace tool
