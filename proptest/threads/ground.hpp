// Bad memory of both signals, and a thread on it that meets it in every way.
//
//   const threads::ground land;
//   std::thread([&] { wrong += land.wrong_answers(17); }).join();
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "../unit/engines.hpp"
#include "../unit/memory.hpp"
#include "../unit/process.hpp"

namespace threads {

using memory::kind;
using surefoot::access_kind;

// A good page before a hole, and one before what lies past the end of its file.
class ground {
 public:
  static constexpr std::size_t most = 32;  // good bytes that are looked at

  // How many answers of this engine are wrong, `good` bytes (1 to `most`) before each bad page? Each thread may
  // have its own number. Makes no call that a signal handler may not make.
  template <class E>
  int wrong_answers_of(std::size_t good) const {
    return wrong_at<E>(1, good) + wrong_at<E>(3, good);
  }
  // Of all engines, and of guards.
  int wrong_answers(std::size_t good) const {
    int wrong = wrong_answers_of<surefoot::engine::jump>(good);
#if SUREFOOT_HAS_TABLE
    wrong += wrong_answers_of<surefoot::engine::table>(good);
#endif
    // qemu's user mode does not have what it copies by.
    if (!machine::is_user_mode_emulation())
      wrong += wrong_answers_of<surefoot::engine::kernel>(good);
    for (const std::size_t page : {1u, 3u}) {
      const std::uint8_t* const bad = land_.page(page) + good;
      const auto met = surefoot::guarded([bad]() noexcept { process::stray_load(bad); });
      wrong += met.stopped_by != memory::fault_of(kinds_[page], access_kind::read, bad);
    }
    return wrong;
  }

  // A byte that is refused, `at` bytes into the hole.
  std::uint8_t* bad(std::size_t at) const { return land_.page(1) + at; }

 private:
  template <class E>
  int wrong_at(std::size_t page, std::size_t good) const {
    const kind k = kinds_[page];
    std::uint8_t* const edge = land_.page(page);
    const surefoot::fault met = memory::fault_of<E>(k, access_kind::read, edge);
    std::uint8_t to[2 * most];
    const surefoot::progress copied = surefoot::try_copy(to, edge - good, sizeof to, E{});
    int wrong = copied != surefoot::progress{good, sizeof to - good, met} ||
                std::memcmp(to, edge - good, good) != 0;
    wrong += surefoot::try_load<std::uint8_t>(edge, E{}).stopped_by != met;
    wrong += surefoot::try_store(edge, std::uint8_t{1}, E{}).stopped_by !=
             memory::fault_of<E>(k, access_kind::write, edge);
    if constexpr (!memory::without_signals<E>)
      wrong += surefoot::try_fetch_or(edge, std::uint8_t{1}, E{}).stopped_by !=
               memory::fault_of<E>(k, access_kind::write, edge);
    return wrong;
  }

  static constexpr kind kinds_[] = {kind::good, kind::hole, kind::good, kind::past_end_of_file};
  memory::pages land_{kinds_[0], kinds_[1], kinds_[2], kinds_[3]};
};

// Starts a thread that runs body(), which has to outlive it, on a stack of this size.
template <class Body>
pthread_t start(const Body& body, std::size_t stack_size) {
  pthread_attr_t with;
  pthread_t made{};
  memory::require(::pthread_attr_init(&with) == 0 &&
                      ::pthread_attr_setstacksize(&with, stack_size) == 0 &&
                      ::pthread_create(
                          &made, &with,
                          [](void* body_of_it) -> void* {
                            (*static_cast<const Body*>(body_of_it))();
                            return nullptr;
                          },
                          const_cast<Body*>(&body)) == 0,
                  "pthread_create");
  ::pthread_attr_destroy(&with);
  return made;
}

}  // namespace threads
