// Handlers are installed once for a process, and images are loaded once: each scenario runs in a
// process of its own.
#pragma once

#include <functional>
#include <string>

namespace child {

// Runs `scenario` in a child process. Empty where each EXPECT in it held and it came to its end;
// else what went wrong.
std::string trouble_in(const std::function<void()>& scenario);

// In the scenario. Where the condition does not hold it is noted, and the scenario goes on.
void expect(bool holds, const char* condition, const char* file, int line);
#define EXPECT(...) \
  ::child::expect(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

// Something that the parent shall know, whatever the outcome.
void note(const std::string& text);

// What the scenario is at: stands beside each condition that did not hold.
extern std::string at;

}  // namespace child
