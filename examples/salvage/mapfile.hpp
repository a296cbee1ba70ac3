// A rescue map on the disk, as GNU ddrescue's mapfile: ddrescue and ddrescuelog read ours, and we
// read theirs.
//
//   # a comment
//   0x00000000     +               1        where the work is, its status and pass
//   0x00000000  0x00400000  +               position, size and status of each block
//   0x00400000  0x00001000  -
//
// (GNU ddrescue's manual, "Mapfile structure".) Numbers may be decimal, hexadecimal or octal; before
// ddrescue 1.20 there was no pass.
#pragma once

#include <optional>
#include <salvage/rescue_map.hpp>
#include <string>

namespace tool {

// What is being done to DST.part, where that is more than writing to it: a comment of ours in the map.
// So whoever finds the map after a kill knows what DST.part and DST are.
enum class step : unsigned char {
  none,
  seeding,  // DST.part is being made from DST: it is worth nothing yet
  renaming  // DST.part is whole: it becomes DST
};

// What the work is at.
struct stage {
  std::size_t position = 0;
  char status = '?';  // '?' copying, '-' retrying, '+' finished; ddrescue has more
  unsigned pass = 1;
  step doing = step::none;
};

struct mapfile {
  rescue_map map;
  stage at;
  bool ours = false;  // written by salvage, and not by ddrescue
};

// Nothing where there is no such file; throws where it cannot be read or is no mapfile.
std::optional<mapfile> read_mapfile(const std::string& name);

// The old one stays until the new one is on the disk. `name` is no symbolic link.
void write_mapfile(const std::string& name, const rescue_map& map, const stage& at);

}  // namespace tool
