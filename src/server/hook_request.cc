#include "server/hook_request.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <stop_token>
#include <thread>

namespace aiflow::server {
namespace {

/// Of an answer, which is read only to be polite.
constexpr size_t kMaxAnswerBytes = 64 << 10;
constexpr Millis kConnectTimeout{10'000};
constexpr Millis kWatchMargin{1'000};

}  // namespace

std::pair<std::string, std::string> SplitUrl(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t path = url.find_first_of("/?#", begin);
  std::string rest = path == std::string::npos ? "" : url.substr(path);
  rest.erase(std::min(rest.find('#'), rest.size()));  // stays with the caller
  if (!rest.starts_with("/")) rest.insert(0, "/");
  return {url.substr(0, path), rest};
}

std::string HookRequest::Post(const HookDelivery& delivery, Millis timeout) {
  const auto [server, path] = SplitUrl(delivery.call.url);
  if (server.find('@') != std::string::npos) return "a user name in a URL is not supported";
  httplib::Client client(server);
  if (!client.is_valid()) return "the URL cannot be called: " + delivery.call.url;
  client.set_connection_timeout(std::min(timeout, kConnectTimeout));
  // The library limits each read, not the whole: that is for the watch below.
  client.set_read_timeout(timeout + kWatchMargin);
  client.set_write_timeout(timeout + kWatchMargin);
  client.set_follow_location(false);
  {
    const std::lock_guard lock(mutex_);
    stop_ = [&client] { client.stop(); };
  }
  std::atomic<bool> late = false;
  std::jthread watch([&](const std::stop_token& answered) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, answered, timeout, [] { return false; });
    if (answered.stop_requested()) return;
    late = true;
    Cancel();
  });

  httplib::Request request;
  request.method = "POST";
  request.path = path;
  request.headers = {{"Idempotency-Key", delivery.key}, {"User-Agent", "aiflow"}};
  request.set_header("Content-Type", "application/json");
  request.body = delivery.call.Message();
  size_t received = 0;
  request.content_receiver = [&](const char*, size_t size, uint64_t, uint64_t) {
    received += size;
    return received <= kMaxAnswerBytes && !cancelled_;
  };
  int status = 0;
  request.response_handler = [&status](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  httplib::Error error = httplib::Error::Success;
  if (!cancelled_) {
    const httplib::Result result = client.send(request);
    error = result.error();
    if (result && status == 0) status = result->status;
  }
  {
    const std::lock_guard lock(mutex_);
    stop_ = nullptr;
  }
  watch.request_stop();
  watch.join();
  // The head of the answer decides, whatever became of its body.
  if (status >= 200 && status < 300) return "";
  if (status != 0) return "HTTP status " + std::to_string(status);
  if (late) {
    return "hook_timeout: no answer within " + std::to_string(timeout.count()) + " ms";
  }
  if (cancelled_) return "the server stopped before the answer came";
  return httplib::to_string(error);
}

void HookRequest::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (stop_) stop_();
}

}  // namespace aiflow::server
