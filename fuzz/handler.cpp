// The handler in a process where others want the same signals: owners come, go, chain and come back,
// signals are real and forged, and each comes to whom it belongs. Guards and heal() as well.
//
// Each program begins in a process where nobody has installed anything yet and one owner has both signals:
// the library's own memory of owners is put back for that. What would end the process (SIG_DFL, an owner
// that is spent, owners that call each other in a circle) is known by the model beforehand, and left out;
// proptest/unit/chain_*.cpp have children that die of it.
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <vector>

#include "heals.hpp"
#include "other_image.hpp"
#include "target.hpp"

namespace fuzz {

namespace {

constexpr int both_signals[] = {SIGSEGV, SIGBUS};
constexpr std::size_t index_of(int signal) { return signal == SIGBUS ? 1 : 0; }

// The owners. A `plain` one takes what comes: it notes it, and makes the page of a real fault good. One that
// `chains` hands on to whom it had displaced. The `host` asks our try_handle() first.
constexpr std::size_t owner_count = 7;
enum class manner { plain, chains, host };
struct ways {
  manner how;
  int flags;
  bool blocks_usr2;
};
constexpr ways owners[owner_count] = {
    {manner::plain, SA_SIGINFO, false},
    {manner::plain, SA_SIGINFO | SA_NODEFER, true},
    {manner::plain, 0, false},
    {manner::chains, SA_SIGINFO | SA_ONSTACK, false},
    {manner::chains, SA_SIGINFO | SA_NODEFER, true},
    {manner::plain, SA_SIGINFO | static_cast<int>(SA_RESETHAND), false},
    {manner::host, SA_SIGINFO | SA_NODEFER, false},
};
// Who else may have a signal: our handler, that of another image of the library, or nobody (SIG_DFL; `used_up`
// is the one that the kernel makes of an owner with SA_RESETHAND, whose flags it leaves).
constexpr std::size_t ours = owner_count, theirs = owner_count + 1, nobody = owner_count + 2,
                      used_up = owner_count + 3;
constexpr bool is_nobody(std::size_t who) { return who == nobody || who == used_up; }
constexpr bool is_image(std::size_t who) { return who == ours || who == theirs; }

// What came to an owner.
struct delivery {
  std::size_t owner;
  int signal, code;
  const void* address;
  bool blocked, usr2_blocked;
  friend bool operator==(const delivery&, const delivery&) = default;
};
std::ostream& operator<<(std::ostream& to, const delivery& d) {
  return to << "owner " << d.owner << ": signal " << d.signal << ", code " << d.code << ", at "
            << d.address << (d.blocked ? ", blocked" : "")
            << (d.usr2_blocked ? ", usr2 blocked" : "");
}
std::ostream& operator<<(std::ostream& to, const std::vector<delivery>& all) {
  for (const delivery& d : all) to << d << "; ";
  return to;
}

// Reality.
std::vector<delivery> met;
struct sigaction displaced[owner_count][2];

bool is_blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

// A real fault ends here: the page is good from now on, and the instruction is made again.
void mend(int signal, const siginfo_t* info) {
  if (info == nullptr || info->si_code <= 0 || signal != info->si_signo) return;
  const auto* const at = static_cast<const unsigned char*>(info->si_addr);
  if (at < space().data() || at >= space().data() + kit::space_size) return;
  const auto page = static_cast<std::size_t>(at - space().data()) / kit::tile_size;
  (void)space().make(
      {.what = kit::change_kind::map, .first = page, .to = kit::tile::read_write, .file = page});
}

// What is on its way. Anything else is a crash, and goes to whom the process has for that.
enum class awaited { nothing, sent, fault };
volatile awaited coming = awaited::nothing;
struct sigaction of_the_process[2];

bool is_crash(int signal) {
  if (coming != awaited::nothing) return false;
  ::sigaction(signal, &of_the_process[index_of(signal)], nullptr);
  return true;  // the instruction is made again
}

template <std::size_t Which>
void on_signal(int signal, siginfo_t* info, void* context) {
  const bool knows = (owners[Which].flags & SA_SIGINFO) != 0;
  if constexpr (owners[Which].how == manner::host)
    if (surefoot::try_handle(signal, info, context) == surefoot::handled::yes) return;
  if (is_crash(signal)) return;
  met.push_back({Which, signal, knows ? info->si_code : 0, knows ? info->si_addr : nullptr,
                 is_blocked(signal), is_blocked(SIGUSR2)});
  if constexpr (owners[Which].how == manner::chains) {
    const struct sigaction& next = displaced[Which][index_of(signal)];
    if ((next.sa_flags & SA_SIGINFO) != 0)
      next.sa_sigaction(signal, info, context);
    else
      next.sa_handler(signal);
  } else if (coming == awaited::fault) {
    mend(signal, info);
  }
}
// One that is not told where: it takes all of the layout for bad.
template <std::size_t Which>
void on_bare_signal(int signal) {
  if (is_crash(signal)) return;
  met.push_back({Which, signal, 0, nullptr, is_blocked(signal), is_blocked(SIGUSR2)});
  if (coming != awaited::fault) return;
  for (std::size_t i = 0; i < kit::space_pages; ++i)
    (void)space().make(
        {.what = kit::change_kind::map, .first = i, .to = kit::tile::read_write, .file = i});
}

struct sigaction action_of(std::size_t which) {
  using informed = void (*)(int, siginfo_t*, void*);
  static constexpr informed handlers[owner_count] = {
      on_signal<0>, on_signal<1>, nullptr, on_signal<3>, on_signal<4>, on_signal<5>, on_signal<6>};
  struct sigaction a {};
  if (which == nobody) {
    a.sa_handler = SIG_DFL;
    return a;
  }
  a.sa_flags = owners[which].flags;
  if (handlers[which] != nullptr)
    a.sa_sigaction = handlers[which];
  else
    a.sa_handler = on_bare_signal<2>;
  if (owners[which].blocks_usr2) ::sigaddset(&a.sa_mask, SIGUSR2);
  return a;
}

// Who has a signal, and where that is an image of the library, by which of its entries: its first registration is 0, the
// later ones are 1 to 15 by turns.
struct registration {
  std::size_t who;
  unsigned entry = 0;
};

// The model: who has each signal, whom each image of the library displaced, and whom each owner did.
struct signal_model {
  registration current{0};
  registration displaced_by[owner_count] = {};
  // What an image knows: when it displaced somebody for the first and for the last time (0: it has not, or has given
  // the signal back to that one), and when it made its last registration of each entry.
  struct memory {
    unsigned first[used_up + 1], last[used_up + 1];
    // By which entry that one was registered then.
    unsigned first_entry[used_up + 1], last_entry[used_up + 1];
    bool spent[owner_count];
    bool first_in_use;
    unsigned later, made[16];

