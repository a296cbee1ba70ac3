// What engine::kernel is for: where no signal may be delivered, it answers all the same.
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <list>
#include <string>
#include <surefoot/surefoot.hpp>
#include <thread>

#include "engines.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace {

using memory::kind;
using memory::page_size;
using process::owner;
using process::shared;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::verdict;
using surefoot::engine::kernel;

// A good page before each kind of bad one.
class ground {
 public:
  ground() {
    for (const kind bad : memory::kinds_that_refuse(access_kind::write)) all_.emplace_back(bad);
  }

  // Asks each question at the edge of each bad page. How many answers are not as they should be?
  int wrong_answers() const {
    int wrong = 0;
    for (const edge& each : all_) {
      if (memory::refuses(each.bad, access_kind::read)) wrong += wrong_reads(each);
      wrong += wrong_writes(each);
    }
    return wrong;
  }

 private:
  struct edge {
    explicit edge(kind k) : bad(k), land{kind::good, k} {}
    kind bad;
    memory::pages land;
  };

  static constexpr std::size_t before = 8, n = 16;

  static int wrong_reads(const edge& each) {
    const kernel e;
    const std::uint8_t* const p = each.land.page(1) - before;
    const auto expected =
        memory::stopped<kernel>(before, n, each.bad, access_kind::read, p + before);
    const fault refused = expected.stopped_by;
    char to[n] = {};
    const iovec parts[] = {{const_cast<std::uint8_t*>(p), 5},
                           {const_cast<std::uint8_t*>(p) + 5, n - 5}};
    return (surefoot::fault_in_readable(p, n, e) != expected) +
           (surefoot::ensure_readable(p, n, e) != verdict{refused}) +
           (surefoot::try_copy(to, p, n, e) != expected) + (std::memcmp(to, p, before) != 0) +
           (surefoot::try_gather(to, parts, e) != expected) +
           (surefoot::try_load<std::uint64_t>(p + 1, e).stopped_by != refused) +
           (surefoot::try_find(p, *p, n, e).value_or(nullptr) != p) +
           (surefoot::try_find(to, 0, before, e).stopped_by.kind != cause::none) +
           (surefoot::try_compare(p, to, n, e).stopped_by != refused);
  }

  static int wrong_writes(const edge& each) {
    const kernel e;
    std::uint8_t* const p = each.land.page(1) - before;
    const auto expected =
        memory::stopped<kernel>(before, n, each.bad, access_kind::write, p + before);
    const fault refused = expected.stopped_by;
    const char from[n] = {};
    auto* const crossing = reinterpret_cast<std::uint64_t*>(p + 1);
    int wrong = (surefoot::fault_in_writeable(p, n, e) != expected) +
                (surefoot::ensure_writeable(p, n, e) != verdict{refused}) +
                (surefoot::try_store(crossing, 0, e) != verdict{refused});
    wrong += !each.land.intact();
    wrong += (surefoot::try_copy(p, from, n, e) != expected) +
             (surefoot::try_fill(p, 0, n, e) != expected) + !each.land.intact(p, before);
    memory::fill(p, before);
    return wrong;
  }

  std::list<edge> all_;
};

// Runs body(ground) in a child, which has its number of wrong answers from there.
template <class Body>
void check_answers_in_a_child(Body body) {
  const ground bad;
  const shared<int> wrong;
  *wrong = -1;
  const process::ending end = process::run([&] { *wrong = body(bad); });
  CHECK(end.status == 0);
  CHECK(end.signal == 0);
  CHECK(*wrong == 0);
}

TEST_CASE("the kernel engine answers on a thread that blocks SIGSEGV and SIGBUS") {
  check_answers_in_a_child([](const ground& bad) {
    surefoot::os::block(surefoot::os::only(SIGSEGV) | surefoot::os::only(SIGBUS));
    return bad.wrong_answers();
  });
}

// For a handler.
const ground* asked = nullptr;
int wrong_in_handler = -1;

TEST_CASE("the kernel engine answers inside a SIGSEGV handler that keeps SIGSEGV blocked") {
  check_answers_in_a_child([](const ground& bad) {
    asked = &bad;
    owner<>::then = [](int signal, siginfo_t* info, void* ucontext) {
      wrong_in_handler = asked->wrong_answers();
      process::step_over(signal, info, ucontext);
    };
    owner<>::take(SIGSEGV);
    process::stray_load(nullptr);
    return wrong_in_handler;
  });
  CHECK(process::ledger[0].calls == 1);
  CHECK((process::ledger[0].mask & surefoot::os::only(SIGSEGV)) != 0);
}

TEST_CASE("the kernel engine meets every kind of bad page without a signal and without a handler") {
  check_answers_in_a_child([](const ground& bad) {
    for (const int signal : process::signals_taken) owner<>::take(signal);
    const struct sigaction before = process::disposition(SIGSEGV);
    const int wrong = bad.wrong_answers();
    for (const int signal : process::signals_taken)
      if (!process::same(process::disposition(signal), before)) return 1000;
    return wrong;
  });
  CHECK(process::ledger[0].calls == 0);
}

TEST_CASE("the kernel engine keeps no descriptor, and answers where none can be had") {
  const ground bad;
  const std::size_t before = process::open_descriptors();
  CHECK(bad.wrong_answers() == 0);
  CHECK(process::open_descriptors() == before);

  check_answers_in_a_child([](const ground& there) {
    process::allow_no_more_descriptors();
    return there.wrong_answers();
  });
}

