// try_gather and try_scatter: the exact total, over any cut into buffers.
#include <sys/uio.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;

// [p, p + n) cut into buffers of these sizes, again and again; empty ones between them.
std::vector<iovec> cut(std::uint8_t* p, std::size_t n, const std::vector<std::size_t>& sizes) {
  std::vector<iovec> all;
  for (std::size_t at = 0, i = 0; at < n; ++i) {
    const std::size_t size = std::min(sizes[i % sizes.size()], n - at);
    all.push_back({p + at, size});
    all.push_back({nullptr, 0});
    at += size;
  }
  return all;
}

TEMPLATE_TEST_CASE("gather and scatter copy exactly the bytes before a fault, however they are cut",
                   "", SUREFOOT_ALL_ENGINES) {
  for (const kind bad : {kind::hole, kind::past_end_of_file, kind::no_access}) {
    const memory::pages many{kind::good, bad};
    const memory::pages one{kind::good};
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{1}, {3, 5}, {16, 1, 64}, {300}})
      for (std::size_t before = 0; before <= 150; before += memory::stride)
        for (const std::size_t n : {before, before + 1, before + 77}) {
          const auto buffers = cut(many.page(1) - before, n, sizes);
          const bool whole = n == before;
          INFO(memory::name(bad) << ": " << before << " good bytes of " << n << ", cut by "
                                 << sizes[0]);
          REQUIRE(
              surefoot::try_gather(one.data() + 7, buffers, TestType{}) ==
              (whole ? memory::finished(n)
                     : memory::stopped<TestType>(before, n, bad, access_kind::read, many.page(1))));
          REQUIRE(std::memcmp(one.data() + 7, many.page(1) - before, before) == 0);
          REQUIRE(one.intact(one.data() + 7, before));
          memory::fill(one.data() + 7, before);
          REQUIRE(surefoot::try_scatter(buffers, one.data() + 9, TestType{}) ==
                  (whole ? memory::finished(n)
                         : memory::stopped<TestType>(before, n, bad, access_kind::write,
                                                     many.page(1))));
          REQUIRE(std::memcmp(one.data() + 9, many.page(1) - before, before) == 0);
          REQUIRE(many.intact(many.page(1) - before, before));
          memory::fill(many.page(1) - before, before);
        }
  }
}

TEMPLATE_TEST_CASE("gather and scatter of no buffers are done", "", SUREFOOT_ALL_ENGINES) {
  const std::vector<iovec> none;
  CHECK(surefoot::try_gather(nullptr, none, TestType{}) == memory::finished(0));
  CHECK(surefoot::try_scatter(none, nullptr, TestType{}) == memory::finished(0));
}

}  // namespace
