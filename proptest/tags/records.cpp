// The loop that spun in btrfs (search_ioctl on arm64): records are stored whole or begun again, and in between
// somebody asks whether the page can be written. Its first byte can.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "tagged.hpp"

namespace {

using surefoot::access_kind;
using surefoot::progress;

constexpr std::size_t record_size = 40;

// A client's buffer, whose granule 6 it may not write.
struct buffer : tagged::page {
  buffer() : tagged::page(tagged::of_one_process) { spoil(6); }
};

progress store(std::uint8_t* to, std::uint8_t number) {
  std::uint8_t record[record_size];
  std::memset(record, number, sizeof record);
  return surefoot::try_copy(to, record, sizeof record);
}

}  // namespace

TEST_CASE("asking page by page, a loop that begins its record again spins") {
  if (!tagged::offered()) return;
  const tagged::checks on(tagged::tag_checks::synchronous);
  const buffer to;
  std::size_t at = 0, rounds = 0;
  for (; rounds < 10'000 && at + record_size <= memory::page_size; ++rounds) {
    if (!surefoot::fault_in_writeable(to.data() + at, memory::page_size - at).all()) break;
    if (store(to.data() + at, 1).all()) at += record_size;
  }
  CHECK(rounds == 10'000);
  CHECK(
      at ==
      2 * record_size);  // the third would reach from byte 80 to byte 119; the bad granule is at 96
}

TEST_CASE("restart asks for every byte of the record, and ends at the one that is refused") {
  if (!tagged::offered()) return;
  const tagged::checks on(tagged::tag_checks::synchronous);
  const buffer to;
  std::size_t at = 0, attempts = 0;
  surefoot::verdict last;
  while (last && at + record_size <= memory::page_size) {
    last = surefoot::restart(surefoot::writes(to.data() + at, record_size), [&] {
      ++attempts;
      return store(to.data() + at, 1);
    });
    if (last) at += record_size;
  }
  CHECK(at == 2 * record_size);
  CHECK(attempts <= 4);
  CHECK(last.stopped_by == to.damaged().met<surefoot::engine::standard>(
                               access_kind::write, to.data() + 6 * tagged::granule));
}

TEST_CASE("resume keeps the bytes before the one that is refused") {
  if (!tagged::offered()) return;
  const tagged::checks on(tagged::tag_checks::synchronous);
  const buffer to;
  const std::uint8_t from[memory::page_size] = {};
  const std::uint8_t* next = from;
  const progress met = surefoot::resume<access_kind::write>(
      to.data() + 3, 1000, [&](volatile void* p, std::size_t n) {
        const progress part = surefoot::try_copy(p, next, n);
        next += part.done;
        return part;
      });
  CHECK(met.done == 6 * tagged::granule - 3);
  CHECK(met.stopped_by == to.damaged().met<surefoot::engine::standard>(
                              access_kind::write, to.data() + 6 * tagged::granule));
}

TEST_CASE("salvage leaves out the granules of another tag, and no more") {
  if (!tagged::offered()) return;
  const tagged::checks on(tagged::tag_checks::synchronous);
  const buffer from;
  std::uint8_t to[memory::page_size] = {};
  const auto saved = surefoot::salvage(to, from.data(), sizeof to,
                                       [](const surefoot::fault&, std::size_t, std::size_t) {});
  CHECK(saved == surefoot::salvaged{
                     .copied = sizeof to - tagged::granule, .lost = tagged::granule, .holes = 1});
}
