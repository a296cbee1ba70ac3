// Memory that the kernel takes for broken, of every kind that it keeps: one unit of it between two good
// ones.
//
//   const poisoned::row land(poisoned::anonymous);
//   CHECK(surefoot::try_load(land.bad()).stopped_by ==
//         poisoned::fault_of<engine::table>(access_kind::read, land.bad()));
//   CHECK(land.intact());
#pragma once

#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/tile/huge.hpp>
#include <surefoot/testing/tile/poison.hpp>
#include <system_error>

#include "../unit/engines.hpp"
#include "../unit/memory.hpp"

namespace poisoned {

using memory::page_size;
using memory::require;
using surefoot::testing::pattern;

inline constexpr std::size_t huge_size = surefoot::testing::huge_page::size;

// Asks the machine; where it refuses, the running test says so.
inline bool offered() {
  // CONFIG_MEMORY_FAILURE brings this knob along.
  const bool all = std::getenv("SUREFOOT_HARDWARE_POISON") != nullptr && ::geteuid() == 0 &&
                   ::access("/proc/sys/vm/memory_failure_early_kill", F_OK) == 0;
  if (!all)
    memory::say_skipped("SUREFOOT_HARDWARE_POISON set, CAP_SYS_ADMIN and CONFIG_MEMORY_FAILURE");
  return all;
}

inline void break_page(std::uint8_t* at) { surefoot::testing::poison_tiles::break_page(at); }

// What the kernel has given up so far, in KiB.
inline unsigned long given_up() {
  std::ifstream meminfo("/proc/meminfo");
  unsigned long amount = 0;
  for (std::string word; meminfo >> word;)
    if (word == "HardwareCorrupted:") meminfo >> amount;
  return amount;
}

// The fault that this engine reports of an access that met poison here. engine::kernel does not learn
// how much was lost.
template <class E>
surefoot::fault fault_of(surefoot::access_kind during, const volatile void* at,
                         std::size_t extent = page_size) {
  if constexpr (memory::without_signals<E>)
    return {at, surefoot::cause::poisoned, during, 0, 0, page_size};
  else
    return {at, surefoot::cause::poisoned, during, SIGBUS, BUS_MCEERR_AR, extent};
}

// --- kinds of memory

// What is mapped, and where in it the row begins.
struct mapping {
  std::uint8_t* begin = nullptr;  // null: the machine does not have it
  std::size_t size = 0;
  std::size_t row_at = 0;
};

inline mapping map(std::size_t size, int flags, int descriptor = -1) {
  void* const p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (descriptor >= 0) ::close(descriptor);
  return {p == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(p), size};
}
inline mapping map_file(int descriptor, std::size_t size, int flags = MAP_SHARED) {
  if (descriptor < 0) return {};
  require(::ftruncate(descriptor, static_cast<off_t>(size)) == 0, "ftruncate");
  return map(size, flags, descriptor);
}

inline int unnamed_file(const char* directory) {
  return ::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

// A file without a name on a filesystem that keeps its pages elsewhere, and can bring them again; -1
// where none is mounted.
inline int disk_file() {
  std::FILE* const mounts = ::setmntent("/proc/self/mounts", "r");
  if (mounts == nullptr) return -1;
  int file = -1;
  while (const mntent* const m = file < 0 ? ::getmntent(mounts) : nullptr)
    for (const char* const type : {"ext2", "ext4", "xfs", "btrfs"})
      if (std::strcmp(m->mnt_type, type) == 0) file = unnamed_file(m->mnt_dir);
  ::endmntent(mounts);
  return file;
}

// Calls make() until the pool of huge pages has enough for it: of each row the broken one stays lost.
inline mapping map_huge_pages(mapping (*make)()) {
  const char* const pool = "/proc/sys/vm/nr_hugepages";
  mapping made = make();
  for (int tries = 0; made.begin == nullptr && tries < 10; ++tries) {
    unsigned pages = 0;
    if (!(std::ifstream(pool) >> pages)) break;
    std::ofstream(pool) << pages + 3;
    made = make();
  }
  return made;
}

inline mapping map_anonymous() { return map(3 * page_size, MAP_PRIVATE | MAP_ANONYMOUS); }
inline mapping map_shared() { return map(3 * page_size, MAP_SHARED | MAP_ANONYMOUS); }
inline mapping map_memfd() {
  return map_file(::memfd_create("poison", MFD_CLOEXEC), 3 * page_size);
}
inline mapping map_tmpfs() { return map_file(unnamed_file("/dev/shm"), 3 * page_size); }
inline mapping map_private_copy() {
  return map_file(::memfd_create("poison", MFD_CLOEXEC), 3 * page_size, MAP_PRIVATE);
}
inline mapping map_disk_file() { return map_file(disk_file(), 3 * page_size); }
inline mapping map_huge_page() {
  std::uint8_t* const p = surefoot::testing::detail::reserve(huge_size, huge_size);
  try {
    surefoot::testing::detail::map_huge(p);
  } catch (const std::system_error&) {
    return {};
  }
  return {p, huge_size, 5 * page_size};
}
inline mapping map_hugetlb() {
  return map_huge_pages(
      [] { return map(3 * huge_size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB); });
}
inline mapping map_hugetlb_file() {
  return map_huge_pages(
      [] { return map_file(::memfd_create("poison", MFD_CLOEXEC | MFD_HUGETLB), 3 * huge_size); });
}

struct kind {
  mapping (*make)();
  const char* name;
  const char* needs;
  bool of_file = false, shared = false;  // what heal() says of it
  std::size_t unit = page_size;          // the kernel gives up so much at once
};

inline constexpr bool of_file = true, shared = true, of_one_process = false;
inline constexpr kind anonymous{map_anonymous, "anonymous memory", "memory"};
inline constexpr kind shared_anonymous{map_shared, "shared memory", "memory", of_file, shared};
inline constexpr kind memfd{map_memfd, "a memfd", "memfd_create", of_file, shared};
inline constexpr kind tmpfs{map_tmpfs, "a file on tmpfs", "/dev/shm", of_file, shared};
inline constexpr kind private_copy{map_private_copy, "a private copy of a file", "memfd_create",
                                   of_file, of_one_process};
inline constexpr kind dirty_page{map_disk_file, "a dirty page of a file on a disk",
                                 "ext2, ext4, xfs or btrfs", of_file, shared};
inline constexpr kind huge_page{map_huge_page, "a part of a transparent huge page",
                                surefoot::testing::huge_tiles::need({})};
inline constexpr kind hugetlb{
    map_hugetlb, "anonymous memory of hugetlbfs", "huge pages", of_file, of_one_process, huge_size};
inline constexpr kind hugetlb_file{
    map_hugetlb_file, "a file on hugetlbfs", "huge pages", of_file, shared, huge_size};

inline constexpr const kind* kinds[] = {&anonymous, &shared_anonymous, &memfd,
                                        &tmpfs,     &private_copy,     &dirty_page,
                                        &huge_page, &hugetlb,          &hugetlb_file};

// --- memory

// Three units in a row, filled with the kit's pattern, of which the middle one is broken.
class row {
 public:
  explicit row(const kind& k) : unit_(k.unit), all_(k.make()) {
    if (all_.begin == nullptr) return;
    for (std::size_t i = 0; i < all_.size; ++i) all_.begin[i] = pattern(all_.begin + i);
    break_page(bad());
  }
  ~row() {
    if (all_.begin != nullptr) ::munmap(all_.begin, all_.size);
  }
  row(const row&) = delete;
  row& operator=(const row&) = delete;

  explicit operator bool() const { return all_.begin != nullptr; }
  std::size_t unit() const { return unit_; }
  std::uint8_t* begin() const { return all_.begin + all_.row_at; }
  std::uint8_t* bad() const { return begin() + unit_; }
  std::uint8_t* behind() const { return bad() + unit_; }
  std::uint8_t* end() const { return behind() + unit_; }

  // All that is mapped, which may be more than the row.
  std::uint8_t* mapped() const { return all_.begin; }

  // Does everything around the broken unit still hold its pattern? The nearest of it?
  bool intact() const {
    return holds_pattern(all_.begin, bad()) && holds_pattern(behind(), all_.begin + all_.size);
  }
  bool near_is_intact() const {
    return holds_pattern(bad() - 512, bad()) && holds_pattern(behind(), behind() + 512);
  }

 private:
  static bool holds_pattern(const std::uint8_t* p, const std::uint8_t* end) {
    for (; p != end; ++p)
      if (*p != pattern(p)) return false;
    return true;
  }

  std::size_t unit_;
  mapping all_;
};

// Calls check(kind, row) for each kind; the running test names those that this machine has not.
template <class Check>
void on_each_kind(Check check) {
  for (const kind* const k : kinds) {
    INFO(k->name);
    const row land(*k);
    if (land)
      check(*k, land);
    else
      memory::say_skipped((std::string(k->needs) + ", for " + k->name).c_str());
  }
}

}  // namespace poisoned
