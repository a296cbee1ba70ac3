// Threads change the tiles while others use the library on them: every answer is one that some moment
// of the call allows, nothing hangs, and signal masks and handlers stay as they were.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../ticks.hpp"
#include "property.hpp"

namespace {

using namespace property;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;

// A protection key's rights are the thread's; broken memory is not to be broken thousands of times.
std::vector<kit::tile> changeable_tiles() {
  std::vector<kit::tile> all = kit::tiles_here();
  std::erase_if(all, [](kit::tile t) {
    return t == kit::tile::hardware_poison || t == kit::tile::key_denied ||
           t == kit::tile::key_read_only;
  });
  return all;
}

// A minefield of which every other tile is changed, again and again, while others see which states a tile
// had between two moments.
class changing_field {
 public:
  static constexpr std::size_t tiles = 5;

  changing_field() : field_(std::vector<kit::tile>(tiles, kit::tile::read_write)) {
    const auto all = changeable_tiles();
    std::minstd_rand chance(1);
    for (std::size_t t = 0; t < tiles; ++t) {
      turns_[t].push_back(kit::tile::read_write);  // as it is built
      if (!is_fixed(t))
        for (std::size_t k = 0; k < 1000; ++k) turns_[t].push_back(all[chance() % all.size()]);
    }
  }

  const kit::minefield& field() const { return field_; }
  static bool is_fixed(std::size_t t) { return t % 2 == 0; }

  // One more change, of one tile, unless somebody is about one.
  bool try_change() {
    if (is_taken_.exchange(true)) return false;
    const std::size_t t = changes_++ % 2 == 0 ? 1 : 3;
    const unsigned now = steps_[t].load();
    steps_[t] = now + 1;
    field_.change(t, state(t, now / 2 + 1));
    steps_[t] = now + 2;
    is_taken_ = false;
    return true;
  }
  std::size_t changes() const { return changes_; }

  // For each tile twice the number of its state; odd while it is being changed.
  using moment = std::array<unsigned, tiles>;
  moment now() const {
    moment m;
    for (std::size_t t = 0; t < tiles; ++t) m[t] = steps_[t].load();
    return m;
  }
  // Each state that the tile had from `begin` to `end`. While it is made, a tile may be memory that can
  // be read and written, or not accessed at all.
  template <class Each>
  bool any_state(std::size_t t, const moment& begin, const moment& end, Each holds) const {
    for (unsigned k = begin[t] / 2; k <= (end[t] + 1) / 2; ++k)
      if (holds(state(t, k))) return true;
    return is_moving(t, begin, end) &&
           (holds(kit::tile::read_write) || holds(kit::tile::no_access));
  }
  static bool is_moving(std::size_t t, const moment& begin, const moment& end) {
    return begin[t] % 2 != 0 || begin[t] != end[t];
  }

 private:
  kit::tile state(std::size_t t, unsigned k) const { return turns_[t][k % turns_[t].size()]; }

  kit::minefield field_;
  std::array<std::vector<kit::tile>, tiles> turns_;
  std::array<std::atomic<unsigned>, tiles> steps_{};
  std::atomic<bool> is_taken_{false};
  std::atomic<std::size_t> changes_{0};
};

// Changes the field in the middle of this thread's calls, from a signal: where processors are few, another
// thread hardly ever comes to run just then.
class interrupting {
 public:
  explicit interrupting(changing_field& field) : field_(field) { own_ = this; }
  ~interrupting() { own_ = nullptr; }
  interrupting(const interrupting&) = delete;
  interrupting& operator=(const interrupting&) = delete;

  // From here on, up to end_of_call(): nothing there may allocate memory.
  void begin_of_call() { is_in_call_.store(true, std::memory_order_relaxed); }
  void end_of_call() { is_in_call_.store(false, std::memory_order_relaxed); }

 private:
  static int handled_signal() {
    struct sigaction act {};
    act.sa_handler = [](int) {
      const int kept = errno;
      if (own_ != nullptr && own_->is_in_call_.load(std::memory_order_relaxed))
        own_->field_.try_change();
      errno = kept;
    };
    act.sa_flags = SA_RESTART;
    kit::detail::require(::sigaction(SIGALRM, &act, nullptr) == 0, "sigaction");
    return SIGALRM;
  }

