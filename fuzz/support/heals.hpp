// heal() of a part of the layout: fresh memory in its place, or a refusal and nothing changed.
#pragma once

#include "target.hpp"

namespace fuzz {

inline void heals(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const auto& model = space().model();
  if (r.length == 0) {
    const auto none = surefoot::heal(space().data() + r.offset, 0);
    return expect(none.ok() && none.value().bytes == 0, "heal of nothing");
  }
  const std::size_t first = r.offset / kit::tile_size, end = (r.end() - 1) / kit::tile_size + 1;
  surefoot::healed should{space().data() + first * kit::tile_size, (end - first) * kit::tile_size,
                          false, false};
  for (std::size_t i = first; i < end; ++i) {
    using kit::tile;
    const tile t = model.pages[i].laid;
    if (kit::space_model::is_rigid(t)) return;
    const bool unnamed = t == tile::secret || t == tile::full_tmpfs;
    should.of_file |= kit::space_model::is_file(t) || unnamed;
    should.shared |= (kit::space_model::is_file(t) && t != tile::private_file) || unnamed;
    if (t != tile::hole) continue;
    const auto got = surefoot::heal(space().data() + r.offset, r.length);
    const void* const bad = space().data() + std::max(i * kit::tile_size, r.offset);
    return expect(got.stopped_by.kind == cause::unmapped && got.stopped_by.address == bad,
                  "heal of a hole");
  }
  const auto got = surefoot::heal(space().data() + r.offset, r.length);
  expect(got.ok(), "heal");
  expect(got.value() == should, "heal: what was lost");
  space().replaced(first, end - first);
  expect_content();
}

}  // namespace fuzz
