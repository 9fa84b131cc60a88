#include "storage/blobs/remote/webhdfs_object_store.h"

#include <curl/curl.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

namespace aiflow::remote {
namespace {

using nlohmann::json;

constexpr size_t kMaxPageBytes = size_t{16} << 20;
constexpr size_t kMaxErrorText = 300;

std::string EncodePath(const std::string& path) {
  std::string encoded;
  for (size_t begin = 0; begin < path.size();) {
    const size_t slash = path.find('/', begin);
    const size_t end = std::min(slash, path.size());
    encoded += UrlEncode(path.substr(begin, end - begin));
    if (slash == std::string::npos) break;
    encoded += '/';
    begin = slash + 1;
  }
  return encoded;
}

std::string RandomName() {
  constexpr const char* kDigits = "0123456789abcdef";
  std::random_device random;
  std::string name = ".new-";
  for (int i = 0; i < 16; ++i) name += kDigits[random() & 15];
  return name;
}

/// Of {"RemoteException": {...}}; empty when it is something else.
struct RemoteException {
  std::string name;
  std::string message;
};

RemoteException ExceptionOf(const HttpAnswer& answer) {
  const json body = json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || !body.contains("RemoteException")) return {};
  const json& found = body["RemoteException"];
  if (!found.is_object()) return {};
  const auto text = [&found](const char* name) {
    const auto member = found.find(name);
    return member != found.end() && member->is_string() ? member->get<std::string>()
                                                        : std::string();
  };
  RemoteException exception{text("exception"), text("message")};
  exception.message = exception.message.substr(0, exception.message.find('\n'));
  if (exception.message.size() > kMaxErrorText) exception.message.resize(kMaxErrorText);
  return exception;
}

/// What passes, though the status says that it is our fault.
bool Passes(const RemoteException& exception) {
  return exception.name == "SafeModeException" || exception.name == "StandbyException" ||
         exception.name == "RetriableException";
}

bool IsMissing(const HttpAnswer& answer) {
  return answer.status == 404 && ExceptionOf(answer).name == "FileNotFoundException";
}

Millis NameNodeTime(const HttpAnswer& answer) {
  const std::time_t date = curl_getdate(answer.Header("date").c_str(), nullptr);
  return std::chrono::seconds(date > 0 ? date : std::time(nullptr));
}

}  // namespace

WebHdfsObjectStore::WebHdfsObjectStore(WebHdfsOptions options, const StopFlag& stop)
    : options_(std::move(options)), http_(options_.ca_file, stop), retrier_(options_.retry, stop) {}

std::string WebHdfsObjectStore::where() const {
  return "webhdfs:" + options_.root + " at " + options_.url;
}

Status WebHdfsObjectStore::Failed(const std::string& doing, const Status& error) const {
  std::string text = "blob store " + where() + ": " + doing + ": " + error.message();
  if (error.code() == Code::kUnavailable) {
    text += "; check that name node and data nodes run and that this machine reaches them";
  }
  return {error.code(), std::move(text)};
}

Status WebHdfsObjectStore::Refused(const std::string& doing, const HttpAnswer& answer) const {
  const RemoteException exception = ExceptionOf(answer);
  std::string text =
      "blob store " + where() + ": " + doing + ": HTTP " + std::to_string(answer.status);
  if (!exception.name.empty()) text += ", " + exception.name + ": " + exception.message;
  if (answer.status == 401) {
    return {Code::kUnauthenticated,
            text + "; a cluster that wants Kerberos is reached through an HttpFS gateway only"};
  }
  if (answer.status == 403) {
    return {Code::kPermissionDenied,
            text + "; let the user of blob_store_user write below blob_store_prefix"};
  }
  return {Code::kFailedPrecondition, text + "; check blob_store_url and blob_store_prefix"};
}

