// A server for tests whose answers are written down, faults included.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace aiflow::remote {

struct FaultRequest {
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct FaultAnswer {
  int status = 200;
  std::string body;
  std::vector<std::string> headers;  // "Name: value"
  /// How many bytes of the body are sent before the connection is reset; -1: all, no reset.
  int reset_after = -1;
  /// How many bytes of the body are sent before it is closed in order; -1: all.
  int close_after = -1;
  bool silent = false;  // nothing is sent; the connection stays open until the server ends
};

/// HTTP/1.1 on a free port of 127.0.0.1, one connection for each request. Thread-safe.
class FaultServer {
 public:
  using Handler = std::function<FaultAnswer(const FaultRequest&)>;

  explicit FaultServer(Handler handler);
  ~FaultServer();

  /// http://127.0.0.1:PORT
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::vector<FaultRequest> requests() const;

 private:
  void Run();
  void Serve(int connection);

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;                   // guarded by mutex_
  std::vector<FaultRequest> requests_;  // guarded by mutex_
  std::vector<int> open_;               // guarded by mutex_; being served
  std::vector<std::thread> served_;     // of the thread that accepts
  std::thread thread_;
};

/// Answers in turn; the last one again and again.
FaultServer::Handler InTurn(std::vector<FaultAnswer> answers);

/// A port of 127.0.0.1 where nobody listens.
std::string RefusingUrl();

}  // namespace aiflow::remote
