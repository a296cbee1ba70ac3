// search_results: emits records into a client's buffer, each of them whole.
//
// btrfs' search_ioctl() copies a header and an item for each key; after a short copy copy_to_sk() goes back to
// the record's header. In between it asked for *some* of the rest of the buffer, a byte a page. On arm64 tags
// refuse single granules of 16 bytes: first byte of the page fine, record refused, for ever. Right: every byte
// of the record. (Where this machine has no tags, the kit's simulation stands for them.)
//
//   search_results [BYTES]   the size of the buffer (4096)
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <surefoot/testing/simulated_tags.hpp>

namespace {

namespace kit = surefoot::testing;
using surefoot::progress;
using surefoot::verdict;

struct record {
  std::uint64_t key;
  std::uint64_t length;
  unsigned char item[64];  // the first `length` of them

  explicit record(std::uint64_t k) : key(k), length(32 + k % 3 * 16) {
    std::memset(item, static_cast<int>(k % 255 + 1), sizeof item);
  }
  std::size_t size() const { return offsetof(record, item) + length; }
};

template <class E>
class search {
 public:
  search(unsigned char* to, std::size_t room, E engine) : to_(to), room_(room), engine_(engine) {}

  // Record by record, until the next one does not fit; or until it can not be stored.
  verdict run() {
    for (record next(0); at_ + next.size() <= room_; next = record(next.key + 1)) {
      const verdict stored = surefoot::restart(
          surefoot::writes(to_ + at_, next.size()), [&] { return emit(next); }, {},
          surefoot::ensure_with{engine_}, surefoot::touch_with{engine_});
      if (!stored) return stored;
      at_ += next.size();
    }
    return {};
  }
  // As it was: some of the rest of the buffer is there, so begin the record again.
  void run_as_before(unsigned most_rounds) {
    for (record next(0); at_ + next.size() <= room_ && rounds_ < most_rounds;) {
      if (!surefoot::fault_in_writeable(to_ + at_, room_ - at_, engine_).any()) return;
      if (!emit(next).all()) continue;
      at_ += next.size();
      next = record(next.key + 1);
    }
  }

  bool is_right() const {
    std::size_t at = 0;
    for (record r(0); at < at_; at += r.size(), r = record(r.key + 1))
      if (std::memcmp(to_ + at, &r, r.size()) != 0) return false;
    return at == at_;
  }
  std::size_t bytes() const { return at_; }
  unsigned rounds() const { return rounds_; }

 private:
  progress emit(const record& r) noexcept {
    ++rounds_;
    return surefoot::try_copy(to_ + at_, &r, r.size(), engine_);
  }

  unsigned char* to_;
  std::size_t room_, at_ = 0;
  E engine_;
  unsigned rounds_ = 0;
};

template <class E>
int show(unsigned char* to, std::size_t room, const char* tags, E engine) {
  const bool all_fits = room < 1648;  // no record reaches the first granule that is refused
  search before(to, room, engine), now(to, room, engine);
  before.run_as_before(1000);
  std::printf("some of the buffer:         %4u records begun, %4zu bytes kept%s\n", before.rounds(),
              before.bytes(), all_fits ? "" : ", no end");
  const verdict outcome = now.run();
  std::printf(
      "every byte of the record:   %4u records begun, %4zu bytes kept, then: %s (%s tags)\n",
      now.rounds(), now.bytes(), surefoot::name(outcome.stopped_by.kind), tags);
  std::printf(
      "search_ioctl, copy_to_sk | all or nothing, write, sub-page | restart, try_copy | %u | %u | "
      "%zu\n",
      before.rounds(), now.rounds(), now.bytes());
  return now.is_right() && before.bytes() == now.bytes() && (all_fits || before.rounds() == 1000) &&
                 (all_fits ? bool(outcome) : outcome.stopped_by.address == to + 1600)
             ? 0
             : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t room = 4096;
  if (argc == 2) {
    const auto [end, error] = std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), room);
    if (error != std::errc{} || *end != '\0') room = 0;
  }
  if (argc > 2 || room == 0 || room > 8192)
    return std::fputs("usage: search_results [BYTES], from 1 to 8192 (4096)\n", stderr), 2;
  using enum kit::tile;
  const bool real = kit::is_here(tag_granules);
  const kit::minefield client({real ? tag_granules : read_write, read_write});
  if (real) return show(client.data(), room, "real", surefoot::engine::standard{});
  return show(client.data(), room, "simulated", kit::simulated_tags(client.data()));
}