    // When that one was displaced, up to a moment; 0: never.
    unsigned displaced(std::size_t who, unsigned until) const {
      if (last[who] <= until) return last[who];
      return first[who] <= until ? first[who] : 0;
    }
    // It has the signal again. Of an image another registration of it stays displaced.
    void forget(std::size_t who) {
      const bool stays = is_image(who) && first[who] < last[who];
      last[who] = stays ? first[who] : 0;
      last_entry[who] = first_entry[who];
    }
    unsigned entry_at(std::size_t who, unsigned moment) const {
      return last[who] == moment ? last_entry[who] : first_entry[who];
    }
  } of_image[2] = {};
  unsigned clock = 0;

  memory& of(std::size_t image) { return of_image[image - ours]; }
  const memory& of(std::size_t image) const { return of_image[image - ours]; }

  void take(std::size_t image) {
    if (current.who == image) return;
    memory& m = of(image);
    if (m.last[current.who] == 0) {
      m.first[current.who] = clock + 1;
      m.first_entry[current.who] = current.entry;
    }
    m.last[current.who] = ++clock;
    m.last_entry[current.who] = current.entry;
    if (current.who < owner_count) m.spent[current.who] = false;
    const unsigned entry = m.first_in_use ? m.later++ % 15 + 1 : 0;
    m.first_in_use = true;
    m.made[entry] = ++clock;
    current = {image, entry};
  }
  bool give_back(std::size_t image) {
    if (current.who != image) return false;
    const unsigned until = of(image).made[current.entry];
    if (current.entry == 0) of(image).first_in_use = false;
    current = owner_before(image, until).value_or(registration{nobody});
    for (const std::size_t each : {ours, theirs})
      if ((each == image || !is_image(current.who)) && of(each).last[current.who] <= until)
        of(each).forget(current.who);
    return true;
  }

