// What happens just behind a sigaction(): others come in there, or the thread is held up.
#pragma once

#include <functional>

namespace meanwhile {

// Called behind each sigaction() of this thread, also of those that images make: set, or asked only?
using hook = std::function<void(int signal, bool set)>;

// Until its end there is that hook; then the one before.
class during_sigaction {
 public:
  explicit during_sigaction(hook h);
  ~during_sigaction();
  during_sigaction(const during_sigaction&) = delete;
  during_sigaction& operator=(const during_sigaction&) = delete;

 private:
  hook mine_;
  hook* before_;
};

}  // namespace meanwhile