  static inline thread_local interrupting* own_ = nullptr;

  changing_field& field_;
  std::atomic<bool> is_in_call_{false};
  ticks ticks_{handled_signal(), build::is_slow ? 5'000'011 : 300'007};
};

// One thread's calls, and whether each answer was allowed.
template <class E>
class caller {
 public:
  caller(changing_field& field, unsigned seed)
      : changing_(field), field_(field.field()), chance_(seed), to_(field_.size()) {
    holes_.reserve(field_.size());
  }

  // At least so many calls; more, until enough of them met a change.
  void run(std::size_t calls, std::size_t disturbed) {
    struct sigaction segv, bus;
    sigset_t mask;
    look(segv, bus, mask);
    interrupting changes(changing_);
    interrupting_ = &changes;
    for (std::size_t i = 0; i < calls || (disturbed_ < disturbed && i < 100 * calls); ++i) {
      if (!wrong_.empty()) break;
      call();
    }
    struct sigaction segv_after, bus_after;
    sigset_t mask_after;
    look(segv_after, bus_after, mask_after);
    if (std::memcmp(&mask, &mask_after, 8) != 0) wrong_ = "the signal mask";
    if (segv.sa_sigaction != segv_after.sa_sigaction || bus.sa_sigaction != bus_after.sa_sigaction)
      wrong_ = "a handler";
  }

  const std::string& wrong() const { return wrong_; }
  // How many calls met no change, and how many met one.
  std::size_t undisturbed() const { return undisturbed_; }
  std::size_t disturbed() const { return disturbed_; }

 private:
  using moment = changing_field::moment;

  static void look(struct sigaction& segv, struct sigaction& bus, sigset_t& mask) {
    ::sigaction(SIGSEGV, nullptr, &segv);
    ::sigaction(SIGBUS, nullptr, &bus);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  }

  std::size_t any_offset() {
    if (chance_() % 4 == 0) return chance_() % (field_.size() + 1);
    const std::size_t edge = chance_() % (changing_field::tiles + 1) * kit::tile_size;
    const auto place = static_cast<std::ptrdiff_t>(edge + chance_() % 41) - 20;
    return std::clamp<std::size_t>(place < 0 ? 0 : static_cast<std::size_t>(place), 0,
                                   field_.size());
  }

  void call() {
    std::size_t a = any_offset(), b = any_offset();
    const kit::reach r{std::min(a, b), std::max(a, b) - std::min(a, b)};
    unsigned char* const p = field_.data() + r.offset;
    // What is written is what stands there or may come to stand there.
    for (std::size_t i = 0; i < r.length; ++i) to_[i] = kit::pattern(p + i);
    const moment begin = changing_.now();
    interrupting_->begin_of_call();
    switch (chance_() % 9) {
      case 0:
        return check(begin, r, "fault_in_readable", access_kind::read,
                     surefoot::fault_in_readable(p, r.length, E{}));
      case 1:
        return check(begin, r, "fault_in_writeable", access_kind::write,
                     surefoot::fault_in_writeable(p, r.length, E{}));
      case 2:
        return check(begin, r, "ensure_readable", access_kind::read,
                     whole(r, surefoot::ensure_readable(p, r.length, E{})));
      case 3:
        return check(begin, r, "ensure_writeable", access_kind::write,
                     whole(r, surefoot::ensure_writeable(p, r.length, E{})), true);
      case 4:
        return check(begin, r, "copy in", access_kind::write,
                     surefoot::try_copy(p, to_.data(), r.length, E{}));
      case 5: {
        const auto copy = [&](const volatile void* from, std::size_t n) {
          const auto at = static_cast<const volatile unsigned char*>(from) - p;
          return surefoot::try_copy(to_.data() + at, from, n, E{});
        };
        std::fill(to_.begin(), to_.end(), 0xff);
        const auto met =
            surefoot::resume<access_kind::read>(p, r.length, copy, {}, surefoot::touch_with<E>{});
        check(begin, r, "resume", access_kind::read, met);
        return check_content(r, met.done);
      }
      case 6: {
        const auto op = [&] { return surefoot::try_copy(to_.data(), p, r.length, E{}); };
        return check(
            begin, r, "restart", access_kind::read,
            whole(r, surefoot::restart(surefoot::reads(p, r.length), op, {},
                                       surefoot::ensure_with<E>{}, surefoot::touch_with<E>{})));
      }
      case 7: {
        holes_.clear();
        std::size_t lost = 0;
        const auto all = surefoot::salvage(
            to_.data(), p, r.length,
            [&](const fault& why, std::size_t, std::size_t bytes) {
              holes_.push_back(why);
              lost += bytes;
            },
            E{});
        interrupting_->end_of_call();
        const moment end = changing_.now();
        if (all.copied + lost != r.length) wrong_ = "salvage: the sum";
        for (const fault& f : holes_)
          if (!is_allowed(begin, end, f, access_kind::read, false)) say("salvage", r, f);
        return;
      }
      default: {
        std::fill(to_.begin(), to_.end(), 0xff);
        const auto met = surefoot::try_copy(to_.data(), p, r.length, E{});
        check(begin, r, "copy out", access_kind::read, met);
        return check_content(r, met.done);
      }
    }
  }

