// reserved_writer: reserves space on the disk before it copies from memory that may be gone.
//
// btrfs_buffered_write() reserves data space for a chunk, copies what it can, and releases what a short copy
// did not use, before it faults in and goes on with the rest: progress. A loop that keeps the reservation
// "since the rest comes next" runs out of space on a source that never comes, and so does everybody else.
//
//   reserved_writer [BYTES]  how much of the client's memory is there; a bad page follows (10000)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::progress;

constexpr std::size_t block = 4096;
constexpr std::size_t whole_blocks(std::size_t n) { return (n + block - 1) / block * block; }

class reserved_writer {
 public:
  static constexpr std::size_t chunk = 8 * block;

  // No more than `quota` bytes of the disk.
  explicit reserved_writer(std::size_t quota)
      : fd_(::memfd_create("reserved_writer", MFD_CLOEXEC)), quota_(quota) {}
  ~reserved_writer() { ::close(fd_); }
  reserved_writer(const reserved_writer&) = delete;
  reserved_writer& operator=(const reserved_writer&) = delete;

  progress write(const void* from, std::size_t n) {
    const auto step = [this](const volatile void* p, std::size_t k) {
      const progress copied = reserve_and_copy(p, k);
      release_behind(size_);
      return copied;
    };
    return surefoot::resume<surefoot::access_kind::read>(from, n, step, {.chunk = chunk});
  }
  // Not like this: each round reserves, none releases, and some of the source is there.
  void write_without_release(const unsigned char* from, std::size_t n) {
    for (std::size_t done = 0; done < n;) {
      const progress copied = reserve_and_copy(from + done, n - done < chunk ? n - done : chunk);
      if (copied.stopped_by.kind == surefoot::cause::stopped) return;  // no space
      done += copied.done;
      reserved_ += whole_blocks(copied.left);
    }
  }

  unsigned rounds() const { return rounds_; }
  std::size_t size() const { return size_; }
  // What the file takes of the disk, as the file system says.
  std::size_t on_disk() const {
    struct stat now {};
    return ::fstat(fd_, &now) == 0 ? static_cast<std::size_t>(now.st_blocks) * 512 : 0;
  }
  std::vector<unsigned char> arrived() const {
    std::vector<unsigned char> all(size_);
    return ::pread(fd_, all.data(), size_, 0) == static_cast<ssize_t>(size_)
               ? all
               : std::vector<unsigned char>{};
  }

 private:
  progress reserve_and_copy(const volatile void* from, std::size_t n) {
    ++rounds_;
    const std::size_t wanted = whole_blocks(size_ + n);
    if (wanted + reserved_ > quota_ ||
        ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(wanted)) != 0)
      return surefoot::stop(0, n);
    const progress copied = surefoot::try_copy(buffer_, from, n < chunk ? n : chunk);
    const ssize_t put = ::pwrite(fd_, buffer_, copied.done, static_cast<off_t>(size_));
    if (put != static_cast<ssize_t>(copied.done)) return surefoot::stop(0, n);
    size_ += copied.done;
    return {copied.done, n - copied.done, copied.stopped_by};
  }
  void release_behind(std::size_t used) {
    const auto begin = static_cast<off_t>(whole_blocks(used));
    (void)::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin,
                      static_cast<off_t>(whole_blocks(chunk)));
  }

  int fd_;
  std::size_t quota_;
  std::size_t reserved_ = 0;  // for what never came
  std::size_t size_ = 0;
  unsigned rounds_ = 0;
  unsigned char buffer_[chunk];
};

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t most = 63 * kit::tile_size, quota = std::size_t{1} << 20;
  const std::size_t there = argc > 1 ? number(argv[1]) : 10000;
  if (argc > 2 || there == 0 || there > most) {
    std::fprintf(stderr, "usage: reserved_writer [BYTES], from 1 to %zu (10000)\n", most);
    return 2;
  }
  std::vector<kit::tile> tiles((there - 1) / kit::tile_size + 1, kit::tile::read_write);
  tiles.push_back(kit::tile::no_access);
  const kit::minefield client(tiles);
  const unsigned char* const from = client.data() + client.size() - kit::tile_size - there;
  const std::size_t claimed = there + kit::tile_size;

  reserved_writer before(quota);
  before.write_without_release(from, claimed);
  std::printf("reserved and kept:      %4u rounds, %6zu bytes, then no space: 1 MiB is reserved\n",
              before.rounds(), before.size());
  reserved_writer now(quota);
  const progress written = now.write(from, claimed);
  std::printf("reserved and released:  %4u rounds, %6zu bytes, then: %s; %zu on the disk\n",
              now.rounds(), now.size(), surefoot::name(written.stopped_by.kind), now.on_disk());

  std::printf("btrfs_buffered_write | progress | resume, try_copy | %u | %u | %zu\n",
              before.rounds(), now.rounds(), written.done);
  const auto arrived = now.arrived();
  const bool as_expected = written.done == there && arrived.size() == there &&
                           std::memcmp(arrived.data(), from, there) == 0 &&
                           now.on_disk() == whole_blocks(there) && before.rounds() > now.rounds();
  return as_expected ? 0 : 1;
}
