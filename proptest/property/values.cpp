// Single values, atomics and strings over random layouts: as their plain counterparts on good memory,
// and an exact stop on bad.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "property.hpp"

namespace {

using namespace property;

template <class T>
T content_as(const kit::minefield& field, std::size_t offset) {
  unsigned char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = field.content(offset + i);
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <class E, class T>
void loads_and_stores(const kit::minefield& field, std::size_t place) {
  const kit::reach r{std::min(place, field.size() - sizeof(T)), sizeof(T)};
  const oracle<E> truth(field);
  auto* const p = reinterpret_cast<T*>(field.data() + r.offset);
  const auto loaded = surefoot::try_load<T>(static_cast<const volatile void*>(p), E{});
  RC_ASSERT(loaded.stopped_by == truth.first_bad(r, access_kind::read));
  if (loaded.ok()) RC_ASSERT(loaded.value() == content_as<T>(field, r.offset));
  const auto value = *rc::gen::arbitrary<T>();
  const auto stored = surefoot::try_store(p, value, E{});
  RC_ASSERT(stored.stopped_by == truth.first_bad(r, access_kind::write));
  RC_ASSERT(field.intact(r.offset, stored ? sizeof(T) : 0));
  if (stored) {
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    RC_ASSERT(holds_written(field, r.offset, bytes, sizeof(T)));
  }
}

TEMPLATE_TEST_CASE("a load and a store are whole, or name the first bad byte and change nothing",
                   "", SUREFOOT_ALL_ENGINES) {
  prop("of 1, 2, 4 and 8 bytes", [](const kit::layout& l) {
    kit::minefield field(l.tiles);
    const std::size_t place = *kit::any_place(field.size());
    switch (*rc::gen::inRange(0, 4)) {
      case 0: return loads_and_stores<TestType, std::uint8_t>(field, place);
      case 1: return loads_and_stores<TestType, std::uint16_t>(field, place);
      case 2: return loads_and_stores<TestType, std::uint32_t>(field, place);
      default: return loads_and_stores<TestType, std::uint64_t>(field, place);
    }
  });
}

TEMPLATE_TEST_CASE("an atomic does what std::atomic does, or is a write that faults there", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  prop("of 4 bytes", [](const kit::layout& l) {
    const kit::minefield field(l.tiles);
    const std::size_t at = std::min(*kit::any_place(field.size()), field.size() - 4) / 4 * 4;
    const auto value = *rc::gen::arbitrary<std::uint32_t>();
    const auto was = content_as<std::uint32_t>(field, at);
    auto* const p = reinterpret_cast<std::uint32_t*>(field.data() + at);
    const auto bad = oracle<TestType>(field).first_bad({at, 4}, access_kind::write);
    const int which = *rc::gen::inRange(0, 6);
    surefoot::result<std::uint32_t> met = 0u;
    std::uint32_t then = 0;
    switch (which) {
      case 0: met = surefoot::try_exchange(p, value, TestType{}), then = value; break;
      case 1: met = surefoot::try_fetch_add(p, value, TestType{}), then = was + value; break;
      case 2: met = surefoot::try_fetch_and(p, value, TestType{}), then = was & value; break;
      case 3: met = surefoot::try_fetch_or(p, value, TestType{}), then = was | value; break;
      case 4: met = surefoot::try_fetch_xor(p, value, TestType{}), then = was ^ value; break;
      default: {
        const bool guessed = *rc::gen::arbitrary<bool>();
        const auto tried =
            surefoot::try_compare_exchange(p, guessed ? was : ~was, value, TestType{});
        then = guessed ? value : was;
        if (tried.ok()) RC_ASSERT(tried.value().swapped == guessed);
        met = tried.ok() ? surefoot::result<std::uint32_t>(tried.value().was)
                         : surefoot::result<std::uint32_t>::stopped(tried.stopped_by);
      }
    }
    RC_ASSERT(met.stopped_by == bad);
    RC_ASSERT(field.intact(at, met.ok() ? 4 : 0));
    if (met.ok()) {
      RC_ASSERT(met.value() == was);
      RC_ASSERT(std::memcmp(field.data() + at, &then, 4) == 0);
    }
  });
}

TEMPLATE_TEST_CASE(
    "strings are measured, searched and copied up to their answer or the first bad byte", "",
    SUREFOOT_ALL_ENGINES) {
  prop("at any place", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    const auto wanted = *rc::gen::weightedOneOf<unsigned char>(
        {{1, rc::gen::just<unsigned char>(0)}, {3, rc::gen::arbitrary<unsigned char>()}});
    const auto* const p = reinterpret_cast<const char*>(field.data() + r.offset);
    const std::size_t readable = truth.reaches(r, access_kind::read);
    // The first such byte before the first bad one.
    const auto find = [&](unsigned char byte) {
      std::size_t i = 0;
      while (i < readable && field.content(r.offset + i) != byte) ++i;
      return i;
    };
    const auto bad = truth.first_bad(r, access_kind::read);

    const std::size_t null = find(0);
    const auto length = surefoot::try_length(p, r.length, TestType{});
    RC_ASSERT(length.stopped_by == (null < readable ? surefoot::fault{} : bad));
    if (length.ok()) RC_ASSERT(length.value() == null);

    const std::size_t at = find(wanted);
    const auto found = surefoot::try_find(p, wanted, r.length, TestType{});
    RC_ASSERT(found.stopped_by == (at < readable ? surefoot::fault{} : bad));
    if (found.ok()) RC_ASSERT((found.value() == (at < readable ? p + at : nullptr)));

    std::string to(r.length + 16, '#');
    const auto copied = surefoot::try_copy_string(to.data() + 8, p, r.length, TestType{});
    RC_ASSERT(copied.terminated == (null < readable));
    const std::size_t done = null < readable ? null + 1 : readable;
    RC_ASSERT(copied.copied.done == done);
    RC_ASSERT(copied.copied.stopped_by == (null < readable ? surefoot::fault{} : bad));
    for (std::size_t i = 0; i < done; ++i)
      RC_ASSERT(static_cast<unsigned char>(to[8 + i]) == field.content(r.offset + i));
    RC_ASSERT(std::all_of(to.begin() + 8 + static_cast<std::ptrdiff_t>(done), to.end(),
                          [](char c) { return c == '#'; }));
    RC_ASSERT(field.intact());
  });
}

TEMPLATE_TEST_CASE("a comparison is memcmp's up to the first byte that differs or is bad", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("against a copy with one other byte", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    const std::size_t readable = truth.reaches(r, access_kind::read);
    std::vector<unsigned char> other(r.length);
    for (std::size_t i = 0; i < readable; ++i) other[i] = field.content(r.offset + i);
    // Perhaps beyond all of it: then they are equal as far as they go.
    const std::size_t differs = *rc::gen::inRange<std::size_t>(0, r.length + 2);
    if (differs < r.length) other[differs] = static_cast<unsigned char>(other[differs] + 1);
    const auto met =
        surefoot::try_compare(field.data() + r.offset, other.data(), r.length, TestType{});
    if (differs < readable) {
      RC_ASSERT(met.ok());
      const int order = int{field.content(r.offset + differs)} - int{other[differs]};
      RC_ASSERT((met.value() > 0) == (order > 0));
      RC_ASSERT((met.value() < 0) == (order < 0));
    } else {
      RC_ASSERT(met.stopped_by == truth.first_bad(r, access_kind::read));
      if (met.ok()) RC_ASSERT(met.value() == 0);
    }
  });
}

}  // namespace
