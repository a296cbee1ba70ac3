// GNU libsigsegv, whose users make memory there when it is touched: persistent stores, garbage collectors.
#include <sigsegv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

namespace {

namespace engine = surefoot::engine;

const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

// Memory that nobody may touch until the handler of libsigsegv has made it there, a page at a time.
class made_there {
 public:
  explicit made_there(std::size_t pages) : size_(pages * page) {
    void* const p = ::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED);
    at_ = static_cast<volatile unsigned char*>(p);
    its = this;
    REQUIRE(::sigsegv_install_handler(handler) == 0);
  }
  ~made_there() {
    ::sigsegv_deinstall_handler();
    its = nullptr;
    ::munmap(const_cast<unsigned char*>(at_), size_);
  }
  made_there(const made_there&) = delete;
  made_there& operator=(const made_there&) = delete;

  volatile unsigned char& operator[](std::size_t i) const { return at_[i]; }
  std::size_t pages() const { return size_ / page; }
  std::size_t made() const { return made_; }

 private:
  static int handler(void* address, int) {
    if (its == nullptr) return 0;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto begin = reinterpret_cast<std::uintptr_t>(its->at_);
    if (at < begin || at - begin >= its->size_) return 0;
    its->made_ = its->made_ + 1;
    return ::mprotect(reinterpret_cast<void*>(at & ~(page - 1)), page, PROT_READ | PROT_WRITE) == 0;
  }

  static inline made_there* its = nullptr;

  std::size_t size_;
  volatile unsigned char* at_ = nullptr;
  volatile std::size_t made_ = 0;
};

// A page that is not there, for neither of the two.
class hole {
 public:
  hole() : at_(::mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(at_ != MAP_FAILED);
  }
  ~hole() { ::munmap(at_, page); }
  hole(const hole&) = delete;
  hole& operator=(const hole&) = delete;

  void* data() const { return at_; }

 private:
  void* at_;
};

template <class E>
void both_work(const made_there& theirs, E e) {
  const hole ours;
  const surefoot::fault refused{.address = ours.data(),
                                .kind = surefoot::cause::denied,
                                .during = surefoot::access_kind::read,
                                .signal = SIGSEGV,
                                .code = SEGV_ACCERR};
  for (std::size_t i = 0; i < theirs.pages(); ++i) {
    // By plain code, which does not know us.
    theirs[i * page] = static_cast<unsigned char>(i + 1);
    REQUIRE(theirs[i * page] == static_cast<unsigned char>(i + 1));
    REQUIRE(theirs.made() == i + 1);
    REQUIRE(surefoot::try_load(static_cast<const int*>(ours.data()), e).stopped_by == refused);
    REQUIRE(surefoot::try_load(&theirs[i * page], e).value_or(0) ==
            static_cast<unsigned char>(i + 1));
  }
  int buffer[4] = {};
  REQUIRE(surefoot::try_copy(buffer, ours.data(), sizeof buffer, e).stopped_by == refused);
}

TEMPLATE_TEST_CASE("GNU libsigsegv came before us: it makes its pages, and we answer for ours", "",
                   engine::standard, engine::jump) {
  const made_there theirs(100);
  const auto e = surefoot::install<TestType>();
  REQUIRE(e);
  both_work(theirs, e);
}

TEMPLATE_TEST_CASE("GNU libsigsegv came after us: that is noticed, and taken back both of us work",
                   "", engine::standard, engine::jump) {
  REQUIRE(surefoot::install<TestType>());
  REQUIRE(surefoot::installed().segv);
  const made_there theirs(100);
  CHECK_FALSE(surefoot::installed().segv);
  const auto e = surefoot::install<TestType>();
  REQUIRE(e);
  REQUIRE(surefoot::installed().segv);
  both_work(theirs, e);
}

}  // namespace
