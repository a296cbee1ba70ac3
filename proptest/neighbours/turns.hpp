// The other one of two that take turns.
#pragma once

namespace turns {

// The library once more, with another option: to ours another image.
struct other {
  static bool install();
  static bool is_installed();
  static bool uninstall();
  static bool loads(const int* p);
};

}  // namespace turns
