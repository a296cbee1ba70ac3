// What the properties share: the engines, and what each must say of a tile.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/oracle.hpp>
#include <surefoot/testing/rapidcheck.hpp>
#include <type_traits>
#include <utility>

#include "../build.hpp"
#include "../engine_list.hpp"

namespace property {

namespace kit = surefoot::testing;
using surefoot::access_kind;

// How many random cases a property gets, unless RC_PARAMS says it.
inline constexpr const char* usual_cases =
    build::is_sanitized ? "max_success=500" : "max_success=10000";
inline bool default_cases() {
  const char* const said = std::getenv("RC_PARAMS");
  return said != nullptr && std::string_view(said) == usual_cases;
}

// A property of what it takes. It asserts: what it returned would be lost.
template <class... Drawn>
struct property_of : std::function<void(const Drawn&...)> {
  template <class F>
  requires std::is_void_v<std::invoke_result_t<F&, const Drawn&...>> property_of(F f)
      : std::function<void(const Drawn&...)>(std::move(f)) {}
};

// rc::prop(), compiled once (runner.cpp) and not for each property of each engine: that takes most of
// the time in which these files compile.
void prop(const char* name, const property_of<>& holds);
void prop(const char* name, const property_of<kit::excerpt>& holds);
void prop(const char* name, const property_of<kit::layout>& holds);
void prop(const char* name, const property_of<kit::layout, kit::layout>& holds);

using kit::is_kernel;
using kit::refused_for_writing;
using kit::said_by;

// What this engine meets at an offset of a minefield, and how far it comes.
template <class E>
class oracle {
 public:
  explicit oracle(const kit::minefield& field) : field_(field) {}

  kit::answer ask(std::size_t offset, access_kind during) const {
    return said_by<E>(field_.tiles()[offset / kit::tile_size], field_.ask(offset, during), during);
  }
  std::size_t reaches(const kit::reach& r, access_kind during) const {
    for (std::size_t at = r.offset; at < r.end(); ++at)
      if (!ask(at, during).accessible()) return at - r.offset;
    return r.length;
  }
  surefoot::fault fault_at(std::size_t offset, access_kind during) const {
    return ask(offset, during).at(field_.data() + offset, during);
  }
  // The answer of an operation that begins at r.offset, wants r.length bytes and keeps what it did.
  surefoot::progress progress(const kit::reach& r, access_kind during) const {
    const std::size_t done = reaches(r, during);
    if (done == r.length) return {done, 0};
    return {done, r.length - done, fault_at(r.offset + done, during)};
  }
  surefoot::fault first_bad(const kit::reach& r, access_kind during) const {
    return progress(r, during).stopped_by;
  }

 private:
  const kit::minefield& field_;
};

// Do the n bytes at `offset` hold what stands at `bytes`, as far as a load may look? (engine::kernel writes past
// tags.)
inline bool holds_written(const kit::minefield& field, std::size_t offset,
                          const unsigned char* bytes, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (field.ask(offset + i, access_kind::read).accessible() &&
        field.data()[offset + i] != bytes[i])
      return false;
  return true;
}

}  // namespace property
