// A program that this one starts, on the same processor, and talks to in lines of text.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

class child {
 public:
  explicit child(std::vector<std::string> command) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
      throw std::runtime_error("no pipe");
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    const int error =
        ::posix_spawn(&process_, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
    if (error != 0) {
      process_ = 0;
      end();
      throw std::runtime_error(command[0] + " does not start");
    }
  }
  ~child() { end(); }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  void say(const std::string& line) {
    std::fputs((line + "\n").c_str(), to_);
    std::fflush(to_);
  }
  // Its next line.
  std::string hear() {
    std::string line;
    for (int c; (c = std::getc(from_)) != '\n'; line += static_cast<char>(c))
      if (c == EOF) throw std::runtime_error("a child process ended early");
    return line;
  }

 private:
  // It ends when nobody talks to it any more.
  void end() {
    std::fclose(to_);
    std::fclose(from_);
    if (process_ != 0) ::waitpid(process_, nullptr, 0);
  }

  pid_t process_ = 0;
  std::FILE *to_, *from_;
};

}  // namespace bench
