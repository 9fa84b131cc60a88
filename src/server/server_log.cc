#include "server/server_log.h"

#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/log_file.h"

namespace aiflow::server {
namespace {

std::string TimeForFileName() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &local);
  return text;
}

/// 2026-11-26T06:22:01.123Z.
std::string UtcText(spdlog::log_clock::time_point time) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(millis / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  char whole[48];
  std::snprintf(whole, sizeof(whole), "%s.%03dZ", text, static_cast<int>(millis % 1000));
  return whole;
}

/// Bytes that are no UTF-8 are replaced, so that each line is JSON for every reader.
std::string JsonLine(spdlog::log_clock::time_point time, std::string_view level,
                     std::string_view message) {
  const nlohmann::ordered_json json = {
      {"time", UtcText(time)}, {"level", level}, {"pid", getpid()}, {"message", message}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& into) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string line = JsonLine(message.time, {level.data(), level.size()},
                                      {message.payload.data(), message.payload.size()});
    into.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(LogFile::Options options) : file_(std::move(options)) {}

  Status Open() { return file_.Open(); }
  void Reopen() {
    const std::lock_guard lock(mutex_);
    file_.Reopen();
  }
  [[nodiscard]] std::string path() const { return file_.path().string(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_.Write({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  LogFile file_;
};

std::string Marker(bool json, int64_t dropped, const std::string& reason) {
  const std::string text = std::to_string(dropped) + " lines of this log were dropped: " + reason;
  return json ? JsonLine(spdlog::log_clock::now(), "warning", text) : "--- " + text + "\n";
}

}  // namespace

struct ServerLog::Rep {
  Options options;
  std::shared_ptr<spdlog::sinks::dist_sink_mt> sinks =
      std::make_shared<spdlog::sinks::dist_sink_mt>();
  std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>("aiflow", sinks);
  std::shared_ptr<FileSink> file;

  void Add(const std::shared_ptr<spdlog::sinks::sink>& sink) const {
    if (options.json) sink->set_formatter(std::make_unique<JsonFormatter>());
    sinks->add_sink(sink);
  }
};

ServerLog::ServerLog(Options options) : rep_(std::make_unique<Rep>()) {
  rep_->options = std::move(options);
  rep_->logger->set_level(spdlog::level::from_str(rep_->options.level));
  rep_->logger->flush_on(spdlog::level::info);
}
ServerLog::~ServerLog() = default;

const std::shared_ptr<spdlog::logger>& ServerLog::logger() const { return rep_->logger; }

void ServerLog::OpenFile(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  LogFile::Options options;
  options.path = directory / (rep_->options.prefix + TimeForFileName() + ".log");
  options.max_bytes = rep_->options.max_bytes;
  options.files = rep_->options.files;
  options.marker = [json = rep_->options.json](int64_t dropped, const std::string& reason) {
    return Marker(json, dropped, reason);
  };
  PruneLogFiles(directory, rep_->options.prefix, options.files, options.path);
  auto file = std::make_shared<FileSink>(std::move(options));
  if (const Status opened = file->Open(); !opened.ok()) {
    OpenStderr();
    rep_->logger->warn("the log goes to stderr: {}", opened.message());
    return;
  }
  rep_->file = file;
  rep_->Add(file);
}

void ServerLog::OpenStderr() { rep_->Add(std::make_shared<spdlog::sinks::stderr_sink_mt>()); }

void ServerLog::Reopen() {
  if (rep_->file != nullptr) rep_->file->Reopen();
}

std::string ServerLog::path() const { return rep_->file == nullptr ? "" : rep_->file->path(); }

}  // namespace aiflow::server
