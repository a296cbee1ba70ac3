// A loop that copies memory which may be gone, and says how many bytes it copied: as one writes it
// first, and as it should be. Put yours beside them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <surefoot/surefoot.hpp>

namespace copy_loop {

inline constexpr std::size_t page = 4096;

// Touches a byte of each page, and where that works, copies the page.
//
// What is wrong: it counts its pages from `from`. Where that is not the first byte of a page, each
// chunk reaches into a page that nobody has touched, and is counted whole although its copy came short.
// try_copy() said so; the compiler wanted its answer looked at, and got a (void). With a memcpy()
// there, the process would die instead, and a test that dies cannot shrink what it died of.
inline std::size_t naive(unsigned char* to, const unsigned char* from, std::size_t n) {
  std::size_t done = 0;
  while (done < n) {
    const std::size_t chunk = std::min(page, n - done);
    if (!surefoot::try_load(from + done).ok()) break;
    (void)surefoot::try_copy(to + done, from + done, chunk);
    done += chunk;
  }
  return done;
}

// Asks nothing beforehand: each copy says how far it came.
inline std::size_t mended(unsigned char* to, const unsigned char* from, std::size_t n) {
  std::size_t done = 0;
  while (done < n) {
    const std::size_t chunk = std::min(page, n - done);
    const surefoot::progress copied = surefoot::try_copy(to + done, from + done, chunk);
    done += copied.done;
    if (!copied.all()) break;
  }
  return done;
}

}  // namespace copy_loop