Result<HttpAnswer> WebHdfsObjectStore::Once(const Call& call, Millis timeout) {
  const auto begun = SystemClock().Monotonic();
  HttpRequest request;
  request.method = call.method;
  std::string url = options_.url;
  while (url.ends_with('/')) url.pop_back();
  request.url = url + "/webhdfs/v1" + EncodePath(call.path) + "?" + call.query;
  if (!options_.user.empty()) request.url += "&user.name=" + UrlEncode(options_.user);
  request.timeout = timeout;
  request.max_answer = call.max_answer;
  // HttpFS refuses bytes of another type, and name nodes grumble.
  if (call.method == "PUT") {
    request.headers.emplace_back("Content-Type: application/octet-stream");
  }
  auto answer = http_.Send(request);
  if (answer.has_value() && Passes(ExceptionOf(*answer))) {
    return Error(Code::kUnavailable, ExceptionOf(*answer).message);
  }
  if (!call.two_steps || !answer.has_value() || answer->status != 307) return answer;
  request.url = answer->Header("location");
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return Error(Code::kUnavailable, "it answers HTTP 307 without a usable Location");
  }
  request.body = call.body;
  request.timeout = timeout - std::chrono::duration_cast<Millis>(SystemClock().Monotonic() - begun);
  if (request.timeout <= Millis(0)) return Error(Code::kUnavailable, "no complete answer in time");
  const size_t host = request.url.find("://") + 3;
  const std::string node = request.url.substr(host, request.url.find('/', host) - host);
  auto moved = http_.Send(request);
  if (!moved.has_value()) {
    return Error(moved.error().code(), "data node " + node + ": " + moved.error().message());
  }
  if (Passes(ExceptionOf(*moved))) {
    return Error(Code::kUnavailable, ExceptionOf(*moved).message);
  }
  return moved;
}

Result<HttpAnswer> WebHdfsObjectStore::Send(const Call& call) {
  return retrier_.Run([&](Millis timeout) { return Once(call, timeout); });
}

Result<HttpAnswer> WebHdfsObjectStore::Ask(const std::string& doing, const Call& call) {
  auto answer = Send(call);
  if (!answer.has_value()) return Error(Failed(doing, answer.error()));
  if (answer->status / 100 != 2) return Error(Refused(doing, *answer));
  return answer;
}

Status WebHdfsObjectStore::WriteAside(const std::string& path, std::string_view bytes) {
  const auto answer = Ask("cannot write " + path,
                          {.method = "PUT",
                           .path = path,
                           .query = "op=CREATE&overwrite=true&permission=600&noredirect=false",
                           .body = bytes,
                           .two_steps = true});
  return answer.has_value() ? Status::Ok() : answer.error();
}

Result<bool> WebHdfsObjectStore::Rename(const std::string& from, const std::string& to) {
  const auto answer =
      Ask("cannot rename " + from + " to " + to, {.method = "PUT",
                                                  .path = from,
                                                  .query = "op=RENAME&destination=" + UrlEncode(to),
                                                  .body = ""});
  if (!answer.has_value()) return Error(answer.error());
  const json body = json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  return body.is_object() && body.value("boolean", json(false)) == json(true);
}

Status WebHdfsObjectStore::RemovePath(const std::string& path) {
  const auto answer =
      Ask("cannot remove " + path,
          {.method = "DELETE", .path = path, .query = "op=DELETE&recursive=false", .body = ""});
  return answer.has_value() ? Status::Ok() : answer.error();
}

Result<bool> WebHdfsObjectStore::TouchEqual(const std::string& name, std::string_view bytes) {
  const auto there = Look(name);
  if (!there.has_value()) return Error(there.error());
  if (!there->has_value() || (*there)->size != static_cast<int64_t>(bytes.size())) return false;
  const auto stored = Get(name, bytes.size());
  if (!stored.has_value()) {
    if (stored.error().code() == Code::kNotFound) return false;
    return Error(stored.error());
  }
  if (*stored != bytes) return false;
  const Millis now = SystemClock().Now();
  // By our clock: a name node takes any time. Not touched when it went away just now.
  const auto answer = Send({.method = "PUT",
                            .path = PathOf(name),
                            .query = "op=SETTIMES&modificationtime=" + std::to_string(now.count()),
                            .body = ""});
  if (!answer.has_value()) return Error(Failed("cannot touch " + name, answer.error()));
  if (IsMissing(*answer)) return false;
  if (answer->status != 200) return Error(Refused("cannot touch " + name, *answer));
  return true;
}

Status WebHdfsObjectStore::Put(const std::string& name, std::string_view bytes) {
  const Result<bool> equal = TouchEqual(name, bytes);
  if (!equal.has_value()) return equal.error();
  if (*equal) return Status::Ok();
  const std::string path = PathOf(name);
  const std::string aside = path.substr(0, path.rfind('/') + 1) + RandomName();
  AIFLOW_RETURN_IF_ERROR(WriteAside(aside, bytes));
  Result<bool> renamed = Rename(aside, path);
  if (renamed.has_value() && !*renamed) {
    // Another one was faster, an answer was lost and the rename repeated, or damaged bytes are in
    // the way.
    const Result<bool> there = TouchEqual(name, bytes);
    if (!there.has_value()) {
      renamed = Error(there.error());
    } else if (*there) {
      renamed = true;
    } else {
      Status removed = RemovePath(path);
      renamed = removed.ok() ? Rename(aside, path) : Result<bool>(Error(std::move(removed)));
    }
    // It stays, and a sweep removes it later, when this fails.
    (void)RemovePath(aside);
  }
  if (!renamed.has_value()) return renamed.error();
  if (*renamed) return Status::Ok();
  return Failed("cannot put " + name, {Code::kUnavailable, "it does not rename " + aside});
}