 private:
  // The one that the image displaced last, up to that moment. Where that is another image that is not installed any
  // more, whom that one had displaced is meant. Nothing where it knows of none.
  std::optional<registration> owner_before(std::size_t image, unsigned until) const;
};
signal_model models[2];
bool ready[2] = {};  // the hidden byte of each image

std::optional<registration> signal_model::owner_before(std::size_t image, unsigned until) const {
  const memory& m = of(image);
  std::size_t who = 0;
  for (std::size_t each = 0; each <= used_up; ++each)
    if (m.displaced(each, until) > m.displaced(who, until)) who = each;
  const unsigned moment = m.displaced(who, until);
  if (moment == 0) return {};
  if (is_image(who) && !ready[who - ours]) {
    // It was displaced with an earlier registration: whoever came after that one had gone.
    const unsigned up_to = std::min(moment - 1, of(who).made[m.entry_at(who, moment)]);
    if (const auto before = owner_before(who, up_to)) return before;
    return owner_before(image, up_to);
  }
  if (who < owner_count && m.spent[who]) return registration{nobody};
  return registration{who, m.entry_at(who, moment)};
}

// What comes of a signal: to whom, in which order, and whether it is claimed by us in the end.
struct outcome {
  std::vector<delivery> to{};
  bool claimed = false;
  bool ends_here = false;  // it would end the process, or go round for ever
  struct spending {
    std::size_t who, by;
  };
  std::vector<spending> spends{};
};

// A signal on its way through the model.
class journey {
 public:
  // `mine`: the library would claim it, whichever image is asked.
  journey(int signal, int code, const void* address, bool mine)
      : m_(models[index_of(signal)]), signal_(signal), code_(code), address_(address), mine_(mine) {
    arrive(m_.current, false, false, nobody);
  }
  const outcome& result() const { return all_; }

 private:
  // By a caller: the kernel (`nobody`), an image that hands on, or an owner that calls whom it had displaced.
  void arrive(registration at, bool blocked, bool usr2, std::size_t by) {
    const std::size_t who = at.who;
    if (++depth_ > 40 || is_nobody(who)) {
      all_.ends_here = true;
      return;
    }
    if (is_image(who)) {
      if (mine_)
        all_.claimed = true;
      else
        forward(at, blocked, usr2);
      return;
    }
    // The kernel blocks for an owner what it asked for, and an image to which the kernel came does so for the first one
    // that it asks. Any other is called by an owner.
    const ways& w = owners[who];
    if (by == nobody || (is_image(by) && is_image(m_.current.who) && asked_ == 1)) {
      blocked = blocked || (w.flags & SA_NODEFER) == 0;
      usr2 = usr2 || w.blocks_usr2;
      if ((w.flags & static_cast<int>(SA_RESETHAND)) != 0) all_.spends.push_back({who, by});
    }
    if (w.how == manner::host && mine_) {
      all_.claimed = true;
      return;
    }
    const bool knows = (w.flags & SA_SIGINFO) != 0;
    all_.to.push_back({who, signal_, knows ? code_ : 0, knows ? address_ : nullptr, blocked, usr2});
    if (w.how == manner::chains) arrive(m_.displaced_by[who], blocked, usr2, who);
  }

  // Where the signal comes to an image, the owners are asked that any image displaced, the last one first, each once for
  // a signal: not the one that has it now, and none that came after the registration that it came to. SIG_DFL where none
  // is left.
  void forward(const registration& to, bool blocked, bool usr2) {
    if (!is_on_its_way_) collect(m_.of(to.who).made[to.entry]);
    // Whoever hands it on stands over this registration: those that came after it have gone, or were asked.
    while (is_on_its_way_ && asked_ != count_ &&
           m_.of(to_ask_[asked_].by).displaced(to_ask_[asked_].who, m_.of(to.who).made[to.entry]) ==
               0)
      ++asked_;
    is_on_its_way_ = true;
    if (asked_ == count_) {
      all_.ends_here = true;
      return;
    }
    const auto [who, by] = to_ask_[asked_++];
    if (is_nobody(who) || m_.of(by).spent[who])
      all_.ends_here = true;
    else
      arrive({who}, blocked, usr2, by);
  }

