// What the process holds, looked at while every thread waits and all layouts are dropped.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <surefoot/testing/tile/select.hpp>

#include "build.hpp"

#if defined(__has_include) && __has_include(<sanitizer/allocator_interface.h>)
#include <sanitizer/allocator_interface.h>
#endif

namespace soak {

struct resources {
  std::size_t mappings = 0, descriptors = 0, threads = 0;
  std::size_t mapped = 0, heap = 0, resident = 0;  // bytes

  static resources now() {
    settle_stock();
    ::malloc_trim(0);
    resources r;
    r.mappings = lines_of("/proc/self/maps");
    r.descriptors = entries_of("/proc/self/fd");
    r.threads = entries_of("/proc/self/task");
    r.heap = heap_in_use();
    r.look_at_pages();
    return r;
  }

  resources most_of(const resources& other) const {
    return {std::max(mappings, other.mappings), std::max(descriptors, other.descriptors),
            std::max(threads, other.threads),   std::max(mapped, other.mapped),
            std::max(heap, other.heap),         std::max(resident, other.resident)};
  }

 private:
  static std::size_t lines_of(const char* path) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    std::size_t lines = 0;
    static char part[1 << 16];
    for (ssize_t n; (n = ::read(file, part, sizeof part)) > 0;)
      lines += static_cast<std::size_t>(std::count(part, part + n, '\n'));
    ::close(file);
    return lines;
  }
  static std::size_t entries_of(const char* path) {
    DIR* const directory = ::opendir(path);
    std::size_t entries = 0;
    while (directory != nullptr && ::readdir(directory) != nullptr) ++entries;
    ::closedir(directory);
    return entries;
  }
  static std::size_t heap_in_use() {
#if defined(SANITIZER_ALLOCATOR_INTERFACE_H) || defined(SANITIZER_INTERFACE_ALLOCATOR_H)
    if constexpr (build::is_sanitized) return ::__sanitizer_get_current_allocated_bytes();
#endif
    const auto all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
  }
  // The pages of tile::huge_page are cut from a stock of 2 MiB, one after the other. Takes some, until it is
  // as if new.
  static void settle_stock() {
    namespace kit = surefoot::testing;
    if (!kit::is_here(kit::tile::huge_page)) return;
    static unsigned char* const at = kit::detail::reserve(kit::tile_size);
    static kit::ground none;
    for (resources before, after;; before = after) {
      before.look_at_pages();
      kit::lay(kit::tile::huge_page, at, none);
      after.look_at_pages();
      if (after.mapped > before.mapped) return;
    }
  }
  void look_at_pages() {
    char text[128] = {};
    const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const ssize_t n = ::read(file, text, sizeof text - 1);
    ::close(file);
    unsigned long long all = 0, here = 0;
    if (n <= 0 || std::sscanf(text, "%llu %llu", &all, &here) != 2) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    mapped = static_cast<std::size_t>(all) * page;
    resident = static_cast<std::size_t>(here) * page;
  }
};

}  // namespace soak
