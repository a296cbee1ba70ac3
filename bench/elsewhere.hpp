// The ways of a contest in another program, where they need one of their own: it does a turn when it is asked
// to, and says what it took. Turns still alternate.
#pragma once

#include <iostream>
#include <memory>
#include <string>

#include "child.hpp"
#include "way.hpp"

namespace bench {

// The other program: says what it has, and serves until nobody asks any more.
inline void serve(const std::string& variant, const ways& made) {
  const std::vector<const way*> all = made.all();
  std::cout << variant << '\n' << made.limits.size() << '\n' << made.peers.size() << '\n';
  for (const way* w : all) std::cout << w->name << '\n';
  std::cout.flush();
  std::cout.precision(17);
  for (std::size_t which = 0, n = 0; std::cin >> which >> n && which < all.size();)
    std::cout << all[which]->turn(n) << std::endl;
}

class elsewhere {
 public:
  explicit elsewhere(const std::string& program)
      : process_(std::make_shared<child>(std::vector{program})), variant_(process_->hear()) {
    const std::size_t limits = std::stoul(process_->hear()), peers = std::stoul(process_->hear());
    ways_.ours = next();
    while (ways_.limits.size() < limits) ways_.limits.push_back(next());
    while (ways_.peers.size() < peers) ways_.peers.push_back(next());
  }

  const std::string& variant() const { return variant_; }
  ways all() const { return ways_; }

 private:
  way next() {
    return {process_->hear(), [process = process_, which = count_++](std::size_t n) {
              process->say(std::to_string(which) + " " + std::to_string(n));
              return std::stod(process->hear());
            }};
  }

  std::shared_ptr<child> process_;
  std::string variant_;
  ways ways_;
  std::size_t count_ = 0;
};

}  // namespace bench
