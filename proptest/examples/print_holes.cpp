// print_holes FILE: where the file system keeps nothing, one "offset length" a line. The end of the
// file, which lseek() counts as a hole too, is none here.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: print_holes FILE\n", stderr), 2;
  const int file = ::open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (file < 0 || ::fstat(file, &about) != 0) return std::perror(argv[1]), 3;
  for (off_t at = 0; at < about.st_size;) {
    const off_t hole = ::lseek(file, at, SEEK_HOLE);
    if (hole < 0) return std::perror(argv[1]), 3;
    if (hole >= about.st_size) break;
    const off_t data = ::lseek(file, hole, SEEK_DATA);
    at = data < 0 ? about.st_size : data;  // ENXIO: no data any more
    std::printf("%jd %jd\n", static_cast<intmax_t>(hole), static_cast<intmax_t>(at - hole));
  }
  ::close(file);
}
