#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "condition_question.h"
#include "verbs.h"

#ifndef AIFLOW_SDK_VERSION
#define AIFLOW_SDK_VERSION "unknown"
#endif

namespace aiflow {
namespace {

using Json = nlohmann::json;

constexpr int kProtocol = 1;
constexpr int kUsageError = 2;

/// Threads of the user's do not keep the process alive.
[[noreturn]] void End(int exit_code) {
  std::cout.flush();
  std::fflush(nullptr);
  _exit(exit_code);
}

/// The server's end of the socket: one JSON object per line in both directions. It is read by a
/// thread of its own, since a condition that hangs must not outlive the server.
class Server {
 public:
  explicit Server(int descriptor) : descriptor_(descriptor) {
    // Not for the children of user code: the server waits for the end of this process alone.
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }

  void Send(const Json& message) const {
    const std::string line = message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    size_t sent = 0;
    while (sent < line.size()) {
      const ssize_t n = write(descriptor_, line.data() + sent, line.size() - sent);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) End(0);  // the server is gone
      sent += static_cast<size_t>(n);
    }
  }

  void Listen() {
    std::thread([this] { Read(); }).detach();
  }

  Json Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !messages_.empty(); });
    Json message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

 private:
  [[noreturn]] void Read() {
    std::string buffer;
    std::string chunk(size_t{64} << 10, '\0');
    while (true) {
      const ssize_t n = read(descriptor_, chunk.data(), chunk.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) End(0);
      // Only what is new can hold the end of a line.
      size_t searched = buffer.size();
      buffer.append(chunk, 0, static_cast<size_t>(n));
      size_t begin = 0;
      for (size_t end = 0; (end = buffer.find('\n', searched)) != std::string::npos;) {
        Take(buffer.substr(begin, end - begin));
        begin = searched = end + 1;
      }
      buffer.erase(0, begin);
    }
  }

  void Take(const std::string& line) {
    Json message = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!ConditionQuestion::IsUnderstood(message)) {
      std::cerr << "not understood: a message of the server: " << line.substr(0, 200) << std::endl;
      End(1);
    }
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    changed_.notify_one();
  }

  const int descriptor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Json> messages_;
};

}  // namespace

int ServeConditions(const Workflows& workflows) {
  const char* text = std::getenv("AIFLOW_HOST_FD");
  char* end = nullptr;
  const long descriptor = text == nullptr ? -1 : std::strtol(text, &end, 10);
  if (text == nullptr || *text == '\0' || *end != '\0' || descriptor < 0 ||
      fcntl(static_cast<int>(descriptor), F_GETFD) < 0) {
    std::cerr << "error: AIFLOW_HOST_FD is not an open file: --aiflow-serve-conditions is used by "
                 "a server, not by hand\n";
    return kUsageError;
  }
  unsetenv("AIFLOW_HOST_FD");
  // The program may have set its own; what a server sends has to end this process. A write to a
  // server that is gone is told by its result.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  // Never destroyed: its thread lives as long as the process.
  Server& server = *new Server(static_cast<int>(descriptor));
  const ConditionQuestion questions(workflows);
  server.Send({{"ready", true},
               {"language", "cpp"},
               {"sdk_version", AIFLOW_SDK_VERSION},
               {"protocol", kProtocol}});
  server.Listen();
  while (true) {
    const Json message = server.Next();
    const Json answer = questions.Answer(message);
    std::cout.flush();
    server.Send(answer);
  }
}

}  // namespace aiflow
