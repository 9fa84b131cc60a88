#include "storage/blobs/remote/http_client.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <ctime>
#include <mutex>
#include <utility>

#include "base/check.h"

namespace aiflow::remote {
namespace {

constexpr size_t kMaxIdleHandles = 8;

void InitCurl() {
  static const CURLcode kDone = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(kDone == CURLE_OK) << "libcurl does not start: " << curl_easy_strerror(kDone);
}

struct Receiver {
  HttpAnswer answer;
  size_t max_answer = 0;
  bool too_large = false;
  const StopFlag* stop = nullptr;
};

size_t TakeBody(const char* data, size_t one, size_t count, void* receiver) {
  auto& into = *static_cast<Receiver*>(receiver);
  const size_t size = one * count;
  into.too_large = into.answer.body.size() + size > into.max_answer;
  if (into.too_large) return 0;  // ends the transfer
  into.answer.body.append(data, size);
  return size;
}

size_t TakeHeader(const char* data, size_t one, size_t count, void* receiver) {
  auto& headers = static_cast<Receiver*>(receiver)->answer.headers;
  const std::string_view line(data, one * count);
  if (line.starts_with("HTTP/")) headers.clear();  // of an answer 100 before
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name;
  for (const char c : line.substr(0, colon)) {
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0) {
    value.remove_prefix(1);
  }
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0) {
    value.remove_suffix(1);
  }
  headers[name] = value;
  return line.size();
}

int IsStopped(void* receiver, curl_off_t /*down_total*/, curl_off_t /*down*/,
              curl_off_t /*up_total*/, curl_off_t /*up*/) {
  return static_cast<Receiver*>(receiver)->stop->is_set() ? 1 : 0;
}

/// While it lives, a connection that breaks while this thread writes to it is an error of the write
/// and no signal, whatever library writes.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    constexpr timespec kNow{};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &kNow) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

/// Processes that the program starts must not get it.
curl_socket_t OpenSocket(void* /*client*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Code CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR: return Code::kFailedPrecondition;
    case CURLE_ABORTED_BY_CALLBACK: return Code::kCancelled;
    default: return Code::kUnavailable;
  }
}

/// Without what curl adds about the URL.
std::string Why(CURLcode code, const char* detail) {
  switch (code) {
    case CURLE_COULDNT_CONNECT: return "cannot connect";
    case CURLE_COULDNT_RESOLVE_HOST: return "its host name is not known";
    case CURLE_OPERATION_TIMEDOUT: return "no complete answer in time";
    case CURLE_PARTIAL_FILE: return "the answer was cut off";
    case CURLE_ABORTED_BY_CALLBACK: return "given up as the program is stopping";
    case CURLE_PEER_FAILED_VERIFICATION:
      return std::string("its certificate is not trusted: ") + detail;
    default: return curl_easy_strerror(code);
  }
}

void SetMethod(CURL* curl, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

std::string HttpAnswer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

/// Idle handles: each keeps its connections.
class HttpClient::Handles {
 public:
  ~Handles() {
    for (CURL* curl : idle_) curl_easy_cleanup(curl);
  }
  CURL* Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        CURL* curl = idle_.back();
        idle_.pop_back();
        curl_easy_reset(curl);
        return curl;
      }
    }
    CURL* curl = curl_easy_init();
    CHECK(curl != nullptr) << "libcurl has no memory";
    return curl;
  }
  void GiveBack(CURL* curl) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMaxIdleHandles) {
      idle_.push_back(curl);
    } else {
      curl_easy_cleanup(curl);
    }
  }

 private:
  std::mutex mutex_;
  std::vector<CURL*> idle_;  // guarded by mutex_
};

HttpClient::HttpClient(std::string ca_file, const StopFlag& stop)
    : ca_file_(std::move(ca_file)), stop_(stop), handles_(std::make_unique<Handles>()) {
  InitCurl();
}
HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::Send(const HttpRequest& request) {
  if (stop_.is_set()) return Error(Code::kCancelled, Why(CURLE_ABORTED_BY_CALLBACK, ""));
  CURL* curl = handles_->Take();
  Receiver receiver;
  receiver.max_answer = std::max(request.max_answer, kMaxErrorAnswer);
  receiver.stop = &stop_;
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, static_cast<char*>(detail));
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, OpenSocket);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kConnectTimeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(kStallTimeout.count() / 1000));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, TakeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, IsStopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  SetMethod(curl, request);
  if (request.sign != nullptr) {
    const std::string provider = "aws:amz:" + request.sign->region + ":s3";
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, request.sign->access_key_id.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, request.sign->secret_access_key.c_str());
  }
  std::unique_ptr<curl_slist, FreeList> headers;
  for (const std::string& header : request.headers) {
    headers.reset(curl_slist_append(headers.release(), header.c_str()));
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  CURLcode done = CURLE_OK;
  {
    const NoPipeSignal no_signal;
    done = curl_easy_perform(curl);
  }
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &receiver.answer.status);
  handles_->GiveBack(curl);
  const bool good = receiver.answer.status / 100 == 2;
  if (receiver.too_large || (good && receiver.answer.body.size() > request.max_answer)) {
    return Error(Code::kResourceExhausted,
                 "its answer is larger than " + std::to_string(request.max_answer) + " bytes");
  }
  // Some servers refuse a request while its body is on its way; the answer is worth more.
  if (done != CURLE_OK && !(done == CURLE_SEND_ERROR && receiver.answer.status >= 300)) {
    return Error(CodeOf(done), Why(done, static_cast<const char*>(detail)));
  }
  return std::move(receiver.answer);
}

std::string UrlEncode(std::string_view text) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace aiflow::remote