  void collect(unsigned until) {
    const auto& now = m_.current;
    for (unsigned moment = until; moment > 0; --moment)
      for (const std::size_t image : {ours, theirs})
        for (std::size_t who = 0; who <= used_up; ++who) {
          const auto& known = m_.of(image);
          if (moment > until || known.displaced(who, moment) != moment) continue;
          // An image was displaced with an earlier registration: whoever came after that one had gone.
          if (is_image(who)) until = std::min(until, m_.of(who).made[known.entry_at(who, moment)]);
          if (!is_image(who) && who != now.who && !knows(who)) to_ask_[count_++] = {who, image};
        }
  }
  bool knows(std::size_t who) const {
    return std::any_of(to_ask_, to_ask_ + count_, [who](auto& each) { return each.who == who; });
  }

  const signal_model& m_;
  int signal_, code_;
  const void* address_;
  bool mine_;
  struct asked {
    std::size_t who, by;
  };
  asked to_ask_[used_up + 1] = {};
  std::size_t count_ = 0, asked_ = 0;
  bool is_on_its_way_ = false;
  unsigned depth_ = 0;
  outcome all_{};
};
outcome foretell(int signal, int code, const void* address, bool mine) {
  return journey(signal, code, address, mine).result();
}
void came(int signal, const outcome& o) {
  signal_model& m = models[index_of(signal)];
  for (const auto& [who, by] : o.spends) {
    if (by == nobody)
      m.current = {used_up};  // the kernel's doing
    else
      m.of(by).spent[who] = true;
  }
}

// With all that it had been registered with.
void expect_registered(int signal, std::size_t who) {
  constexpr int restorer = 0x04000000;  // SA_RESTORER: libc's, for the kernel
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  const struct sigaction should = action_of(who);
  expect(now.sa_sigaction == should.sa_sigaction, "another owner has the signal");
  expect((now.sa_flags & ~restorer) == should.sa_flags, "an owner has the signal with other flags");
  expect(::sigismember(&now.sa_mask, SIGUSR2) == ::sigismember(&should.sa_mask, SIGUSR2),
         "an owner has the signal with another mask");
}

void expect_entry(int signal, unsigned entry) {
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  expect(surefoot::signals::entry_point_of(now).number == entry,
         "a registration has the entry of another one");
}

void expect_state() {
  for (const int signal : both_signals) expect(!is_blocked(signal), "a signal stays blocked");
  expect(!is_blocked(SIGUSR2), "SIGUSR2 stays blocked");
  const auto now = surefoot::installed();
  const std::size_t of_segv = models[0].current.who, of_bus = models[1].current.who;
  expect(now.segv == (of_segv == ours) && now.bus == (of_bus == ours), "installed()");
  for (const int signal : both_signals) {
    const registration is = models[index_of(signal)].current;
    if (is_image(is.who)) expect_entry(signal, is.entry);
    if (!is_image(is.who) && !is_nobody(is.who)) expect_registered(signal, is.who);
  }
  expect(other_image::installed() == other_image::both{of_segv == theirs, of_bus == theirs},
         "installed() of the other image");
}
void expect_deliveries(const outcome& o, const char* what) {
  if (met != o.to) finding(what, "is " + shown(met) + "\nshould be " + shown(o.to));
  met.clear();
}

void install(kit::fuzzed_call& c) {
  const std::size_t image = c.extra() % 3 == 2 ? theirs : ours;
  for (signal_model& m : models) m.take(image);
  ready[image - ours] = true;
  if (image == theirs) return expect(other_image::install(), "install() of the other image");
  expect(bool(surefoot::install()), "install()");
  expect(surefoot::installed().both(), "install(): not installed");
}

void uninstall(kit::fuzzed_call& c) {
  const std::size_t image = c.extra() % 3 == 2 ? theirs : ours;
  ready[image - ours] = false;
  const bool segv = models[0].give_back(image), bus = models[1].give_back(image);
  if (image == theirs) {
    expect(other_image::uninstall() == other_image::both{segv, bus},
           "uninstall() of the other image");
  } else {
    const auto given = surefoot::uninstall();
    expect(given.segv == segv && given.bus == bus, "uninstall()");
  }
  for (const int signal : both_signals) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    const std::size_t who = models[index_of(signal)].current.who;
    if (is_image(who)) continue;
    if (!is_nobody(who))
      expect_registered(signal, who);
    else
      expect(now.sa_handler == SIG_DFL, "uninstall() gives it to somebody, not to nobody");
  }
}

// A call with a default engine installs by itself, whatever comes of it.
void use() {
  if (!ready[0])
    for (signal_model& m : models) m.take(ours);
  ready[0] = true;
  const int good = 4711;
  expect(surefoot::try_load(&good).value_or(0) == good, "a load of good memory");
}

int signal_of(const kit::fuzzed_call& c) { return both_signals[c.value() % 2]; }

void owner_takes(kit::fuzzed_call& c) {
  const int signal = signal_of(c);
  signal_model& m = models[index_of(signal)];
  const std::size_t who = c.extra() % owner_count;
  if (m.current.who == who) return;
  const signal_model before = m;
  m.displaced_by[who] = m.current;
  m.current = {who};
  // Owners that call each other in a circle without us are their own affair.
  for (const bool mine : {false, true}) {
    const outcome o = foretell(signal, SI_TKILL, nullptr, mine);
    if (o.to.size() > 20 || (owners[who].how == manner::chains && is_nobody(before.current.who))) {
      m = before;
      return;
    }
  }
  const struct sigaction action = action_of(who);
  ::sigaction(signal, &action, &displaced[who][index_of(signal)]);
}

// To whom it had displaced.
void owner_gives_back(kit::fuzzed_call& c) {
  const int signal = signal_of(c);
  signal_model& m = models[index_of(signal)];
  const std::size_t who = m.current.who;
  if (who >= owner_count || (c.extra() % 2 == 0 && is_nobody(m.displaced_by[who].who))) return;
  const signal_model before = m;
  m.current = m.displaced_by[who];
  if (m.current.who == who || foretell(signal, SI_TKILL, nullptr, false).to.size() > 20) {
    m = before;
    return;
  }
  ::sigaction(signal, &displaced[who][index_of(signal)], nullptr);
}

// A siginfo of our own making, to ourselves. The kernel allows any code for that.
siginfo_t forged(const kit::fuzzed_call& c, int signal) {
  constexpr int codes[] = {SI_TKILL, SI_QUEUE, SI_USER, 1, 2, 3, 4, 5, 8, 9, 0x80, -60};
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = codes[c.other_value() % std::size(codes)];
  if (c.extra() % 4 != 0) info.si_addr = space().data() + c.begin();
  if (c.extra() % 4 == 3) info.si_addr = wild(c.extra());
  if (signal == SIGBUS && (info.si_code == BUS_MCEERR_AR || info.si_code == BUS_MCEERR_AO)) {
    constexpr short shifts[] = {12, 21, 0, 6};
    info.si_addr_lsb = shifts[c.value() / 2u % 4];
  }
  return info;
}
[[gnu::noinline]] void send(siginfo_t& info) noexcept {
  const int error = errno;
  errno = 4242;
  ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), info.si_signo, &info);
  errno = error;
}
// Where a code says an address, si_addr is one; else those bytes are a sender.
const void* address_in(const siginfo_t& info) { return info.si_addr; }

