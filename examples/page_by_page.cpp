// page_by_page: overwrites a part of a file with memory that may be gone, several pages at once.
//
// ntfs_perform_write() fills several pages of a cluster in one go, and does not read them from the disk first:
// they will be overwritten whole. After a short copy that is not true: behind what arrived the last page holds
// nothing of the file. Right: some progress is enough, but page by page from there on, and each page is brought
// up to date before bytes are copied over it, so that what did not arrive is what stood there before.
//
//   page_by_page [BYTES]     how much of the client's memory is there; a bad page follows (10000)
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::progress;

constexpr std::size_t page = kit::tile_size;
constexpr std::size_t cluster = 4 * page;

// A file of whole pages, of which this many hold `old_byte`.
class overwriter {
 public:
  static constexpr unsigned char old_byte = 'o';

  explicit overwriter(std::size_t size) : fd_(::memfd_create("page_by_page", MFD_CLOEXEC)) {
    const std::vector<unsigned char> old(size, old_byte);
    if (::write(fd_, old.data(), size) != static_cast<ssize_t>(size)) std::perror("page_by_page");
  }
  ~overwriter() { ::close(fd_); }
  overwriter(const overwriter&) = delete;
  overwriter& operator=(const overwriter&) = delete;

  // From the beginning of the file. `done` bytes of it are new, all others are as they were.
  progress write(const void* from, std::size_t n) {
    const auto step = [this](const volatile void* p, std::size_t k) { return write_some(p, k); };
    return surefoot::resume<surefoot::access_kind::read>(from, n, step, {.chunk = cluster});
  }
  // Not like this: what a short copy left in the buffer goes to the file as well.
  progress write_without_reading(const void* from, std::size_t n) {
    const progress copied = surefoot::try_copy(buffer_, from, n < cluster ? n : cluster);
    return put(0, whole_pages(copied.done)) ? copied : surefoot::stop(0, n);
  }

  std::vector<unsigned char> content(std::size_t n) const {
    std::vector<unsigned char> all(n);
    return ::pread(fd_, all.data(), n, 0) == static_cast<ssize_t>(n) ? all
                                                                     : std::vector<unsigned char>{};
  }
  unsigned copies() const { return copies_; }

 private:
  static std::size_t whole_pages(std::size_t n) { return (n + page - 1) / page * page; }

  // Whole pages at once, as long as copies are not short; else one page that is up to date.
  progress write_some(const volatile void* from, std::size_t n) {
    ++copies_;
    const std::size_t inside = at_ % page;
    if (inside == 0 && n >= page && !careful_) {
      const std::size_t whole = (n < cluster ? n : cluster) / page * page;
      const progress copied = surefoot::try_copy(buffer_, from, whole);
      careful_ = !copied.all();
      if (careful_) return {0, n, copied.stopped_by};
      if (!put(at_, whole)) return surefoot::stop(0, n);
      at_ += whole;
      return copied;
    }
    if (::pread(fd_, buffer_, page, static_cast<off_t>(at_ - inside)) < 0)
      return surefoot::stop(0, n);
    const std::size_t rest = page - inside;
    const progress copied = surefoot::try_copy(buffer_ + inside, from, n < rest ? n : rest);
    if (!put(at_ - inside, page)) return surefoot::stop(0, n);
    at_ += copied.done;
    return copied;
  }
  bool put(std::size_t at, std::size_t n) {
    return ::pwrite(fd_, buffer_, n, static_cast<off_t>(at)) == static_cast<ssize_t>(n);
  }

  int fd_;
  std::size_t at_ = 0;
  bool careful_ = false;
  unsigned copies_ = 0;
  unsigned char buffer_[cluster]{};
};

// How many bytes behind the first `done` ones are not the old ones any more.
std::size_t lost(const overwriter& file, std::size_t done, std::size_t size) {
  std::size_t n = 0;
  const auto content = file.content(size);
  for (std::size_t i = done; i < content.size(); ++i) n += content[i] != overwriter::old_byte;
  return n;
}

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t most = 63 * page;
  const std::size_t there = argc > 1 ? number(argv[1]) : 10000;
  if (argc > 2 || there == 0 || there > most) {
    std::fprintf(stderr, "usage: page_by_page [BYTES], from 1 to %zu (10000)\n", most);
    return 2;
  }
  std::vector<kit::tile> tiles((there - 1) / page + 1, kit::tile::read_write);
  tiles.push_back(kit::tile::no_access);
  const kit::minefield client(tiles);
  const unsigned char* const from = client.data() + client.size() - page - there;
  const std::size_t claimed = there + page, size = tiles.size() * page;

  overwriter before(size);
  const progress first = before.write_without_reading(from, claimed);
  std::printf("several pages, not up to date:  %5zu bytes written, %4zu others lost\n", first.done,
              lost(before, first.done, size));
  overwriter now(size);
  const progress written = now.write(from, claimed);
  const std::size_t lost_now = lost(now, written.done, size);
  std::printf("page by page, up to date:       %5zu bytes written, %4zu others lost, %u copies\n",
              written.done, lost_now, now.copies());

  std::printf("ntfs_perform_write | progress | resume, try_copy | - | %u | %zu\n", now.copies(),
              written.done);
  const auto content = now.content(size);
  const bool as_expected = written.done == there && lost_now == 0 && content.size() == size &&
                           std::memcmp(content.data(), from, there) == 0 &&
                           lost(before, first.done, size) == (page - first.done % page) % page;
  return as_expected ? 0 : 1;
}
