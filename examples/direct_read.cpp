// direct_read: reads a file into a buffer that is mapped from the same file.
//
// A direct read may leave no cached page of what it reads. gfs2 holds the file's lock meanwhile, so it must not
// wait for the buffer, and faults it in after a short copy, for writing. Where the buffer is a mapping of the
// same page, the read takes away what the fault-in brings, again and again. And the fault-in of that time stored zeros. Right:
// progress, a probe that changes nothing, and a bound; then the read goes through the cache.
//
//   direct_read [PAGES]      how many pages of the file are read onto themselves (1)
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

namespace {

using surefoot::access_kind;
using surefoot::cause;
using surefoot::progress;

constexpr std::size_t page = surefoot::engine::standard::page_size();

// A file that this process maps, and whose pages can be taken out of that mapping.
class mapped_file {
 public:
  explicit mapped_file(const std::vector<unsigned char>& content)
      : fd_(::memfd_create("direct_read", MFD_CLOEXEC)), size_(content.size()) {
    const bool written = ::write(fd_, content.data(), size_) == static_cast<ssize_t>(size_);
    mapping_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (!written || mapping_ == MAP_FAILED) std::perror("direct_read"), ::_exit(3);
  }
  ~mapped_file() {
    ::munmap(mapping_, size_);
    ::close(fd_);
  }
  mapped_file(const mapped_file&) = delete;
  unsigned char* mapping() const { return static_cast<unsigned char*>(mapping_); }
  std::vector<unsigned char> content() const {
    std::vector<unsigned char> all(size_);
    if (::pread(fd_, all.data(), size_, 0) != static_cast<ssize_t>(size_)) all.clear();
    return all;
  }

  // As far as the file goes; directly, and what cannot be read so through the cache.
  progress read(std::size_t at, volatile void* to, std::size_t n) {
    const progress direct = read(at, to, n, true, {.rounds = 4, .chunk = page});
    if (direct.stopped_by.kind != cause::stalled) return direct;
    auto* const rest = static_cast<volatile unsigned char*>(to) + direct.done;
    const progress cached = read(at + direct.done, rest, direct.left, false, {.chunk = page});
    return {direct.done + cached.done, cached.left, cached.stopped_by};
  }
  // As it was: as long as some of the buffer can be faulted in.
  progress read_without_bound(std::size_t at, volatile void* to, std::size_t n,
                              unsigned most_rounds) {
    return read(at, to, n, true, {.rounds = most_rounds, .chunk = page});
  }
  unsigned attempts() const { return attempts_; }

 private:
  progress read(std::size_t at, volatile void* to, std::size_t n, bool direct,
                surefoot::loop_options options) {
    const auto step = [&](volatile void* p, std::size_t k) {
      ++attempts_;
      unsigned char bounce[page];
      const ssize_t got = ::pread(fd_, bounce, k, static_cast<off_t>(at));
      if (got <= 0) return surefoot::stop(0, k);
      if (direct) take_out(at, static_cast<std::size_t>(got));
      const progress copied = surefoot::try_copy(p, bounce, static_cast<std::size_t>(got));
      at += copied.done;
      return copied;
    };
    const auto bring_back = [&](access_kind kind, const volatile void* p, std::size_t k) {
      put_in(reinterpret_cast<std::uintptr_t>(p));
      return surefoot::touch(kind, p, k);
    };
    return surefoot::resume<access_kind::write>(to, n, step, options, bring_back);
  }
  // The pages of [at, at + n) of the file; the page at this address, if it is one of the file.
  void take_out(std::size_t at, std::size_t n) const {
    const std::size_t first = at / page * page;
    ::mprotect(mapping() + first, at + n - first, PROT_NONE);
  }
  void put_in(std::uintptr_t address) const {
    const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(mapping_);
    if (offset < size_) ::mprotect(mapping() + offset / page * page, page, PROT_READ | PROT_WRITE);
  }

  int fd_;
  std::size_t size_;
  void* mapping_;
  unsigned attempts_ = 0;
};

std::vector<unsigned char> noise(std::size_t n) {
  std::vector<unsigned char> all;
  while (all.size() < n) all.push_back(static_cast<unsigned char>(1 + all.size() * 131 % 251));
  return all;
}
// What a fault-in that stores zeros does to a buffer into which nothing is then read.
std::size_t lost_by_storing(std::vector<unsigned char> buffer) {
  const std::vector<unsigned char> before = buffer;
  for (std::size_t i = 0; i < buffer.size(); i += page)
    (void)surefoot::try_store(buffer.data() + i, std::uint8_t{0});
  std::size_t lost = 0;
  for (std::size_t i = 0; i < buffer.size(); ++i) lost += buffer[i] != before[i];
  return lost;
}

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t pages = argc > 1 ? number(argv[1]) : 1;
  if (argc > 2 || pages == 0 || pages > 1024)
    return std::fputs("usage: direct_read [PAGES], from 1 to 1024 (1)\n", stderr), 2;
  const std::size_t n = pages * page;
  const std::vector<unsigned char> original = noise(n + 3 * page);

  // The second page and what follows, onto itself.
  mapped_file before(original), now(original);
  const progress endless = before.read_without_bound(page, before.mapping() + page, n, 1000);
  std::printf("as long as some can be faulted in:  %4u attempts, %6zu bytes, no end\n",
              before.attempts(), endless.done);
  const progress whole = now.read(page, now.mapping() + page, n);
  std::printf("bounded, then through the cache:    %4u attempts, %6zu bytes\n", now.attempts(),
              whole.done);

  // What the buffer held stays there, whatever the read then brings.
  std::vector<unsigned char> buffer = noise(2 * page);
  const bool probed = surefoot::fault_in_writeable(buffer).all() && buffer == noise(2 * page);
  const std::size_t lost = lost_by_storing(buffer);
  std::printf("a fault-in that stores zeros loses:    %zu bytes; ours: %s\n", lost,
              probed ? "none" : "some");

  std::printf(
      "gfs2 direct read | progress, write, changing nothing | resume, try_copy | %u | %u | %zu\n",
      before.attempts(), now.attempts(), whole.done);
  const bool as_expected = endless.stopped_by.kind == cause::stalled && before.attempts() == 1000 &&
                           whole.all() && lost == 2 && now.content() == original && probed;
  return as_expected ? 0 : 1;
}
