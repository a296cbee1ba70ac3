// What counts as a range, and that all counts are bytes.
#include <sys/uio.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::ensure_readable;
using surefoot::ensure_writeable;
using surefoot::fault_in_readable;
using surefoot::fault_in_writeable;
using surefoot::progress;

template <class R>
concept readable_range = requires(R r) {
  surefoot::fault_in_readable(r);
  surefoot::ensure_readable(r);
};
template <class R>
concept writable_range = requires(R r) {
  surefoot::fault_in_writeable(r);
  surefoot::ensure_writeable(r);
};

static_assert(readable_range<std::vector<int>&> && writable_range<std::vector<int>&>);
static_assert(readable_range<const std::vector<int>&> && !writable_range<const std::vector<int>&>);
static_assert(readable_range<std::span<int>> && writable_range<std::span<int>>);
static_assert(readable_range<std::span<const int>> && !writable_range<std::span<const int>>);
static_assert(readable_range<std::string&> && writable_range<std::string&>);
static_assert(readable_range<std::string_view> && !writable_range<std::string_view>);
static_assert(readable_range<int (&)[3]> && writable_range<int (&)[3]>);
static_assert(readable_range<const char (&)[3]> && !writable_range<const char (&)[3]>);
static_assert(readable_range<std::span<volatile int>> && writable_range<std::span<volatile int>>);
static_assert(readable_range<const std::vector<iovec>&> &&
              writable_range<const std::vector<iovec>&>);
static_assert(!readable_range<std::list<int>> && !readable_range<std::deque<int>>);
static_assert(!readable_range<int*> && !readable_range<void*> && !readable_range<int>);

iovec buffer(void* p, std::size_t n) { return {p, n}; }

TEMPLATE_TEST_CASE("every contiguous range is counted in bytes", "", SUREFOOT_ALL_ENGINES) {
  const TestType e;
  std::vector<int> ints(5000);
  const std::vector<int>& const_ints = ints;
  std::array<double, 3> array{};
  short plain[7] = {};
  std::string text = "surefoot";
  const std::string_view view = text;

  CHECK(fault_in_readable(ints, e) == memory::finished(20000));
  CHECK(fault_in_writeable(ints, e) == memory::finished(20000));
  CHECK(fault_in_readable(const_ints, e) == memory::finished(20000));
  CHECK(fault_in_readable(std::span(ints).first(10), e) == memory::finished(40));
  CHECK(fault_in_writeable(std::span(ints).first(10), e) == memory::finished(40));
  CHECK(fault_in_readable(array, e) == memory::finished(24));
  CHECK(fault_in_writeable(array, e) == memory::finished(24));
  CHECK(fault_in_readable(plain, e) == memory::finished(14));
  CHECK(fault_in_writeable(plain, e) == memory::finished(14));
  CHECK(fault_in_writeable(text, e) == memory::finished(8));
  CHECK(fault_in_readable(view, e) == memory::finished(8));
  CHECK(fault_in_readable("abc", e) == memory::finished(4));
  CHECK(fault_in_readable(std::vector<int>{}, e) == memory::finished(0));
}

TEMPLATE_TEST_CASE("a range of wide elements stops at a byte, not at an element", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::no_access};
  struct wide {
    char bytes[24];  // no divisor of a page
  };
  const std::span<const wide> elements(reinterpret_cast<const wide*>(land.page(0)), 300);
  CHECK(fault_in_readable(elements, TestType{}) ==
        memory::stopped<TestType>(memory::page_size, 7200, kind::no_access, access_kind::read,
                                  land.page(1)));
  CHECK(ensure_readable(elements, TestType{}).stopped_by ==
        memory::fault_of<TestType>(kind::no_access, access_kind::read, land.page(1)));
}

TEMPLATE_TEST_CASE("buffers are taken in order, and empty ones skipped whatever they point to", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::good};
  const std::vector<iovec> buffers{buffer(nullptr, 0), buffer(land.page(0) + 100, 50),
                                   buffer(memory::at(memory::non_canonical[0]), 0),
                                   buffer(land.page(0) + 4000, 1000),
                                   buffer(memory::at(memory::kernel_half[0]), 0)};
  CHECK(fault_in_readable(buffers, TestType{}) == memory::finished(1050));
  CHECK(fault_in_writeable(buffers, TestType{}) == memory::finished(1050));
  CHECK(ensure_readable(buffers, TestType{}) == surefoot::verdict{});
  CHECK(ensure_writeable(buffers, TestType{}) == surefoot::verdict{});
  CHECK(fault_in_readable(std::vector<iovec>{}, TestType{}) == memory::finished(0));
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("buffers stop at the first short one, with the total of all before it", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::hole, kind::no_access};
  const iovec buffers[] = {buffer(land.page(0), 300), buffer(land.page(0) + 4090, 20),
                           buffer(land.page(2), 40), buffer(land.page(0), 100)};
  for (const auto wanted : {access_kind::read, access_kind::write}) {
    const progress met = wanted == access_kind::read ? fault_in_readable(buffers, TestType{})
                                                     : fault_in_writeable(buffers, TestType{});
    CHECK(met == memory::stopped<TestType>(306, 460, kind::hole, wanted, land.page(1)));
  }
  CHECK(ensure_readable(buffers, TestType{}).stopped_by ==
        memory::fault_of<TestType>(kind::hole, access_kind::read, land.page(1)));
  CHECK(ensure_writeable(buffers, TestType{}).stopped_by ==
        memory::fault_of<TestType>(kind::hole, access_kind::write, land.page(1)));
}

TEMPLATE_TEST_CASE("buffers longer than the address space count as all of it", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::hole};
  const iovec buffers[] = {buffer(land.page(0), SIZE_MAX / 2), buffer(land.page(0), SIZE_MAX / 2),
                           buffer(land.page(0), SIZE_MAX / 2)};
  CHECK(fault_in_readable(buffers, TestType{}) ==
        memory::stopped<TestType>(memory::page_size, SIZE_MAX, kind::hole, access_kind::read,
                                  land.page(1)));
}

TEMPLATE_TEST_CASE("a buffer that wraps stops the others, and is not touched", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good};
  const iovec buffers[] = {buffer(land.page(0), 10), buffer(land.page(0) + 10, SIZE_MAX),
                           buffer(land.page(0), 10)};
  const progress met = fault_in_readable(buffers, TestType{});
  CHECK(met.done == 10);
  CHECK(met.left == SIZE_MAX - 10);
  CHECK(met.stopped_by ==
        surefoot::fault{land.page(0) + 10, cause::bad_address, access_kind::read});
  CHECK(ensure_writeable(buffers, TestType{}).stopped_by ==
        surefoot::fault{land.page(0) + 10, cause::bad_address, access_kind::write});
}

TEST_CASE("an array of buffers can be touched itself, as pointer and bytes") {
  const iovec buffers[] = {buffer(nullptr, 1), buffer(nullptr, 2)};
  CHECK(surefoot::fault_in_readable(&buffers[0], sizeof buffers) == memory::finished(32));
}

}  // namespace