Result<std::string> WebHdfsObjectStore::Get(const std::string& name, size_t max_bytes) {
  const std::string doing = "cannot get " + name;
  auto answer = Send({.method = "GET",
                      .path = PathOf(name),
                      .query = "op=OPEN&noredirect=false",
                      .body = "",
                      .two_steps = true,
                      .max_answer = max_bytes});
  if (!answer.has_value()) return Error(Failed(doing, answer.error()));
  if (answer->status == 200) return std::move(answer->body);
  if (IsMissing(*answer)) return Error(Code::kNotFound, "");
  return Error(Refused(doing, *answer));
}

Result<std::optional<ObjectInfo>> WebHdfsObjectStore::Look(const std::string& name) {
  const std::string doing = "cannot look for " + name;
  const auto answer =
      Send({.method = "GET", .path = PathOf(name), .query = "op=GETFILESTATUS", .body = ""});
  if (!answer.has_value()) return Error(Failed(doing, answer.error()));
  if (IsMissing(*answer)) return std::optional<ObjectInfo>();
  if (answer->status != 200) return Error(Refused(doing, *answer));
  const json body = json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || !body.contains("FileStatus") || !body["FileStatus"].is_object()) {
    return Error(Failed(doing, {Code::kUnavailable, "its answer is none of WebHDFS"}));
  }
  const json& status = body["FileStatus"];
  const Millis modified(status.value("modificationTime", int64_t{0}));
  return std::optional(ObjectInfo{.name = name,
                                  .size = status.value("length", int64_t{0}),
                                  .age = std::max(Millis(0), NameNodeTime(*answer) - modified)});
}

Status WebHdfsObjectStore::Remove(const std::string& name) { return RemovePath(PathOf(name)); }

Result<WebHdfsObjectStore::Page> WebHdfsObjectStore::ListPage(const std::string& path,
                                                              const std::string& after) {
  const std::string doing = "cannot list " + path;
  const auto answer = Send({.method = "GET",
                            .path = path,
                            .query = "op=LISTSTATUS_BATCH&startAfter=" + UrlEncode(after),
                            .body = "",
                            .max_answer = kMaxPageBytes});
  if (!answer.has_value()) return Error(Failed(doing, answer.error()));
  Page page;
  if (IsMissing(*answer)) return page;
  if (answer->status != 200) return Error(Refused(doing, *answer));
  const json body = json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  const json none = json::object();
  const json listing = body.is_object() ? body.value("DirectoryListing", none) : none;
  const json partial = listing.value("partialListing", none);
  const json statuses = partial.is_object() ? partial.value("FileStatuses", none) : none;
  if (!statuses.is_object() || !statuses.contains("FileStatus")) {
    return Error(Failed(doing, {Code::kUnavailable, "its answer is none of WebHDFS"}));
  }
  for (const json& status : statuses["FileStatus"]) {
    page.entries.push_back({.name = status.value("pathSuffix", ""),
                            .directory = status.value("type", "") == "DIRECTORY",
                            .size = status.value("length", int64_t{0}),
                            .modified = status.value("modificationTime", int64_t{0})});
  }
  page.last = listing.value("remainingEntries", int64_t{0}) <= 0 || page.entries.empty();
  page.now = NameNodeTime(*answer);
  return page;
}

Status WebHdfsObjectStore::ListDirectory(
    const std::string& path, const std::function<Status(const Entry&, Millis now)>& each) {
  std::string after;
  for (;;) {
    const auto page = ListPage(path, after);
    if (!page.has_value()) return page.error();
    for (const Entry& entry : page->entries) AIFLOW_RETURN_IF_ERROR(each(entry, page->now));
    if (page->last) return Status::Ok();
    after = page->entries.back().name;
  }
}

Status WebHdfsObjectStore::List(const std::function<Status(const ObjectInfo&)>& each) {
  const auto take = [&each](const std::string& name, const Entry& entry, Millis now) {
    return each({.name = name,
                 .size = entry.size,
                 .age = std::max(Millis(0), now - Millis(entry.modified))});
  };
  return ListDirectory(options_.root, [&](const Entry& entry, Millis now) {
    if (!entry.directory) return take(entry.name, entry, now);
    return ListDirectory(PathOf(entry.name), [&](const Entry& inner, Millis inner_now) {
      if (inner.directory) return Status::Ok();
      return take(entry.name + "/" + inner.name, inner, inner_now);
    });
  });
}

}  // namespace aiflow::remote
