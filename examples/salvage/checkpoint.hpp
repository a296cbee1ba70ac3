// Keeps the map file true while the work goes on: what it calls copied is on the disk, whatever
// happens to the process or the machine.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <salvage/destination.hpp>
#include <salvage/mapfile.hpp>
#include <salvage/rescue_map.hpp>
#include <string>
#include <utility>

namespace tool {

class checkpoint {
 public:
  using seconds = std::chrono::duration<double>;

  // Saves every `interval`; without one, not sooner than a tenth of a second after the last time,
  // nor so often that it takes more than a tenth of the work.
  checkpoint(std::string file, const destination& dst, std::optional<seconds> interval)
      : file_(std::move(file)), dst_(dst), interval_(interval) {
    next_ = clock::now() + interval_.value_or(shortest);
  }

  // Nothing more once it has failed: the kernel tells of lost writes only once, so a later success
  // would prove nothing.
  void save(const rescue_map& map, const stage& at) {
    if (failed_) return;
    const auto begun = clock::now();
    failed_ = true;
    dst_.sync();
    write_mapfile(file_, map, at);
    failed_ = false;
    const auto ended = clock::now();
    next_ = ended + interval_.value_or(std::max<seconds>(shortest, 10 * (ended - begun)));
  }

  void save_if_due(const rescue_map& map, const stage& at) {
    if (clock::now() >= next_) save(map, at);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr seconds shortest{0.1};

  std::string file_;
  const destination& dst_;
  std::optional<seconds> interval_;
  std::chrono::time_point<clock, seconds> next_;
  bool failed_ = false;
};

}  // namespace tool