  // A verdict as the progress of an operation that stopped where the verdict says.
  progress whole(const kit::reach& r, const surefoot::verdict& v) const {
    if (v) return {r.length, 0};
    const auto* const at = static_cast<const volatile unsigned char*>(v.stopped_by.address);
    const auto done = static_cast<std::size_t>(at - (field_.data() + r.offset));
    if (done > r.length) return {0, r.length, v.stopped_by};
    return {done, r.length - done, v.stopped_by};
  }

  void check(const moment& begin, const kit::reach& r, const char* verb, access_kind during,
             const progress& met, bool reads_too = false) {
    interrupting_->end_of_call();
    const moment end = changing_.now();
    (begin == end ? undisturbed_ : disturbed_) += 1;
    if (met.done + met.left != r.length || (met.left == 0) != (met.stopped_by.kind == cause::none))
      return say(verb, r, met.stopped_by);
    // What was done could be done: at some moment, tile by tile.
    for (std::size_t at = r.offset; at < r.offset + met.done;
         at += kit::tile_size - at % kit::tile_size) {
      const bool could = changing_.any_state(at / kit::tile_size, begin, end, [&](kit::tile t) {
        return said_by<E>(t, kit::ask(t, 0, during), during).accessible();
      });
      if (!could) return say(verb, r, met.stopped_by);
    }
    if (met.all() || is_allowed(begin, end, met.stopped_by, during, reads_too)) return;
    say(verb, r, met.stopped_by);
  }

  // Did that tile refuse so at some moment?
  bool is_allowed(const moment& begin, const moment& end, const fault& f, access_kind during,
                  bool reads_too) const {
    const auto* const at = static_cast<const volatile unsigned char*>(f.address);
    if (at < field_.data() || at >= field_.data() + field_.size()) return false;
    const auto offset = static_cast<std::size_t>(at - field_.data());
    const std::size_t tile = offset / kit::tile_size;
    const bool moving = changing_field::is_moving(tile, begin, end);
    // The memory was fine whenever it was probed, round after round.
    if (f.kind == cause::stalled) return moving;
    // This engine asks for the cause when it has been refused; the tile may be another one by then.
    if (is_kernel<E> && moving && f.kind == cause::unknown) return true;
    return changing_.any_state(tile, begin, end, [&](kit::tile t) {
      const auto is_said = [&](access_kind k) {
        const auto met = said_by<E>(t, kit::ask(t, offset % kit::tile_size, k), k);
        return !met.accessible() && met.at(f.address, during) == f;
      };
      return is_said(during) || (reads_too && is_said(access_kind::read));
    });
  }

  // Zeros where a tile was being made, else what is laid there.
  void check_content(const kit::reach& r, std::size_t done) {
    for (std::size_t i = 0; i < r.length; ++i) {
      const unsigned char laid = kit::pattern(field_.data() + r.offset + i);
      const bool is_fixed = changing_field::is_fixed((r.offset + i) / kit::tile_size);
      const bool fine = i >= done ? to_[i] == 0xff : to_[i] == laid || (!is_fixed && to_[i] == 0);
      if (!fine && wrong_.empty()) wrong_ = "content at " + std::to_string(r.offset + i);
    }
  }

