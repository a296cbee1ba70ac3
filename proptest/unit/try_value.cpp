// try_load, try_store: one value of any trivially copyable type, all of it or nothing.
#include <sys/mman.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <surefoot/surefoot.hpp>
#include <type_traits>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::result;
using surefoot::try_load;
using surefoot::try_store;
using surefoot::verdict;

template <std::size_t N>
struct block {
  std::array<std::uint8_t, N> bytes;
  friend bool operator==(const block&, const block&) = default;
};

// The bytes that memory holds there, as a value.
template <class T>
T value_at(const void* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// A value that differs from the pattern in each byte.
template <class T>
T other_than(const std::uint8_t* p) {
  std::array<std::uint8_t, sizeof(T)> bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<std::uint8_t>(~p[i]);
  return value_at<T>(bytes.data());
}

// An engine and the type of a value.
template <class Engine, class Value>
struct with {
  using engine = Engine;
  using value = Value;
};
#if SUREFOOT_HAS_TABLE
template <class V>
using table_of = with<surefoot::engine::table, V>;
#endif
template <class V>
using jump_of = with<surefoot::engine::jump, V>;
template <class V>
using kernel_of = with<surefoot::engine::kernel, V>;

#define EVERY_SIZE_OF(engine)                                                                \
  engine<std::uint8_t>, engine<std::uint16_t>, engine<std::uint32_t>, engine<std::uint64_t>, \
      engine<block<16>>, engine<block<3>>, engine<block<12>>, engine<block<24>>,             \
      engine<block<100>>
#if SUREFOOT_HAS_TABLE
#define EVERY_SIZE EVERY_SIZE_OF(table_of), EVERY_SIZE_OF(jump_of), EVERY_SIZE_OF(kernel_of)
#else
#define EVERY_SIZE EVERY_SIZE_OF(jump_of), EVERY_SIZE_OF(kernel_of)
#endif

TEMPLATE_TEST_CASE("a load takes the whole value or names its first bad byte, at each misalignment",
                   "", EVERY_SIZE) {
  using T = typename TestType::value;
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{kind::good, bad};
    for (std::size_t before = 0; before <= sizeof(T) + 16; ++before) {
      const auto* const p = reinterpret_cast<const T*>(land.page(1) - before);
      const result<T> met = try_load(p, typename TestType::engine{});
      INFO(memory::name(bad) << ", " << before << " bytes before it");
      if (before >= sizeof(T)) {
        REQUIRE(met.ok());
        REQUIRE(met.value() == value_at<T>(p));
      } else {
        REQUIRE(met.stopped_by ==
                memory::fault_of<typename TestType::engine>(bad, access_kind::read, land.page(1)));
      }
    }
  }
}

TEMPLATE_TEST_CASE("a store changes the whole value or no byte, at each misalignment", "",
                   EVERY_SIZE) {
  using T = typename TestType::value;
  for (const kind bad : memory::kinds_that_refuse(access_kind::write)) {
    const memory::pages land{kind::good, bad};
    for (std::size_t before = 0; before <= sizeof(T) + 16; ++before) {
      std::uint8_t* const p = land.page(1) - before;
      const T value = other_than<T>(land.data());
      const verdict met = try_store(reinterpret_cast<T*>(p), value, typename TestType::engine{});
      INFO(memory::name(bad) << ", " << before << " bytes before it");
      if (before >= sizeof(T)) {
        REQUIRE(met == verdict{});
        REQUIRE(value_at<T>(p) == value);
        REQUIRE(land.intact(p, sizeof(T)));
        memory::fill(p, sizeof(T));
      } else {
        REQUIRE(met == verdict{memory::fault_of<typename TestType::engine>(bad, access_kind::write,
                                                                           land.page(1))});
        REQUIRE(land.intact());
      }
    }
  }
}

TEMPLATE_TEST_CASE("a value that begins in a bad page is refused at its own first byte", "",
                   EVERY_SIZE) {
  using T = typename TestType::value;
  for (const access_kind wanted : {access_kind::read, access_kind::write})
    for (const kind bad : memory::kinds_that_refuse(wanted)) {
      const memory::pages land{bad, kind::good};
      for (std::size_t inside = 1; inside <= sizeof(T); ++inside) {
        auto* const p = reinterpret_cast<T*>(land.page(1) - inside);
        const typename TestType::engine e;
        const fault met = wanted == access_kind::read
                              ? try_load(p, e).stopped_by
                              : try_store(p, other_than<T>(land.page(1)), e).stopped_by;
        REQUIRE(met == memory::fault_of<typename TestType::engine>(bad, wanted, p));
        REQUIRE(land.intact());
      }
    }
}

