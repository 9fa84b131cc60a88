#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "cli/output.h"

namespace aiflow::cli {

/// One line on stderr that says what takes so long and how far it is, redrawn in place and wiped at
/// the end; only on a terminal, and not for what is done at once. Nothing else is printed on stderr
/// while it lives. Set may be called on any thread.
class Progress {
 public:
  /// `what`: "Uploading". `patience`: how long nothing is shown.
  Progress(const Terminal& terminal, std::string what,
           std::chrono::milliseconds patience = std::chrono::milliseconds(1000));
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` bytes of `total`.
  void Set(size_t done, size_t total);

 private:
  void Draw(const std::stop_token& stop);
  std::string Line() const;

  const Terminal& terminal_;
  const std::string what_;
  const std::chrono::milliseconds patience_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any wake_;
  size_t done_ = 0;
  size_t total_ = 0;
  bool drawn_ = false;
  std::jthread thread_;  // last: begins when all else is there
};

}  // namespace aiflow::cli
