// mapped_wc: `wc -l` over a mapped file, which may become shorter while it is counted.
//
// Whoever maps a file and counts its lines dies with SIGBUS when another process truncates it. Whoever only
// catches that still counts wrong: behind a new end inside a page the rest of the page reads as zeros, without
// a fault. Right: one checked copy of each piece, and then the file is asked how long it is now; what
// lies behind its end was never in it.
//
//   mapped_wc [FILE]         prints the number of lines and FILE, as wc -l does (the default: shows both cases)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <surefoot/surefoot.hpp>

namespace {

// What came of it: how many lines, or at which byte the file ended before its time.
struct count {
  std::size_t lines = 0;
  std::size_t bytes = 0;
  bool truncated = false;
};

// Vectors of bytes as counters: as fast as memory.
std::size_t lines_in(const unsigned char* p, std::size_t n) {
  constexpr std::size_t lanes = 64, most = 255;
  std::size_t lines = 0;
  while (n >= lanes) {
    unsigned char each[lanes]{};
    const std::size_t rounds = n / lanes < most ? n / lanes : most;
    for (std::size_t i = 0; i < rounds; ++i, p += lanes)
      for (std::size_t k = 0; k < lanes; ++k)
        each[k] = static_cast<unsigned char>(each[k] + (p[k] == '\n'));
    for (const unsigned char some : each) lines += some;
    n -= rounds * lanes;
  }
  for (; n > 0; --n) lines += *p++ == '\n';
  return lines;
}

constexpr std::size_t piece = std::size_t{1} << 18;

// Counts `size` bytes of the file, mapped at p. `first` is called before each piece. The kernel copies: it
// touches no page through the mapping, which is slow where that is the first touch.
template <class First>
count count_lines(int fd, const unsigned char* p, std::size_t size, First first) {
  static unsigned char copy[piece];
  count all;
  while (all.bytes < size) {
    first(all.bytes);
    const std::size_t n = size - all.bytes < piece ? size - all.bytes : piece;
    const surefoot::progress copied =
        surefoot::try_copy(copy, p + all.bytes, n, surefoot::engine::kernel{});
    struct stat now {};
    const bool is_whole =
        copied.all() && ::fstat(fd, &now) == 0 && now.st_size >= static_cast<off_t>(all.bytes + n);
    if (!is_whole) {
      all.truncated = now.st_size < static_cast<off_t>(all.bytes + n);
      break;
    }
    all.lines += lines_in(copy, n);
    all.bytes += n;
  }
  return all;
}

class mapping {
 public:
  mapping(int fd, std::size_t n)
      : size_(n), at_(::mmap(nullptr, n, PROT_READ, MAP_SHARED, fd, 0)) {}
  ~mapping() {
    if (is_here()) ::munmap(at_, size_);
  }
  mapping(const mapping&) = delete;
  bool is_here() const { return at_ != MAP_FAILED; }
  const unsigned char* data() const { return static_cast<const unsigned char*>(at_); }

 private:
  std::size_t size_;
  void* at_;
};

int count_file(const char* name) {
  const auto end_with = [&](const char* why, int status) {
    std::fprintf(stderr, "mapped_wc: %s: %s\n", name, why);
    return status;
  };
  const int fd = ::open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat now {};
  if (fd < 0 || ::fstat(fd, &now) != 0) return end_with(std::strerror(errno), 2);
  if (!S_ISREG(now.st_mode)) return end_with("is no file", 2);
  count all;
  if (now.st_size > 0) {
    const auto size = static_cast<std::size_t>(now.st_size);
    const mapping file(fd, size);
    if (!file.is_here()) return end_with(std::strerror(errno), 2);
    all = count_lines(fd, file.data(), size, [](std::size_t) {});
  }
  if (all.truncated) return end_with("was truncated while it was counted", 1);
  if (all.bytes < static_cast<std::size_t>(now.st_size)) return end_with("cannot be read", 1);
  std::printf("%zu %s\n", all.lines, name);
  return 0;
}

// A file of two pieces and a bit, one line in ten bytes, that is cut to `cut` bytes when half of it is counted.
count show(const char* what, std::size_t size, std::size_t cut) {
  std::string text;
  while (text.size() < size) text += "123456789\n";
  const int fd = ::memfd_create("mapped_wc", MFD_CLOEXEC);
  const bool written = ::write(fd, text.data(), size) == static_cast<ssize_t>(size);
  count all;
  if (const mapping file(fd, size); written && file.is_here())
    all = count_lines(fd, file.data(), size, [&](std::size_t at) {
      if (at == piece) (void)!::ftruncate(fd, static_cast<off_t>(cut));
    });
  ::close(fd);
  std::printf("%-24s %7zu bytes counted, %6zu lines: %s\n", what, all.bytes, all.lines,
              all.truncated ? "truncated" : "all of it");
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && (*argv[1] == '\0' || *argv[1] == '-')))
    return std::fputs("usage: mapped_wc [FILE]\n", stderr), 2;
  if (argc == 2) return count_file(argv[1]);
  constexpr std::size_t size = 2 * piece + 10;
  const count whole = show("nobody cuts it", size, size),
              pages = show("cut by pages", size, piece + 8192),
              inside = show("cut inside its last page", size, size - 5);
  std::printf("(wc -l) | one checked copy, then fstat | try_copy | - | 3 | %zu\n", whole.bytes);
  return !whole.truncated && whole.bytes == size && whole.lines == size / 10 && pages.truncated &&
                 pages.bytes == piece && inside.truncated && inside.bytes == 2 * piece
             ? 0
             : 1;
}