TEMPLATE_TEST_CASE("a value at an address that is nobody's is refused at that address", "",
                   EVERY_SIZE) {
  using T = typename TestType::value;
  const typename TestType::engine e;
  const T value{};
  for (const std::uintptr_t a : memory::non_canonical) {
    auto* const p = reinterpret_cast<T*>(a);
    if (a + (sizeof(T) - 1) >= 0xffff'8000'0000'0000) continue;  // half in the kernel's
    INFO(memory::at(a));
    CHECK(memory::is_non_canonical<typename TestType::engine>(try_load(p, e).stopped_by, p,
                                                              access_kind::read));
    CHECK(memory::is_non_canonical<typename TestType::engine>(try_store(p, value, e).stopped_by, p,
                                                              access_kind::write));
  }
  for (const std::uintptr_t a : memory::kernel_half) {
    auto* const p = reinterpret_cast<T*>(a);
    INFO(memory::at(a));
    CHECK(memory::is_kernel_half<typename TestType::engine>(try_load(p, e).stopped_by, p,
                                                            access_kind::read));
    CHECK(memory::is_kernel_half<typename TestType::engine>(try_store(p, value, e).stopped_by, p,
                                                            access_kind::write));
  }
}

TEMPLATE_TEST_CASE("a null pointer, and an offset from one, is unmapped at that address", "",
                   EVERY_SIZE) {
  using T = typename TestType::value;
  const typename TestType::engine e;
  for (const int offset : {0, 1, 8, 4000, 4095}) {
    auto* const p = reinterpret_cast<T*>(static_cast<std::uintptr_t>(offset));
    CHECK(try_load(p, e).stopped_by ==
          memory::fault_of<typename TestType::engine>(kind::hole, access_kind::read, p));
    CHECK(try_store(p, T{}, e).stopped_by ==
          memory::fault_of<typename TestType::engine>(kind::hole, access_kind::write, p));
  }
}

TEMPLATE_TEST_CASE("a value that touches or crosses the top of the address space is a bad address",
                   "", EVERY_SIZE) {
  using T = typename TestType::value;
  const typename TestType::engine e;
  for (std::uintptr_t below = 1; below <= sizeof(T) + 2; ++below) {
    auto* const p = reinterpret_cast<T*>(std::uintptr_t{0} - below);
    INFO(below << " bytes below the top");
    const fault read = try_load(p, e).stopped_by;
    CHECK(read.kind == cause::bad_address);
    CHECK(read.address == p);
    CHECK(read.during == access_kind::read);
    const fault written = try_store(p, T{}, e).stopped_by;
    CHECK(written.kind == cause::bad_address);
    CHECK(written.address == p);
    CHECK(written.during == access_kind::write);
  }
}

TEMPLATE_TEST_CASE("the vsyscall page is a bad address, or what the kernel shows there", "",
                   SUREFOOT_ALL_ENGINES) {
  const auto* const p = reinterpret_cast<const std::uint64_t*>(0xffff'ffff'ff60'0000);
  const auto met = try_load(p, TestType{});
  // vsyscall=emulate maps it for reading, xonly and none do not.
  if (!met.ok()) CHECK(memory::is_kernel_half<TestType>(met.stopped_by, p, access_kind::read));
  auto* const writable = const_cast<std::uint64_t*>(p);
  CHECK(memory::is_kernel_half<TestType>(try_store(writable, 0, TestType{}).stopped_by, p,
                                         access_kind::write));
}

TEMPLATE_TEST_CASE("every trivially copyable type can be loaded and stored", "",
                   SUREFOOT_ALL_ENGINES) {
  const TestType e;
  const auto comes_back = [&](auto before, auto after) {
    using T = decltype(before);
    const result<T> was = try_load(&before, e);
    REQUIRE(was.ok());
    REQUIRE(was.value() == before);
    REQUIRE(try_store(&before, after, e) == verdict{});
    REQUIRE(before == after);
  };
  enum class small : std::uint8_t { one = 1, two };
  enum big : long { first, last = std::numeric_limits<long>::max() };
  comes_back(true, false);
  comes_back('a', 'b');
  comes_back(short{-5}, std::numeric_limits<short>::min());
  comes_back(1.5f, -0.25f);
  comes_back(1e300, -1e-300);
  comes_back(small::one, small::two);
  comes_back(first, last);
  comes_back(static_cast<const void*>(&e), static_cast<const void*>(nullptr));
  comes_back(&memory::page_size, static_cast<const std::size_t*>(nullptr));
}

TEMPLATE_TEST_CASE("a type without a default constructor can be loaded and stored", "",
                   SUREFOOT_ALL_ENGINES) {
  struct point {
    point(std::int64_t a, std::int64_t b, std::int64_t c) : x(a), y(b), z(c) {}
    std::int64_t x, y, z;
  };
  static_assert(!std::is_default_constructible_v<point>);
  point p(1, 2, 3);
  CHECK(try_load(&p, TestType{}).value().z == 3);
  CHECK(try_store(&p, point(4, 5, 6), TestType{}) == verdict{});
  CHECK(p.x + p.y + p.z == 15);
  CHECK(try_load(static_cast<const point*>(nullptr), TestType{}).value_or(point(7, 8, 9)).x == 7);
}

TEMPLATE_TEST_CASE("a value is loaded through pointers to const, volatile and void", "",
                   SUREFOOT_ALL_ENGINES) {
  const TestType e;
  const int constant = 41;
  volatile int changing = 42;
  const volatile int both = 43;
  const void* const untyped = &constant;
  CHECK(try_load(&constant, e) == result<int>(41));
  CHECK(try_load(&changing, e) == result<int>(42));
  CHECK(try_load(&both, e) == result<int>(43));
  CHECK(try_load<int>(untyped, e) == result<int>(41));
  CHECK(try_load<const int>(untyped, e) == result<int>(41));
  CHECK(try_store(&changing, 44, e) == verdict{});
  CHECK(changing == 44);
  static_assert(std::is_same_v<decltype(try_load(&both, e)), result<int>>);
}

TEST_CASE("a value of its pointer's type is stored, whatever the argument's type") {
  std::uint16_t to[2] = {0, 0xffff};
  CHECK(try_store(&to[0], 'a') == verdict{});
  CHECK(to[0] == 'a');
  CHECK(to[1] == 0xffff);
  CHECK(try_load(&to[1]) == result<std::uint16_t>(std::uint16_t{0xffff}));
}

// A file of `size` bytes, of which two pages are mapped.
struct mapped_file {
  explicit mapped_file(std::size_t size) : backing(size) {
    void* const p =
        ::mmap(nullptr, 2 * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, backing.descriptor(), 0);
    memory::require(p != MAP_FAILED, "mmap");
    data = static_cast<std::uint8_t*>(p);
  }
  ~mapped_file() { ::munmap(data, 2 * page_size); }
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;

  memory::file backing;
  std::uint8_t* data = nullptr;
};

TEMPLATE_TEST_CASE("bytes between the end of a file and the end of its page are accessible zeros",
                   "", SUREFOOT_ALL_ENGINES) {
  const TestType e;
  const mapped_file map(2 * page_size);
  memory::fill(map.data, 2 * page_size);
  map.backing.resize(page_size + 8);
  std::uint8_t* const second = map.data + page_size;
  CHECK(try_load(second + 7, e) == result<std::uint8_t>(memory::pattern(second + 7)));
  CHECK(try_load(second + 8, e) == result<std::uint8_t>(std::uint8_t{0}));
  CHECK(try_load(second + page_size - 1, e) == result<std::uint8_t>(std::uint8_t{0}));
  CHECK(surefoot::ensure_readable(second, page_size, e) == verdict{});
}

TEMPLATE_TEST_CASE(
    "a file truncated under its mapping has no backing any more, until it grows again", "",
    SUREFOOT_ALL_ENGINES) {
  const TestType e;
  const mapped_file map(2 * page_size);
  memory::fill(map.data, 2 * page_size);
  std::uint8_t* const second = map.data + page_size;
  auto* const word = reinterpret_cast<std::uint64_t*>(second - 3);  // in both pages
  REQUIRE(try_load(word, e) == result<std::uint64_t>(value_at<std::uint64_t>(word)));

  map.backing.resize(page_size);
  CHECK(try_load(word, e).stopped_by ==
        memory::fault_of<TestType>(kind::past_end_of_file, access_kind::read, second));
  CHECK(try_store(word, 0, e).stopped_by ==
        memory::fault_of<TestType>(kind::past_end_of_file, access_kind::write, second));
  CHECK(second[-3] == memory::pattern(second - 3));

  map.backing.resize(2 * page_size);
  CHECK(try_load(second, e) == result<std::uint8_t>(std::uint8_t{0}));
}

}  // namespace
