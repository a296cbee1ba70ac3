// gather_scatter: moves the bytes of many buffers into many others, by a page of its own.
//
// copy_page_from_iter_iovec() and copy_page_to_iter_iovec() staged a page at a time. They faulted in the first
// buffer, copied without waiting for memory, and on a short copy went on with a slower copy from where they
// were: progress is all that they need. Whoever begins the page again instead, after faulting in *some* of
// it, never ends where a later buffer of that page is bad. Right: keep what is staged, go on behind it.
//
//   gather_scatter [BYTES]   how much of the client's memory is there; a bad page follows (10000)
#include <sys/uio.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::progress;

using buffers = std::vector<iovec>;
// What of some buffers is still to be done.
class cursor {
 public:
  explicit cursor(const buffers& all) : all_(all) { skip_done(); }

  bool at_end() const { return now_ == all_.size(); }
  unsigned char* here() const { return static_cast<unsigned char*>(all_[now_].iov_base) + inside_; }
  std::size_t left_here() const { return all_[now_].iov_len - inside_; }
  void advance(std::size_t n) {
    inside_ += n;
    skip_done();
  }

 private:
  void skip_done() {
    for (; now_ < all_.size() && inside_ == all_[now_].iov_len; ++now_) inside_ = 0;
  }

  const buffers& all_;
  std::size_t now_ = 0;
  std::size_t inside_ = 0;
};

class mover {
 public:
  // All that can be read is written, as far as that can be; in order. `done` is what was written.
  progress move(const buffers& to, const buffers& from) {
    std::size_t all = 0, done = 0;
    for (const iovec& each : from) all += each.iov_len;
    cursor reading(from), writing(to);
    for (;;) {
      const progress staged = each_piece<access_kind::read>(reading, sizeof page_);
      const progress written = each_piece<access_kind::write>(writing, staged.done);
      done += written.done;
      if (!written.all()) return {done, all - done, written.stopped_by};
      if (!staged.all() || done == all) return {done, all - done, staged.stopped_by};
      if (writing.at_end()) return {done, all - done, {.kind = surefoot::cause::stopped}};
    }
  }
  unsigned copies() const { return copies_; }

  // Not like this: the page from its beginning, after some of the first bad buffer was faulted in.
  void gather_page_again(const buffers& from, unsigned most_rounds) {
    while (copies_ < most_rounds) {
      ++copies_;
      if (surefoot::try_gather(page_, from).all()) return;
      if (!surefoot::fault_in_readable(from).any()) return;
    }
  }

 private:
  // Between the first `end` bytes of the page and the buffers at the cursor, as far as these reach.
  template <access_kind K>
  progress each_piece(cursor& buffer, std::size_t end) {
    std::size_t at = 0;
    while (at < end && !buffer.at_end()) {
      const std::size_t n = buffer.left_here() < end - at ? buffer.left_here() : end - at;
      const progress piece = surefoot::resume<K>(buffer.here(), n, [&](auto* p, std::size_t k) {
        ++copies_;
        progress copied;
        if constexpr (K == access_kind::read)
          copied = surefoot::try_copy(page_ + at, p, k);
        else
          copied = surefoot::try_copy(p, page_ + at, k);
        at += copied.done;
        return copied;
      });
      buffer.advance(piece.done);
      if (!piece.all()) return {at, end - at, piece.stopped_by};
    }
    return {at, 0};
  }

  unsigned char page_[kit::tile_size];
  unsigned copies_ = 0;
};

// [p, p + n) in pieces of `size` bytes.
buffers pieces(const void* p, std::size_t n, std::size_t size) {
  buffers all;
  auto* const bytes = static_cast<unsigned char*>(const_cast<void*>(p));
  for (std::size_t at = 0; at < n; at += size)
    all.push_back({bytes + at, n - at < size ? n - at : size});
  return all;
}

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t most = 63 * kit::tile_size;
  const std::size_t there = argc > 1 ? number(argv[1]) : 10000;
  if (argc > 2 || there == 0 || there > most)
    return std::fprintf(stderr, "usage: gather_scatter [BYTES], from 1 to %zu (10000)\n", most), 2;
  std::vector<kit::tile> tiles((there - 1) / kit::tile_size + 1, kit::tile::read_write);
  tiles.push_back(kit::tile::no_access);
  const kit::minefield client(tiles);
  const unsigned char* const from = client.data() + client.size() - kit::tile_size - there;
  const std::size_t claimed = there + kit::tile_size;

  // The last page that is there, in two buffers, and a third one behind it.
  mover before;
  before.gather_page_again({{const_cast<unsigned char*>(from + there - 1), 1},
                            {const_cast<unsigned char*>(from + there), kit::tile_size - 1}},
                           1000);
  std::printf("the page again from its beginning:  %4u copies, no end\n", before.copies());

  std::vector<unsigned char> arrived(claimed);
  mover now;
  const progress moved =
      now.move(pieces(arrived.data(), claimed, 1500), pieces(from, claimed, 700));
  std::printf("on behind what is staged:           %4u copies, %zu bytes, then: %s\n", now.copies(),
              moved.done, surefoot::name(moved.stopped_by.kind));

  std::printf("copy_page_from/to_iter_iovec | progress | resume, try_copy | %u | %u | %zu\n",
              before.copies(), now.copies(), moved.done);
  const bool as_expected = before.copies() == 1000 && moved.done == there &&
                           moved.stopped_by.address == from + there &&
                           std::memcmp(arrived.data(), from, there) == 0;
  return as_expected ? 0 : 1;
}
