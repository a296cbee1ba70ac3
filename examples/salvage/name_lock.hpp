// One salvage at a time for a map: two would each undo what the other has written down.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <salvage/failure.hpp>
#include <string>

namespace tool {

// Held for a file name while this lives, whether or not there is such a file (which is replaced again
// and again): an abstract socket address, which leaves nothing on any disk and goes away with the
// process, however that ends.
class name_lock {
 public:
  explicit name_lock(const std::string& name) {
    const std::size_t slash = name.rfind('/') + 1;
    const std::string directory = slash == 0 ? "." : name.substr(0, slash);
    struct stat there {};
    if (::stat(directory.c_str(), &there) != 0) refuse(name, "cannot write");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int length = std::snprintf(
        address.sun_path + 1, sizeof address.sun_path - 1, "salvage/%jx/%jx/%zx",
        static_cast<std::uintmax_t>(there.st_dev), static_cast<std::uintmax_t>(there.st_ino),
        std::hash<std::string>{}(name.substr(slash)));
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                             static_cast<std::size_t>(length));
    // Where there are no such sockets, DST.part's own lock is what is left.
    if (socket_ >= 0 && ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
        errno == EADDRINUSE) {
      ::close(socket_);
      throw failure{status::cannot_open_or_write, name + ": is in use by another salvage"};
    }
  }
  ~name_lock() {
    if (socket_ >= 0) ::close(socket_);
  }
  name_lock(const name_lock&) = delete;
  name_lock& operator=(const name_lock&) = delete;

 private:
  int socket_ = -1;
};

}  // namespace tool
