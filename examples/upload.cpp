// upload: copies a client's memory into the buffer of a device.
//
// armada_gem_pwrite() touched each page of the client's memory, and then copied it with a checked copy, which
// can fail all the same. The probe cost a second pass over every page, and was right only until another
// thread of the client moved. Right is one checked copy: it says how far it came and which side stopped it.
//
//   upload [FILE]            uploads FILE, mapped as a client would map it (the default: 10000 bytes)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::progress;

// Memory of a device, which may be unplugged.
class device {
 public:
  explicit device(std::size_t size) : size_(size), memory_(map(size)) {}
  ~device() { ::munmap(memory_, size_); }
  device(const device&) = delete;
  device& operator=(const device&) = delete;

  bool is_here() const { return memory_ != MAP_FAILED; }
  void unplug() { ::mprotect(memory_, size_, PROT_NONE); }
  const unsigned char* memory() const { return static_cast<const unsigned char*>(memory_); }

  // What a system call of this name returns: bytes, or minus an error. A part that could not be read is no
  // success: the client is told.
  long pwrite(std::size_t offset, const void* from, std::size_t n) {
    if (offset > size_ || n > size_ - offset) return -EINVAL;  // no sum that could wrap
    last_ = surefoot::try_copy(static_cast<unsigned char*>(memory_) + offset, from, n);
    if (last_.all()) return static_cast<long>(n);
    return last_.stopped_by.during == access_kind::write ? -ENODEV : -EFAULT;
  }
  // How far the last one came, and why.
  const progress& last() const { return last_; }

 private:
  static void* map(std::size_t size) {
    return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  }

  std::size_t size_;
  void* memory_;
  progress last_{};
};

// The whole file, by a private mapping. It goes with the process.
const void* map_file(const char* name, std::size_t& size) {
  const int fd = ::open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat now {};
  if (fd < 0 || ::fstat(fd, &now) != 0) return MAP_FAILED;
  if (!S_ISREG(now.st_mode)) return errno = EINVAL, MAP_FAILED;
  size = static_cast<std::size_t>(now.st_size);
  const void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  return mapped;
}

int upload_file(const char* name) {
  std::size_t size = 0;
  const void* const file = map_file(name, size);
  if (file == MAP_FAILED) {
    const char* const why = errno == EINVAL ? "is no file, or empty" : std::strerror(errno);
    std::fprintf(stderr, "upload: %s: %s\n", name, why);
    return 2;
  }
  device gpu(size);
  if (!gpu.is_here()) return std::perror("upload: mmap"), 3;
  const long answer = gpu.pwrite(0, file, size);
  std::printf("%s: %zu of %zu bytes uploaded: %s\n", name, gpu.last().done, size,
              answer < 0 ? std::strerror(static_cast<int>(-answer)) : "all of it");
  if (answer < 0) return 1;
  return surefoot::try_compare(gpu.memory(), file, size).value_or(1) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && (*argv[1] == '\0' || *argv[1] == '-')))
    return std::fputs("usage: upload [FILE]\n", stderr), 2;
  if (argc == 2) return upload_file(argv[1]);

  constexpr std::size_t n = 10000, there = 2 * kit::tile_size;
  kit::minefield client(std::vector<kit::tile>(3, kit::tile::read_write));
  device gpu(n);
  if (!gpu.is_here()) return std::perror("upload: mmap"), 3;

  const long whole = gpu.pwrite(0, client.data(), n);
  const bool same = whole == n && std::memcmp(gpu.memory(), client.data(), n) == 0;
  std::printf("one checked copy:              %ld bytes\n", whole);

  const long outside = gpu.pwrite(1, client.data(), n);
  const long wrapping = gpu.pwrite(~std::size_t{0}, client.data(), 2);
  std::printf("past the end of the buffer:    %s\n", std::strerror(static_cast<int>(-outside)));

  // Probed, found to be fine; then another thread of the client takes a page away.
  const progress probed = surefoot::fault_in_readable(client.data(), n);
  client.change(2, kit::tile::hole);
  const long taken = gpu.pwrite(0, client.data(), n);
  const progress came = gpu.last();
  std::printf("taken away after a probe:      probe: %s, copy: %s after %zu bytes\n",
              probed.all() ? "fine" : "short", std::strerror(static_cast<int>(-taken)), came.done);

  gpu.unplug();
  const long unplugged = gpu.pwrite(0, client.data(), there);
  std::printf("the device is unplugged:       %s\n", std::strerror(static_cast<int>(-unplugged)));

  std::printf("armada_gem_pwrite | nothing | try_copy | - | 1 | %ld\n", whole);
  const bool as_expected = same && outside == -EINVAL && wrapping == -EINVAL && probed.all() &&
                           taken == -EFAULT && came.done == there && unplugged == -ENODEV;
  return as_expected ? 0 : 1;
}
