// page_cache: a small write-back cache that copies from a client's memory under a lock.
//
// generic_perform_write() must not wait for memory while it holds a page's lock: the source may be a mapping of
// that very page, and then whoever brings it needs the lock as well. So it faulted the source in before each
// copy, mostly for nothing. Right: copy under the lock without waiting; only after a copy that got nothing drop
// the lock, fault in, and go on with what is left, in smaller chunks.
//
//   page_cache [FILE]        writes FILE, mapped, through the cache to a temporary file (default: 10000 bytes)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::progress;

// The pages of one file, which is written from its beginning on.
class page_cache {
 public:
  using page = std::array<unsigned char, kit::tile_size>;

  // Each step is one page under the lock at most; the fault-in runs without it.
  template <class FaultIn = const surefoot::touch_with<>&>
  progress write(const void* from, std::size_t n, FaultIn&& fault_in = surefoot::touch) {
    const auto step = [this](const volatile void* p, std::size_t k) { return copy_locked(p, k); };
    return surefoot::resume<access_kind::read>(from, n, step, {.chunk = 16384}, fault_in);
  }

  // Not like this: memory is waited for while the lock is held.
  template <class FaultIn>
  void write_and_wait(const void* from, std::size_t n, FaultIn&& fault_in) {
    busy_.test_and_set(std::memory_order_acquire);
    if (!surefoot::try_copy(pages_.emplace_back().data(), from, n < sizeof(page) ? n : sizeof(page))
             .all())
      (void)fault_in(access_kind::read, from, n);
    busy_.clear(std::memory_order_release);
  }

  // What a pager needs that brings a page out of this cache. False: it would wait for ever.
  bool can_be_read_now() const { return !busy_.test(); }
  unsigned copies() const { return copies_; }

  // All of it, to a file. False: errno says why.
  bool write_back(int fd) const {
    for (std::size_t at = 0; at < size_;) {
      const std::size_t inside = at % sizeof(page), rest = sizeof(page) - inside;
      const std::size_t n = size_ - at < rest ? size_ - at : rest;
      const ssize_t put =
          ::pwrite(fd, pages_[at / sizeof(page)].data() + inside, n, static_cast<off_t>(at));
      if (put < 0) return false;
      at += static_cast<std::size_t>(put);
    }
    return true;
  }

 private:
  progress copy_locked(const volatile void* from, std::size_t n) {
    ++copies_;
    while (busy_.test_and_set(std::memory_order_acquire)) busy_.wait(true);
    if (size_ == pages_.size() * sizeof(page)) pages_.emplace_back();
    const std::size_t inside = size_ % sizeof(page), rest = sizeof(page) - inside;
    const std::size_t piece = n < rest ? n : rest;
    const progress copied = surefoot::try_copy(pages_.back().data() + inside, from, piece);
    size_ += copied.done;
    busy_.clear(std::memory_order_release);
    busy_.notify_one();
    return copied;
  }

  std::vector<page> pages_;
  std::size_t size_ = 0;
  std::atomic_flag busy_;
  unsigned copies_ = 0;
};

// What stands in the file is what stood in memory.
bool is_in_file(int fd, const void* from, std::size_t n) {
  std::vector<unsigned char> got(n + 1);
  return ::pread(fd, got.data(), n + 1, 0) == static_cast<ssize_t>(n) &&
         surefoot::try_compare(got.data(), from, n).value_or(1) == 0;
}

int temporary_file() { return ::memfd_create("page_cache", MFD_CLOEXEC); }

int write_file(const char* name) {
  const int from = ::open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC), to = temporary_file();
  struct stat now {};
  const auto end_with = [&](const char* why) {
    return std::fprintf(stderr, "page_cache: %s: %s\n", name, why), 2;
  };
  if (from < 0 || ::fstat(from, &now) != 0) return end_with(std::strerror(errno));
  if (!S_ISREG(now.st_mode) || now.st_size == 0 || now.st_size > 1 << 30)
    return end_with("is no file, empty, or larger than 1 GiB");
  const auto size = static_cast<std::size_t>(now.st_size);
  const void* const file = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, from, 0);
  if (file == MAP_FAILED) return end_with(std::strerror(errno));
  page_cache cache;
  const progress written = cache.write(file, size);
  std::printf("%s: %zu of %zu bytes in %u copies\n", name, written.done, size, cache.copies());
  return written.all() && cache.write_back(to) && is_in_file(to, file, size) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && (*argv[1] == '\0' || *argv[1] == '-')))
    return std::fputs("usage: page_cache [FILE]\n", stderr), 2;
  if (argc == 2) return write_file(argv[1]);

  // The second page of the client is not there until it is asked for, and comes out of the cache itself.
  constexpr std::size_t n = 10000;
  kit::minefield client({kit::tile::read_write, kit::tile::no_access, kit::tile::read_write});
  page_cache before, now;
  page_cache* cache = &before;
  unsigned asked = 0, for_ever = 0;
  const auto pager = [&](access_kind kind, const volatile void* p, std::size_t k) {
    ++asked;
    if (!cache->can_be_read_now()) return ++for_ever, progress{0, k};
    client.change(1, kit::tile::read_write);
    return surefoot::touch(kind, p, k);
  };
  before.write_and_wait(client.begin_of(1), kit::tile_size, pager);
  std::printf("a copy that waits, under the lock:  the pager waits for the lock: no end\n");
  cache = &now;
  asked = 0;
  const progress written = now.write(client.data(), n, pager);
  const int file = temporary_file();
  const bool same = now.write_back(file) && is_in_file(file, client.data(), n);
  std::printf("fault-in before each copy:          %u times, for one missing page\n",
              now.copies() - 1);
  std::printf("after a copy of nothing, unlocked:  %u time\n", asked);

  std::printf(
      "generic_perform_write | progress, after a failed copy | resume, try_copy | %u | %u | %zu\n",
      now.copies() - 1, asked, written.done);
  return written.all() && same && asked == 1 && for_ever == 1 ? 0 : 1;
}