void sent(kit::fuzzed_call& c) {
  siginfo_t info = forged(c, signal_of(c));
  const outcome o = foretell(info.si_signo, info.si_code, address_in(info), false);
  if (o.ends_here) return;
  coming = awaited::sent;
  send(info);
  coming = awaited::nothing;
  came(info.si_signo, o);
  expect_deliveries(o, "a signal that was sent came to somebody else");
}

// What a handler does meanwhile is seen behind it, and what was set before it by the handler.
[[gnu::noinline]] unsigned char touch(const volatile unsigned char* p) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const unsigned char byte = *p;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return byte;
}

// The plain load of a byte, by code that is not ours.
void foreign_fault(kit::fuzzed_call& c) {
  if (c.begin() == kit::space_size) return;
  const unsigned char* const p = space().data() + c.begin();
  const auto is = space().model().ask(c.begin(), access_kind::read);
  if (is.accessible()) return;
  const outcome o = foretell(is.signal, is.code, p, false);
  if (o.ends_here) return;
  coming = awaited::fault;
  const unsigned char byte = touch(p);
  coming = awaited::nothing;
  came(is.signal, o);
  expect(byte == space().model().byte(c.begin()), "a fault of nobody's: what was loaded");
  expect_deliveries(o, "a fault of nobody's came to somebody else");
}

// Is our handler reached by a fault of ours, without anybody taking it before?
bool is_claimed(const kit::answer& is, const void* p) {
  if (is.accessible()) return true;
  const outcome o = foretell(is.signal, is.code, p, true);
  return o.claimed && !o.ends_here;
}