  void say(const char* verb, const kit::reach& r, const fault& f) {
    char line[160];
    surefoot::format(f, line, sizeof line);
    if (wrong_.empty())
      wrong_ = std::string(verb) + " of " + std::to_string(r.length) + " bytes from " +
               std::to_string(r.offset) + " of " + field_.picture() + ": " + line;
  }

  changing_field& changing_;
  const kit::minefield& field_;
  interrupting* interrupting_ = nullptr;
  std::vector<fault> holes_;
  std::minstd_rand chance_;
  std::vector<unsigned char> to_;
  std::string wrong_;
  std::size_t undisturbed_ = 0, disturbed_ = 0;
};

TEMPLATE_TEST_CASE("while tiles change, every answer is one that some moment of the call allows",
                   "", SUREFOOT_ALL_ENGINES) {
  const std::size_t calls = build::is_emulated ? 800 : build::is_slow ? 2000 : 20'000;
  const std::size_t changed_under = calls / 20;
  REQUIRE(surefoot::install());
  changing_field field;
  std::vector<caller<TestType>> callers;
  for (unsigned i = 0; i < 2; ++i) callers.emplace_back(field, i + 1);
  std::atomic<int> busy{2};
  std::vector<std::thread> threads;
  for (auto& c : callers)
    threads.emplace_back([&] {
      c.run(calls, changed_under);
      --busy;
    });
  while (busy > 0) {
    field.try_change();
    // Where there is one processor, it would seldom be taken from this thread in any other place than in a change.
    ::usleep(20);
  }
  for (std::thread& t : threads) t.join();
  for (const auto& c : callers) {
    CHECK(c.wrong() == "");
    CHECK(c.disturbed() >= changed_under);
    CHECK(c.undisturbed() >= changed_under);
    std::printf("%zu changes, %zu calls met one, %zu met none\n", field.changes(), c.disturbed(),
                c.undisturbed());
  }
}

TEMPLATE_TEST_CASE("faulting in and ensuring lose no update of ten million", "",
                   SUREFOOT_ALL_ENGINES) {
  // Each byte in turn is changed many times in a row, while just that byte is probed: again, until there were enough
  // probes, for where other tests have the processors the two threads may hardly meet.
  constexpr std::size_t updates = 10'000'000;
  const std::size_t enough = build::is_slow ? 20'000 : 1'000'000;
  const kit::minefield field({kit::tile::read_write, kit::tile::private_file});
  constexpr std::size_t bytes = 2 * kit::tile_size, each = updates / bytes + 1;
  std::atomic<std::size_t> place{0}, probes{0};
  std::atomic<bool> over{false};
  std::size_t rounds = 0;
  std::thread writer([&] {
    for (; rounds == 0 || probes.load(std::memory_order_relaxed) < enough; ++rounds)
      for (std::size_t i = 0; i < bytes; ++i) {
        place.store(i, std::memory_order_relaxed);
        for (std::size_t k = 0; k < each; ++k)
          __atomic_fetch_add(field.data() + i, 1, __ATOMIC_RELAXED);
      }
    over = true;
  });
  std::size_t refused = 0;
  for (std::size_t i = 0; !over; ++i) {
    unsigned char* const p = field.data() + place.load(std::memory_order_relaxed);
    const bool fine = i % 4 == 0   ? bool{surefoot::ensure_writeable(p, 1, TestType{})}
                      : i % 4 == 1 ? surefoot::fault_in_readable(p, 1, TestType{}).all()
                                   : surefoot::fault_in_writeable(p, 1, TestType{}).all();
    if (!fine) ++refused;
    probes.store(i + 1, std::memory_order_relaxed);
  }
  writer.join();
  CHECK(refused == 0);
  CHECK(probes > 1000);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    if (field.data()[i] !=
        static_cast<unsigned char>(kit::pattern(field.data() + i) + rounds * each))
      ++wrong;
  CHECK(wrong == 0);
}

}  // namespace
