// What the properties share: the engines, and what each must say of a tile.
#pragma once

#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/rapidcheck.hpp>

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

template <class E>
inline constexpr bool is_kernel = surefoot::detail::same<E, surefoot::engine::kernel>;

// What an engine says where the processor meets `met`. The kernel engine has no signal, and what it
// does not tell apart is unknown (engine/kernel.hpp).
template <class E>
kit::answer said_by(kit::tile t, const kit::answer& met, access_kind during) {
  if constexpr (!is_kernel<E>) {
    return met;
  } else {
    using surefoot::cause;
    if (t == kit::tile::secret && during == access_kind::read) return {cause::denied};
    // MADV_POPULATE_* tells this poison also where the processor does not.
    if (t == kit::tile::userfault_poison) return {cause::poisoned, 0, 0, kit::tile_size};
    if (t == kit::tile::guard_page) return {cause::unknown};
    // None of its system calls looks at the tags of the memory that it is about (tile/tag.hpp).
    if (t == kit::tile::tag_granules) return {};
    return {surefoot::engine::kernel::sees(met.kind) ? met.kind : cause::unknown};
  }
}

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

// What ensure_writeable says where loads and stores would come so far: to write a byte it must be loaded
// as well (tags and poison are found so), and the first byte that refuses either is the bad one.
inline surefoot::fault refused_for_writing(const surefoot::progress& loads,
                                           const surefoot::progress& stores) {
  surefoot::fault bad = (loads.done < stores.done ? loads : stores).stopped_by;
  if (bad.kind != surefoot::cause::none) bad.during = access_kind::write;
  return bad;
}

}  // namespace property
