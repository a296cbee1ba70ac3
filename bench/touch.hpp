// The loops that a user would write to have memory faulted in.
#pragma once

#include <cstddef>

#include "memory.hpp"
#include "way.hpp"

namespace bench {

// A byte of each page, 64 bytes further in each: the same one of each would fall into the same set of the
// first cache.
inline void touch(const unsigned char* p, std::size_t n) {
  for (std::size_t at = 0, i = 0; at < n; at += page, ++i)
    keep(static_cast<const volatile unsigned char*>(p)[at + i % 64 * 64]);
}
inline void touch_to_write(unsigned char* p, std::size_t n) {
  for (std::size_t at = 0, i = 0; at < n; at += page, ++i)
    asm volatile("lock orb $0, %0" : "+m"(p[at + i % 64 * 64]));
}

// For files: a read fault maps what is in the page cache around it too, 64 KiB as Linux comes (fault_around_bytes).
inline void touch_around(const unsigned char* p, std::size_t n) {
  for (std::size_t at = 0; at < n; at += 65536)
    keep(static_cast<const volatile unsigned char*>(p)[at]);
}

}  // namespace bench
