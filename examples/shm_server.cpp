// shm_server: reads frames from the shared memory of clients, which are other processes and may truncate it.
//
// A compositor maps what a client shares, and dies with SIGBUS when the client makes it shorter. Catching that
// is half of the answer: behind an end inside a page the rest of the page reads as zeros, without a fault, and
// the server hands on bytes that the client never had. Right: one checked copy out of the client's reach, then
// ask how long the memory is now; on either failure that client is disconnected, and no other one notices.
//
//   shm_server [FRAMES]      how many frames a client sends (100)
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

namespace {

constexpr std::size_t frame_size = 10000;

struct notice {
  std::uint64_t offset;
  std::uint64_t size;
};
unsigned char byte_of(std::uint64_t frame) { return static_cast<unsigned char>(1 + frame % 255); }

enum class client_kind { honest, cuts_inside_a_page, cuts_pages, cuts_meanwhile };

// The other process: fills its memory, then announces frame by frame. At two thirds it becomes what it is.
[[noreturn]] void be_client(int socket, int memory, std::uint64_t frames, client_kind kind) {
  for (std::uint64_t k = 0; k < frames; ++k) {
    const std::vector<unsigned char> frame(frame_size, byte_of(k));
    if (::write(memory, frame.data(), frame_size) != static_cast<ssize_t>(frame_size)) ::_exit(1);
  }
  const auto cut = [&](std::uint64_t to) {
    if (::ftruncate(memory, static_cast<off_t>(to)) != 0) ::_exit(1);
  };
  const std::uint64_t turns = frames * 2 / 3;
  for (std::uint64_t k = 0; k < frames; ++k) {
    const notice next{k * frame_size, frame_size};
    if (k == turns && kind == client_kind::cuts_inside_a_page) cut(next.offset + frame_size - 10);
    if (k == turns && kind == client_kind::cuts_pages) cut(next.offset);
    char answer = 0;
    if (::send(socket, &next, sizeof next, MSG_NOSIGNAL) < 0) break;
    if (k == turns && kind == client_kind::cuts_meanwhile) cut(next.offset);
    if (::recv(socket, &answer, 1, 0) <= 0) break;
  }
  ::_exit(0);
}

class server {
 public:
  server(int memory, std::size_t size, bool asks_size)
      : memory_(memory), size_(size), asks_size_(asks_size) {
    mapping_ = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memory, 0);
  }
  ~server() { ::munmap(mapping_, size_); }
  server(const server&) = delete;
  // Until the client goes, or is sent away.
  void serve(int socket) {
    for (notice next; ::recv(socket, &next, sizeof next, 0) == static_cast<ssize_t>(sizeof next);) {
      disconnected_ = !take(next);
      if (disconnected_) return;
      deliver(next);
      if (::send(socket, "", 1, MSG_NOSIGNAL) < 0) return;
    }
  }

  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t never_there() const { return never_there_; }
  bool disconnected() const { return disconnected_; }

 private:
  // Into our own memory: whole, and all of it from within the file.
  bool take(const notice& next) {
    if (next.size > frame_size || next.offset > size_ - next.size) return false;
    const auto* const from = static_cast<const unsigned char*>(mapping_) + next.offset;
    const surefoot::progress copied = surefoot::try_copy(frame_, from, next.size);
    if (!copied.all() || !asks_size_) return copied.all();
    struct stat now {};
    return ::fstat(memory_, &now) == 0 &&
           now.st_size >= static_cast<off_t>(next.offset + next.size);
  }
  // To whoever the frames are for, who knows what they should be.
  void deliver(const notice& next) {
    const auto there = std::count(frame_, frame_ + next.size, byte_of(next.offset / frame_size));
    never_there_ += next.size - static_cast<std::uint64_t>(there);
    ++delivered_;
  }

  int memory_;
  std::size_t size_;
  bool asks_size_;
  void* mapping_;
  unsigned char frame_[frame_size];
  std::uint64_t delivered_ = 0, never_there_ = 0;
  bool disconnected_ = false;
};

// A client, served to its end. False: not as expected.
bool show(const char* what, std::uint64_t frames, client_kind kind, bool asks_size) {
  const std::size_t size = frames * frame_size;
  const int memory = ::memfd_create("shm_server", MFD_CLOEXEC);
  int ends[2];
  if (memory < 0 || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return false;
  const pid_t client = ::fork();
  if (client == 0) ::close(ends[0]), be_client(ends[1], memory, frames, kind);
  ::close(ends[1]);
  server one(memory, size, asks_size);
  if (client < 0) return false;
  one.serve(ends[0]);
  ::close(ends[0]);
  int status = 1;
  ::waitpid(client, &status, 0);
  ::close(memory);
  std::printf("%-36s %3lu frames, %2lu bytes that were never there%s\n", what, one.delivered(),
              one.never_there(), one.disconnected() ? ", disconnected" : "");
  const bool is_cut = kind != client_kind::honest;
  return status == 0 && (!asks_size || one.disconnected() == is_cut) &&
         one.never_there() == (asks_size ? 0 : 10) &&
         one.delivered() >= (is_cut ? frames * 2 / 3 : frames);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t frames = argc > 1 ? 0 : 100;
  if (argc == 2) {
    const char* const end = argv[1] + std::strlen(argv[1]);
    if (std::from_chars(argv[1], end, frames).ptr != end) frames = 0;
  }
  if (argc > 2 || frames < 4 || frames > 1000)
    return std::fputs("usage: shm_server [FRAMES], from 4 to 1000 (100)\n", stderr), 2;
  bool right =
      show("cut inside a page, and nobody asks", frames, client_kind::cuts_inside_a_page, false);
  right &= show("cut inside a page", frames, client_kind::cuts_inside_a_page, true);
  right &= show("cut before the frame", frames, client_kind::cuts_pages, true);
  right &= show("cut at any moment", frames, client_kind::cuts_meanwhile, true);
  right &= show("another client", frames, client_kind::honest, true);
  std::printf("(a compositor) | one checked copy, then fstat | try_copy | - | %lu | %lu\n", frames,
              frames * frame_size);
  return right ? 0 : 1;
}