// A thread that waits on a word for as long as it has this value, until it is woken.
class waiter {
 public:
  // Flags: FUTEX_PRIVATE_FLAG, or none.
  waiter(std::uint32_t* word, int flags) : word_(word), flags_(flags), thread_([this] { wait(); }) {
    while (!asleep()) std::this_thread::yield();
  }
  ~waiter() {
    // Also where somebody has woken it, so that a failing test ends.
    __atomic_fetch_xor(word_, 1, __ATOMIC_SEQ_CST);
    wake();
    thread_.join();
  }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  // How many there were to wake.
  long wake() const { return futex(FUTEX_WAKE, 1); }

 private:
  long futex(int operation, std::uint32_t value) const {
    return ::syscall(SYS_futex, word_, operation | flags_, value, nullptr, nullptr, 0);
  }
  void wait() {
    const std::uint32_t value = __atomic_load_n(word_, __ATOMIC_SEQ_CST);
    thread_id_ = ::gettid();
    futex(FUTEX_WAIT, value);
  }
  // Does the kernel say that the thread sleeps?
  bool asleep() const {
    const pid_t id = thread_id_;
    if (id == 0) return false;
    const std::string path = "/proc/self/task/" + std::to_string(id) + "/stat";
    char state = '?';
    if (std::FILE* const stat = std::fopen(path.c_str(), "r")) {
      if (std::fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) state = '?';
      std::fclose(stat);
    }
    return state == 'S';
  }

  std::uint32_t* word_;
  int flags_;
  std::atomic<pid_t> thread_id_{0};
  std::thread thread_;
};

TEST_CASE("the kernel engine's write probe wakes nobody who waits on the word") {
  const memory::pages land{kind::good};
  auto* const word = reinterpret_cast<std::uint32_t*>(land.data() + 64);
  for (const int flags : {0, FUTEX_PRIVATE_FLAG})
    for (const std::uint32_t value : {0u, 1u, 2u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu}) {
      *word = value;
      const waiter one(word, flags);
      for (std::size_t byte = 0; byte < 4; ++byte)
        CHECK(surefoot::fault_in_writeable(land.data() + 64 + byte, 1, kernel{}).all());
      INFO("value " << value << ", flags " << flags);
      CHECK(*word == value);
      CHECK(one.wake() == 1);
    }
}

// A page that the kernel hides from itself.
class secret_page {
 public:
  secret_page() {
    constexpr long memfd_secret = 447;  // Linux 5.14
    const auto descriptor = static_cast<int>(::syscall(memfd_secret, 0));
    if (descriptor < 0) return;
    if (::ftruncate(descriptor, page_size) == 0) {
      void* const p = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
      if (p != MAP_FAILED) data_ = static_cast<std::uint8_t*>(p);
    }
    ::close(descriptor);
  }
  ~secret_page() {
    if (data_ != nullptr) ::munmap(data_, page_size);
  }
  secret_page(const secret_page&) = delete;
  secret_page& operator=(const secret_page&) = delete;

  std::uint8_t* data() const { return data_; }

 private:
  std::uint8_t* data_ = nullptr;
};

TEST_CASE(
    "the kernel engine writes to memfd_secret memory, and is denied to read it though a load is "
    "not") {
  const secret_page secret;
  std::uint8_t* const p = secret.data();
  if (p == nullptr) return memory::say_skipped("memfd_secret (Linux 5.14)");
  const kernel e;
  const char from[20] = "nobody else's";
  char to[20] = {};
  CHECK(surefoot::fault_in_writeable(p, page_size, e).all());
  CHECK(surefoot::try_copy(p + 7, from, sizeof from, e).all());
  CHECK(std::memcmp(p + 7, from, sizeof from) == 0);
  CHECK(surefoot::try_store(reinterpret_cast<int*>(p), 42, e) == verdict{});
  CHECK(surefoot::try_fill(p + 100, 0x5a, 50, e).all());
  CHECK((p[0] == 42 && p[149] == 0x5a && p[150] == 0));

  const fault denied{p + 7, cause::denied, access_kind::read};
  CHECK(surefoot::fault_in_readable(p + 7, 1, e) == surefoot::progress{0, 1, denied});
  CHECK(surefoot::try_copy(to, p + 7, sizeof to, e) == surefoot::progress{0, sizeof to, denied});
  CHECK(surefoot::try_load(p + 7, e).stopped_by == denied);
  CHECK(surefoot::ensure_readable(p + 7, 1, e) == verdict{denied});
  // It reads, too.
  CHECK(surefoot::ensure_writeable(p + 7, 1, e) ==
        verdict{{p + 7, cause::denied, access_kind::write}});

  CHECK(surefoot::try_copy(to, p + 7, sizeof to, surefoot::engine::standard{}).all());
  CHECK(std::memcmp(to, from, sizeof to) == 0);
}

TEST_CASE("the kernel engine says which causes it can tell") {
  for (const cause c : {cause::none, cause::unmapped, cause::denied, cause::poisoned})
    CHECK(kernel::sees(c));
  for (const cause c : {cause::no_backing, cause::key_denied, cause::tag_mismatch,
                        cause::bad_address, cause::unknown})
    CHECK_FALSE(kernel::sees(c));
  CHECK(kernel::ready());
  CHECK(kernel::page_size() == page_size);
}

}  // namespace
