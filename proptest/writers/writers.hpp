// The copy loops of examples/, as they stand there, each behind a function of one shape. A source of its own
// for each program, because each program is a file that stands for itself: its main() has another name there.
#pragma once

#include <cstddef>
#include <surefoot/fault.hpp>
#include <vector>

namespace writers {

// What a loop says that it did, and what it did.
struct outcome {
  surefoot::progress told{};
  std::vector<unsigned char> arrived{};
  bool left_nothing_else = true;  // neither bytes behind them, nor space that is not used
};

// Writes the n > 0 bytes at `from`, which may fault, to where the program writes to.
using writer = outcome(const unsigned char* from, std::size_t n);
writer batch_filler, block_writer, gather_scatter, page_by_page, page_cache, preallocate,
    reserved_writer, upload;

// Puts all of `content`, one byte at least, to `to`, which may fault.
using reader = surefoot::progress(unsigned char* to, const std::vector<unsigned char>& content);
reader direct_read, scatter;

}  // namespace writers
