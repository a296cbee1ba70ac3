// batch_filler: fills messages of several pages from memory that may be gone, and sends what it has.
//
// fuse_fill_write_pages() fills the pages of one request to a server. After a short copy it sends what it has,
// and only where it has nothing it faults in and tries again: progress. A loop that wants a full message, and
// asks after each failure whether *some* of its source is there, sends nothing and never ends.
//
//   batch_filler [BYTES]     how much of the client's memory is there; a bad page follows (30000)
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::progress;

struct message {
  static constexpr std::size_t pages = 4;

  std::uint64_t offset;
  std::uint64_t size;
  unsigned char data[pages * kit::tile_size];

  std::size_t bytes() const { return offsetof(message, data) + size; }
};

// `send` takes a message, and says whether it could be sent.
template <class Send>
class batch_filler {
 public:
  explicit batch_filler(Send send) : send_(send) {}

  progress write(const void* from, std::size_t n) {
    const auto step = [this](const volatile void* p, std::size_t k) { return fill_and_send(p, k); };
    return surefoot::resume<surefoot::access_kind::read>(from, n, step,
                                                         {.chunk = sizeof now_.data});
  }
  // Not like this: a full message, or none.
  void write_full_ones(const unsigned char* from, std::size_t n, unsigned most_rounds) {
    for (std::size_t done = 0; done < n && fills_ < most_rounds;) {
      const std::size_t full = n - done < sizeof now_.data ? n - done : sizeof now_.data;
      ++fills_;
      if (surefoot::try_copy(now_.data, from + done, full).all() && send(full))
        done += full;
      else if (!surefoot::fault_in_readable(from + done, full).any())
        return;
    }
  }

  unsigned fills() const { return fills_; }
  unsigned sent() const { return sent_; }

 private:
  progress fill_and_send(const volatile void* from, std::size_t n) {
    ++fills_;
    const progress copied = surefoot::try_copy(now_.data, from, n);
    return copied.done == 0 || send(copied.done) ? copied : surefoot::stop(0, n);
  }
  bool send(std::size_t size) {
    now_.size = size;
    if (!send_(now_)) return false;
    now_.offset += size;
    ++sent_;
    return true;
  }

  Send send_;
  message now_{};
  unsigned fills_ = 0;
  unsigned sent_ = 0;
};

// The server, a process of its own: puts together what it is sent, until nobody is left who could send; then
// says how many bytes these are, and what they are.
[[noreturn]] void serve(int socket) {
  std::vector<unsigned char> all;
  message got;
  while (::recv(socket, &got, sizeof got, 0) > 0) {
    if (got.offset != all.size()) ::_exit(1);
    all.insert(all.end(), got.data, got.data + got.size);
  }
  for (std::size_t at = 0; at < all.size(); at += sizeof got.data) {
    const std::size_t n = all.size() - at < sizeof got.data ? all.size() - at : sizeof got.data;
    if (::send(socket, all.data() + at, n, 0) < 0) ::_exit(1);
  }
  ::_exit(0);
}

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t most = 63 * kit::tile_size;
  const std::size_t there = argc > 1 ? number(argv[1]) : 30000;
  if (argc > 2 || there == 0 || there > most) {
    std::fprintf(stderr, "usage: batch_filler [BYTES], from 1 to %zu (30000)\n", most);
    return 2;
  }
  std::vector<kit::tile> tiles((there - 1) / kit::tile_size + 1, kit::tile::read_write);
  tiles.push_back(kit::tile::no_access);
  const kit::minefield client(tiles);
  const unsigned char* const from = client.data() + client.size() - kit::tile_size - there;
  const std::size_t claimed = there + kit::tile_size;

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
    return std::perror("batch_filler: socketpair"), 3;
  const pid_t server = ::fork();
  if (server < 0) return std::perror("batch_filler: fork"), 3;
  if (server == 0) ::close(ends[0]), serve(ends[1]);
  ::close(ends[1]);

  batch_filler before([](const message&) { return true; });
  before.write_full_ones(from + there - 1, 1 + kit::tile_size, 1000);
  std::printf("a full message or none:  %4u rounds, %u messages, no end\n", before.fills(),
              before.sent());

  batch_filler now([&](const message& m) { return ::send(ends[0], &m, m.bytes(), 0) >= 0; });
  const progress written = now.write(from, claimed);
  std::printf("what it has:             %4u rounds, %u messages, %zu bytes, then: %s\n",
              now.fills(), now.sent(), written.done, surefoot::name(written.stopped_by.kind));

  ::shutdown(ends[0], SHUT_WR);
  std::vector<unsigned char> arrived(claimed + sizeof(message));
  std::size_t size = 0;
  for (ssize_t n; (n = ::recv(ends[0], arrived.data() + size, arrived.size() - size, 0)) > 0;)
    size += static_cast<std::size_t>(n);
  int status = 1;
  ::waitpid(server, &status, 0);

  std::printf("fuse_fill_write_pages | progress | resume, try_copy | %u | %u | %zu\n",
              before.fills(), now.fills(), size);
  const bool as_expected = before.fills() == 1000 && before.sent() == 0 && written.done == there &&
                           size == there && status == 0 &&
                           std::memcmp(arrived.data(), from, there) == 0;
  return as_expected ? 0 : 1;
}
