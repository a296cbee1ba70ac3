// preallocate: takes the space for a whole write at once, where that promises to be worth it.
//
// f2fs_file_write_iter() asks whether all of the client's memory can be read; where it can, the blocks of the
// file are allocated at once, in one piece; else the write does without. The answer is a hint and no promise:
// memory may go away again, so the copy stays a checked one, and what was not used is given back. Whoever takes
// "some of it can be read" for the hint allocates what a client claims, and never fills it.
//
//   preallocate [BYTES]      how much of the client's memory is there; of 60 pages that it claims (10000)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

enum class hint { some_is_there, all_is_there };

class file_writer {
 public:
  file_writer() : fd_(::memfd_create("preallocate", MFD_CLOEXEC)) {}
  ~file_writer() { ::close(fd_); }
  file_writer(const file_writer&) = delete;
  file_writer& operator=(const file_writer&) = delete;

  // `first` is called between the question and the copy.
  template <class First>
  progress write(const void* from, std::size_t n, hint wanted, First first) {
    const progress there = surefoot::fault_in_readable(from, n);
    preallocated_ = wanted == hint::all_is_there ? there.all() : there.any();
    if (preallocated_ && ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(n)) != 0)
      preallocated_ = false;
    most_on_disk_ = on_disk();
    first();
    const auto step = [this](const volatile void* p, std::size_t k) { return append(p, k); };
    const progress written = surefoot::resume<surefoot::access_kind::read>(from, n, step);
    if (preallocated_ && !written.all()) give_back(n);
    return written;
  }
  progress write(const void* from, std::size_t n, hint wanted = hint::all_is_there) {
    return write(from, n, wanted, [] {});
  }

  bool was_preallocated() const { return preallocated_; }
  std::size_t on_disk() const {
    struct stat now {};
    return ::fstat(fd_, &now) == 0 ? static_cast<std::size_t>(now.st_blocks) * 512 : 0;
  }
  // Before the first byte was written.
  std::size_t most_on_disk() const { return most_on_disk_; }
  std::vector<unsigned char> arrived() const {
    std::vector<unsigned char> all(size_);
    return ::pread(fd_, all.data(), size_, 0) == static_cast<ssize_t>(size_)
               ? all
               : std::vector<unsigned char>{};
  }

 private:
  progress append(const volatile void* from, std::size_t n) {
    unsigned char page[kit::tile_size];
    const progress copied = surefoot::try_copy(page, from, n < sizeof page ? n : sizeof page);
    const ssize_t put = ::pwrite(fd_, page, copied.done, static_cast<off_t>(size_));
    if (put != static_cast<ssize_t>(copied.done)) return surefoot::stop(0, n);
    size_ += copied.done;
    return copied;
  }
  void give_back(std::size_t n) {
    const std::size_t used = (size_ + kit::tile_size - 1) / kit::tile_size * kit::tile_size;
    if (used < n)
      (void)::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(used),
                        static_cast<off_t>(n + kit::tile_size));
  }

  int fd_;
  bool preallocated_ = false;
  std::size_t most_on_disk_ = 0;
  std::size_t size_ = 0;
};

void show(const char* what, const file_writer& w, const progress& written) {
  std::printf("%-34s %-15s %6zu bytes reserved, %6zu written, %6zu on the disk\n", what,
              w.was_preallocated() ? "preallocated," : "skipped,", w.most_on_disk(), written.done,
              w.on_disk());
}

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t pages = 60, most = (pages - 1) * kit::tile_size;
  const std::size_t there = argc > 1 ? number(argv[1]) : 10000;
  if (argc > 2 || there == 0 || there > most) {
    std::fprintf(stderr, "usage: preallocate [BYTES], from 1 to %zu (10000)\n", most);
    return 2;
  }
  const std::size_t good = (there - 1) / kit::tile_size + 1;
  std::vector<kit::tile> tiles(good, kit::tile::read_write);
  tiles.resize(pages, kit::tile::no_access);
  kit::minefield client(tiles);
  const unsigned char* const from = client.begin_of(good) - there;
  const std::size_t claimed = there + (pages - good) * kit::tile_size;

  file_writer before, now, whole, late;
  const progress by_some = before.write(from, claimed, hint::some_is_there);
  show("some of it is there", before, by_some);
  const progress written = now.write(from, claimed);
  show("all of it? no", now, written);
  const progress fine = whole.write(from, there);
  show("all of it? yes", whole, fine);
  const progress gone = late.write(client.data(), good * kit::tile_size, hint::all_is_there,
                                   [&] { client.change(good - 1, kit::tile::hole); });
  show("all of it? yes, then it goes away", late, gone);

  std::printf(
      "f2fs_file_write_iter | a hint over the whole range | fault_in_readable | - | 1 | %zu\n",
      written.done);
  const bool as_expected = written.done == there && !now.was_preallocated() &&
                           before.most_on_disk() >= claimed && fine.all() &&
                           whole.was_preallocated() && late.was_preallocated() &&
                           gone.done == (good - 1) * kit::tile_size && late.on_disk() == gone.done;
  return as_expected ? 0 : 1;
}