void own_fault(kit::fuzzed_call& c) {
  const kit::reach r{std::min(c.begin(), kit::space_size - 8), 8};
  const void* const p = space().data() + r.offset;
  use();
  on_signal_engines([&]<class E>(E e) {
    const progress should = space().expected<E>(r, access_kind::read);
    const auto is = space().model().ask(r.offset, access_kind::read);
    const auto other = space().model().ask(r.end() - 1, access_kind::read);
    if (!is_claimed(is, p) || !is_claimed(other, p)) return;
    coming = awaited::fault;  // chainers on the way are told
    const auto got = surefoot::try_load<std::uint64_t>(p, e);
    coming = awaited::nothing;
    expect_same(got.stopped_by, should.stopped_by, "a fault of ours");
    // Those that chain to us have seen it as well: once, where one page is concerned.
    const bool one_page = r.offset / kit::tile_size == (r.end() - 1) / kit::tile_size;
    if (one_page && !is.accessible())
      expect_deliveries(foretell(is.signal, is.code, p, true),
                        "a fault of ours came to somebody else");
    met.clear();
  });
  // A fault of the other image's access, with whichever handler.
  const auto is = space().model().ask(r.offset, access_kind::read);
  const auto other = space().model().ask(r.end() - 1, access_kind::read);
  for (signal_model& m : models)
    if (!ready[1]) m.take(theirs);
  ready[1] = true;
  expect(other_image::load(&r).ok, "a load of good memory by the other image");
  if (!is_claimed(is, p) || !is_claimed(other, p)) return;
  const progress should = space().expected<surefoot::engine::table>(r, access_kind::read);
  coming = awaited::fault;
  const auto got = other_image::load(p);
  coming = awaited::nothing;
  expect(got.ok == should.all(), "a fault of the other image's");
  expect(got.ok || got.bad == should.stopped_by.address, "a fault of the other image's: where");
  met.clear();
}

// What the library must say of a fault with this siginfo, by its documentation alone.
cause cause_of(const siginfo_t& info) {
  const auto at = reinterpret_cast<std::uintptr_t>(info.si_addr);
  if (info.si_code == 0x80 || (at >> 63) != 0) return cause::bad_address;
  if (info.si_signo == SIGSEGV) switch (info.si_code) {
      case 1: return cause::unmapped;
      case 2: return cause::denied;
      case 4: return cause::key_denied;
      case 5:
      case 7:
      case 8:
      case 9: return cause::tag_mismatch;
      default: return cause::unknown;
    }
  switch (info.si_code) {
    case 1: return cause::misaligned;
    case 2: return cause::no_backing;
    case 4: return cause::poisoned;
    default: return cause::unknown;
  }
}

bool is_access(int signal, int code) {
  if (code <= 0) return false;
  return signal == SIGBUS ? code != BUS_MCEERR_AO : code != 8;
}

kit::reach guard_range(kit::fuzzed_call& c, bool& everything) {
  everything = c.extra() % 3 == 0;
  return c.next_part();
}

// A guard around the load of a byte, with a range or without, alone or in another one.
void guards(kit::fuzzed_call& c, bool without) {
  if (c.begin() == kit::space_size) return;
  bool everything = false;
  const kit::reach r = guard_range(c, everything);
  const std::size_t at = c.begin();
  const volatile unsigned char* const p = space().data() + at;
  use();
  const auto is = space().model().ask(at, access_kind::read);
  const bool covered = !without && (everything || (at >= r.offset && at < r.end()));
  outcome o;
  if (!is.accessible()) {
    o = foretell(is.signal, is.code, const_cast<const unsigned char*>(p), covered);
    if (o.ends_here) return;
  }
  coming = awaited::fault;
  const auto body = [p, without]() noexcept {
    if (!without) return touch(p);
    const auto chain = surefoot::exchange_guard({});
    const unsigned char byte = touch(p);
    const auto own = surefoot::exchange_guard(chain);
    return own.innermost == nullptr ? byte : static_cast<unsigned char>(byte + 1);
  };
  const auto range = [&](auto code) {
    return everything ? surefoot::guarded(code)
                      : surefoot::guarded(space().data() + r.offset, r.length, code);
  };
  // Perhaps with a guard inside that is for something else.
  const auto inner = [body]() noexcept {
    static const unsigned char elsewhere[16] = {};
    return surefoot::guarded(elsewhere, sizeof elsewhere, body).value_or(0);
  };
  const auto got = c.value() % 2 == 0 ? range(body) : range(inner);
  coming = awaited::nothing;
  if (!is.accessible()) {
    came(is.signal, o);
    expect_deliveries(o, "a fault in a guard came to somebody else");
  }
  if (!is.accessible() && o.claimed) {
    expect_same(got.stopped_by, is.at(const_cast<const unsigned char*>(p), access_kind::read),
                "guarded");
  } else {
    expect(got.ok(), "guarded: a fault that is not its own");
    expect(got.value() == space().model().byte(at), "guarded: value");
  }
}
void guard(kit::fuzzed_call& c) { guards(c, false); }
void guard_taken_away(kit::fuzzed_call& c) { guards(c, true); }

