// block_writer: writes memory that may be gone into a log of fixed blocks, a reservation at a time.
//
// iomap_write_actor() reserved a part of a block, copied, and had to reject a short copy whole where the
// block was not up to date: what the copy had not reached would have been garbage. Then it faulted in
// *some* of the source and tried the same length again: with a bad page behind a good one, for ever (the
// endless loop of 2021). Right is progress, in smaller reservations, down to what the copy can reach.
//
//   block_writer [BYTES]     how much of the client's memory is there; a bad page follows (10000)
#include <charconv>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::progress;

class block_writer {
 public:
  static constexpr std::size_t block = 16384;

  // One reservation, within one block: kept if it was filled, else given back.
  progress fill_reservation(const volatile void* from, std::size_t n) {
    ++reservations_;
    const std::size_t end = log_.size(), rest_of_block = block - end % block;
    const std::size_t reserved = n < rest_of_block ? n : rest_of_block;
    log_.resize(end + reserved);
    const progress copied = surefoot::try_copy(log_.data() + end, from, reserved);
    if (copied.all()) return copied;
    log_.resize(end);
    return {0, n, copied.stopped_by};
  }

  // All that can be read arrives. A step that takes all or nothing says what stopped it, and is offered
  // less.
  template <class FaultIn = const surefoot::touch_with<>&>
  progress write(const void* from, std::size_t n, FaultIn&& fault_in = surefoot::touch) {
    const auto step = [this](const volatile void* p, std::size_t k) {
      return fill_reservation(p, k);
    };
    return surefoot::resume<surefoot::access_kind::read>(from, n, step, {.chunk = block}, fault_in);
  }

  // As it was: some of the source is there, so the same reservation again.
  void write_as_before(const unsigned char* from, std::size_t n, unsigned most_rounds) {
    for (std::size_t done = 0; done < n && reservations_ < most_rounds;) {
      const std::size_t piece = n - done < block ? n - done : block;
      done += fill_reservation(from + done, piece).done;
      if (!surefoot::fault_in_readable(from + done, piece).any()) return;
    }
  }

  const std::vector<unsigned char>& arrived() const { return log_; }
  unsigned reservations() const { return reservations_; }

 private:
  std::vector<unsigned char> log_;
  unsigned reservations_ = 0;
};

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t most = 63 * kit::tile_size;
  const std::size_t there = argc > 1 ? number(argv[1]) : 10000;
  if (argc > 2 || there == 0 || there > most) {
    std::fprintf(stderr, "usage: block_writer [BYTES], from 1 to %zu (10000)\n", most);
    return 2;
  }
  std::vector<kit::tile> tiles((there - 1) / kit::tile_size + 1, kit::tile::read_write);
  tiles.push_back(kit::tile::no_access);
  const kit::minefield client(tiles);
  const unsigned char* const from = client.data() + client.size() - kit::tile_size - there;
  const std::size_t claimed = there + kit::tile_size;

  block_writer before;
  before.write_as_before(from + there - 1, 1 + kit::tile_size, 1000);
  std::printf("the same reservation again:    %4u reservations, %6zu bytes, no end\n",
              before.reservations(), before.arrived().size());

  block_writer now;
  const progress written = now.write(from, claimed);
  std::printf("resume, smaller reservations:  %4u reservations, %6zu bytes, then: %s\n",
              now.reservations(), now.arrived().size(), surefoot::name(written.stopped_by.kind));

  std::printf("iomap_write_actor | progress | resume, try_copy | %u | %u | %zu\n",
              before.reservations(), now.reservations(), written.done);
  const bool as_expected = before.reservations() == 1000 && before.arrived().empty() &&
                           written.done == there && now.arrived().size() == there &&
                           std::memcmp(now.arrived().data(), from, there) == 0 &&
                           written.stopped_by.address == from + there;
  return as_expected ? 0 : 1;
}
