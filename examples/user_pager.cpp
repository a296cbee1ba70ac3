// user_pager: a buffer manager. A file of any size behind a few frames of memory, with userfaultfd.
//
// A database maps no file: it brings pages itself, and throws them out when it wants. With
// UFFD_FEATURE_SIGBUS a missing page is a SIGBUS for whoever touches it, so a checked copy comes short there.
// The pager is then the fault-in policy of resume(): it reads the page from the file, puts it in its place,
// throws another one out, and the loop goes on from where it was. No thread waits for another one.
//
//   user_pager [FILE]        reads FILE through 4 frames (the default: 40000 bytes of its own)
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <surefoot/surefoot.hpp>
#include <vector>

namespace {

using surefoot::access_kind;
using surefoot::progress;

constexpr std::size_t page = surefoot::engine::standard::page_size();
constexpr std::size_t frames = 4;

std::uintptr_t address(const volatile void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Address space as large as the file, of which no more than `frames` pages are there. A policy for resume().
class pager {
 public:
  pager(int file, std::size_t size) : file_(file), size_((size + page - 1) / page * page) {
    memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    faults_ = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
    struct uffdio_api api {};
    api.api = UFFD_API;
    api.features = UFFD_FEATURE_SIGBUS;
    struct uffdio_register all {};
    all.range = {address(memory_), size_};
    all.mode = UFFDIO_REGISTER_MODE_MISSING;
    is_here_ = memory_ != MAP_FAILED && faults_ >= 0 && ::ioctl(faults_, UFFDIO_API, &api) == 0 &&
               ::ioctl(faults_, UFFDIO_REGISTER, &all) == 0;
  }
  ~pager() {
    if (memory_ != MAP_FAILED) ::munmap(memory_, size_);
    ::close(faults_);
  }
  pager(const pager&) = delete;

  bool is_here() const { return is_here_; }  // false: errno says why
  const unsigned char* memory() const { return static_cast<const unsigned char*>(memory_); }
  unsigned brought() const { return brought_; }
  std::size_t in_memory() const { return there_.size(); }

  // Brings the page at p, and nothing beyond it.
  progress operator()(access_kind kind, const volatile void* p, std::size_t n) {
    const std::size_t offset = (address(p) - address(memory_)) / page * page;
    alignas(page) unsigned char content[page]{};
    const ssize_t got = ::pread(file_, content, page, static_cast<off_t>(offset));
    const surefoot::fault refused{p, surefoot::cause::no_backing, kind, 0, 0, 0};
    if (got <= 0) return {0, n, refused};
    if (there_.size() == frames) throw_out_oldest();
    struct uffdio_copy request {};
    request.dst = address(memory_) + offset;
    request.src = address(content);
    request.len = page;
    // Another thread may have brought it.
    if (::ioctl(faults_, UFFDIO_COPY, &request) != 0 && errno != EEXIST) return {0, n, refused};
    there_.push_back(offset);
    ++brought_;
    const std::size_t rest = page - address(p) % page;
    return n <= rest ? progress{n, 0} : progress{rest, n - rest};
  }

 private:
  void throw_out_oldest() {
    ::madvise(static_cast<unsigned char*>(memory_) + there_.front(), page, MADV_DONTNEED);
    there_.pop_front();
  }

  int file_;
  std::size_t size_;
  void* memory_ = MAP_FAILED;
  int faults_ = -1;
  bool is_here_ = false;
  std::deque<std::size_t> there_;
  unsigned brought_ = 0;
};

// A file of our own, without a name.
int sample_file(std::size_t size) {
  std::vector<unsigned char> all;
  while (all.size() < size) all.push_back(static_cast<unsigned char>(1 + all.size() * 131 % 251));
  const int fd = ::memfd_create("user_pager", MFD_CLOEXEC);
  return ::write(fd, all.data(), size) == static_cast<ssize_t>(size) ? fd : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && (*argv[1] == '\0' || *argv[1] == '-')))
    return std::fputs("usage: user_pager [FILE]\n", stderr), 2;
  const char* const name = argc == 2 ? argv[1] : "its own file";
  const int file = argc == 2 ? ::open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : sample_file(40000);
  struct stat now {};
  const bool is_known = file >= 0 && ::fstat(file, &now) == 0;
  if (!is_known || !S_ISREG(now.st_mode) || now.st_size == 0 || now.st_size > 1 << 30) {
    std::fprintf(stderr, "user_pager: %s: %s\n", name,
                 is_known ? "is no file, empty, or larger than 1 GiB" : std::strerror(errno));
    return 2;
  }
  const auto size = static_cast<std::size_t>(now.st_size);
  pager pages(file, size);
  if (!pages.is_here()) {
    std::fprintf(stderr, "user_pager: needs userfaultfd: %s\n", std::strerror(errno));
    return 3;
  }

  std::vector<unsigned char> got(size), wanted(size);
  std::size_t at = 0;
  unsigned rounds = 0;
  const auto step = [&](const volatile void* p, std::size_t n) {
    ++rounds;
    const progress copied = surefoot::try_copy(got.data() + at, p, n);
    at += copied.done;
    return copied;
  };
  const progress without = surefoot::try_copy(got.data(), pages.memory(), size);
  const progress read = surefoot::resume<access_kind::read>(pages.memory(), size, step, {}, pages);
  const bool same =
      ::pread(file, wanted.data(), size, 0) == static_cast<ssize_t>(size) && got == wanted;
  std::printf("without the pager:  %zu bytes, then: %s\n", without.done,
              surefoot::name(without.stopped_by.kind));
  std::printf("with it:            %zu of %zu bytes of %s: %u pages brought, %zu in memory\n",
              read.done, size, name, pages.brought(), pages.in_memory());

  std::printf(
      "(a buffer manager) | progress, by a pager of one's own | resume, try_copy | - | %u | %zu\n",
      rounds, read.done);
  const bool as_expected = read.all() && same && without.done == 0 && pages.in_memory() <= frames &&
                           pages.brought() == (size + page - 1) / page;
  return as_expected ? 0 : 1;
}