void guard_and_send(kit::fuzzed_call& c) {
  bool everything = false;
  const kit::reach r = guard_range(c, everything);
  siginfo_t info = forged(c, signal_of(c));
  const int signal = info.si_signo;
  use();
  const auto address = reinterpret_cast<std::uintptr_t>(info.si_addr);
  const auto first = reinterpret_cast<std::uintptr_t>(space().data() + r.offset);
  const bool poison = signal == SIGBUS && info.si_code == BUS_MCEERR_AR;
  const bool unplaced = info.si_addr == nullptr &&
                        (info.si_code == 0x80 || (signal == SIGBUS && info.si_code == BUS_ADRALN));
  const bool inside = !unplaced && r.length > 0 && address - first < r.length;
  // It is sent by a system call, and poison in one of those is not the guard's.
  const bool mine = is_access(signal, info.si_code) && !poison && (everything || inside);
  const outcome o = foretell(signal, info.si_code, address_in(info), mine);
  if (o.ends_here) return;
  coming = awaited::sent;
  siginfo_t* const its = &info;
  const auto body = [its]() noexcept { send(*its); };
  const auto got = everything ? surefoot::guarded(body)
                              : surefoot::guarded(space().data() + r.offset, r.length, body);
  coming = awaited::nothing;
  came(signal, o);
  expect_deliveries(o, "a signal that was sent in a guard came to somebody else");
  if (!o.claimed) return expect(got.ok(), "a guard takes what is not its own");
  expect(!got.ok(), "a guard does not take a fault");
  expect(got.stopped_by.kind == cause_of(info), "a guard: the cause");
  expect(got.stopped_by.signal == signal && got.stopped_by.code == info.si_code,
         "a guard: the signal");
  expect(got.stopped_by.address == info.si_addr, "a guard: the address");
}

void hosted(kit::fuzzed_call&) {
  // For hosts alone: who has the signals keeps them.
  if (models[0].current.who == ours || models[1].current.who == ours) return;
  ready[0] = true;
  expect(bool(surefoot::install(surefoot::hosted)), "install(hosted)");
}

void readies(kit::fuzzed_call& c) {
  sigset_t some;
  ::sigemptyset(&some);
  const bool segv = c.value() % 2 == 1, bus = c.other_value() % 2 == 1;
  if (segv) ::sigaddset(&some, SIGSEGV);
  if (bus) ::sigaddset(&some, SIGBUS);
  ::pthread_sigmask(SIG_BLOCK, &some, nullptr);
  const auto was = surefoot::ready_this_thread();
  expect(was.segv == segv && was.bus == bus, "ready_this_thread()");
  expect(surefoot::pin() == surefoot::pinned::yes, "pin() of an executable");
}

// What the library remembers of owners, as it is in a process that has just begun.
namespace library = surefoot::signals;
void forget_everything() {
  for (auto* const each : {&library::owners_of_segv, &library::owners_of_bus})
    std::memset(static_cast<void*>(each), 0, sizeof *each);
  library::ready_byte = 0;
  other_image::forget_everything();
}
void begin_anew() {
  forget_everything();
  ready[0] = ready[1] = false;
  const struct sigaction base = action_of(0);
  for (const int signal : both_signals) {
    ::sigaction(signal, &base, nullptr);
    models[index_of(signal)] = {};
  }
}

// A child that is sent a signal which nobody is left to take: it dies of just that one.
void ends(kit::fuzzed_call& c) {
  siginfo_t info = forged(c, signal_of(c));
  const int signal = info.si_signo;
  const signal_model& m = models[index_of(signal)];
  const outcome o = foretell(signal, info.si_code, address_in(info), false);
  if (!o.ends_here || o.to.size() > 20) return;
  // The kernel's own business, but for where we are asked.
  if (!is_image(m.current.who)) return;
  const ::pid_t child = ::fork();
  if (child < 0) return;
  if (child == 0) {
    const struct rlimit no_core {};
    ::setrlimit(RLIMIT_CORE, &no_core);
    coming = awaited::sent;
    send(info);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  expect(WIFSIGNALED(status) && WTERMSIG(status) == signal,
         "a signal that nobody takes does not end the process");
}

// Fifteen different owners are remembered. One more cannot be displaced, and is not.
void too_many(kit::fuzzed_call& c) {
  if (c.extra() % 8 != 0) return;  // slow
  const int signal = signal_of(c);
  forget_everything();
  struct sigaction one = action_of(1);
  bool all = true;
  for (int i = 0; i < 16; ++i) {
    expect(all, "install() gives up too early");
    ::sigaddset(&one.sa_mask, SIGRTMIN + i);
    ::sigaction(signal, &one, nullptr);
    all = bool(surefoot::install());
  }
  expect(!all, "install() displaces an owner whom it cannot remember");
  struct sigaction is {};
  ::sigaction(signal, nullptr, &is);
  expect(is.sa_sigaction == one.sa_sigaction,
         "install() took a signal whose owner it cannot remember");
  begin_anew();
}

void guard_not_ready(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  unsigned char* const p = space().data() + r.offset;
  using engine = unready<surefoot::engine::jump>;
  const auto nothing = []() noexcept { finding("a guard without an engine runs its code"); };
  const auto number = []() noexcept { return 1; };
  expect_unready(surefoot::guarded(nothing, engine{}).stopped_by, nullptr, access_kind::read);
  expect_unready(surefoot::guarded(number, engine{}).stopped_by, nullptr, access_kind::read);
  expect_unready(surefoot::guarded(p, r.length, number, engine{}).stopped_by, p, access_kind::read);
  expect(surefoot::guarded(wild(10), 2, number).stopped_by.kind == cause::bad_address,
         "a guard of a range that wraps");
}

// A guard whose fault is handled on an alternate stack that disarms itself; the jump arms it again.
void on_own_stack(kit::fuzzed_call& c) {
  alignas(64) static unsigned char room[1 << 16];
  constexpr int autodisarm = static_cast<int>(1u << 31);  // SS_AUTODISARM
  stack_t before{};
  stack_t own{};
  own.ss_sp = room;
  own.ss_size = sizeof room;
  own.ss_flags = autodisarm;
  if (::sigaltstack(&own, &before) != 0) return;
  guards(c, false);
  stack_t after{};
  ::sigaltstack(&before, &after);
  expect(after.ss_sp == room && (after.ss_flags & SS_DISABLE) == 0, "an alternate stack is lost");
}

// Each of them, and whose the signals are afterwards.
template <void (*run)(kit::fuzzed_call&)>
void then_look(kit::fuzzed_call& c) {
  run(c);
  met.clear();
  expect_state();
}

constexpr call table[] = {
    {"install", then_look<install>},
    {"uninstall", then_look<uninstall>},
    {"an owner takes a signal", then_look<owner_takes>},
    {"an owner gives a signal back", then_look<owner_gives_back>},
    {"a signal is sent", then_look<sent>},
    {"a fault of nobody's", then_look<foreign_fault>},
    {"a fault of ours", then_look<own_fault>},
    {"guarded", then_look<guard>},
    {"guarded, and a signal is sent in it", then_look<guard_and_send>},
    {"guarded, without its guard", then_look<guard_taken_away>},
    {"install, hosted", then_look<hosted>},
    {"heal", then_look<heals>},
    {"ready_this_thread", then_look<readies>},
    {"a signal that ends the process", then_look<ends>},
    {"more owners than are remembered", then_look<too_many>},
    {"guarded, on a stack of its own", then_look<on_own_stack>},
    {"guarded, with an engine that is not ready", then_look<guard_not_ready>},
    {ask_kernel.name, then_look<ask_reference>},
};

}  // namespace

const char* const target_name = "handler";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {
  met.clear();
  for (const int signal : both_signals)
    ::sigaction(signal, nullptr, &of_the_process[index_of(signal)]);
  // The images know each other from the first program on, as they do in all that follow.
  static const bool have_met = bool(surefoot::install()) && other_image::install();
  expect(have_met, "install() of both images");
  begin_anew();
}

void end() {
  // As it was, for the fuzzer, and for the checks of the layout.
  for (const int signal : both_signals)
    ::sigaction(signal, &of_the_process[index_of(signal)], nullptr);
  forget_everything();
}

}  // namespace fuzz
