#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/blobs/remote/http_client.h"
#include "storage/blobs/remote/object_store.h"
#include "storage/blobs/remote/retry.h"

namespace aiflow::remote {

struct WebHdfsOptions {
  std::string url;   // http(s)://host:port of the name node, or of an HttpFS gateway
  std::string root;  // absolute path, without a slash at its end
  std::string user;  // user.name; empty: none is sent
  std::string ca_file;
  RetryLimits retry;
};

/// A directory of HDFS by WebHDFS. An object is written aside, as `.new-...`, and renamed, which
/// HDFS does as a whole. What a writer that died has left is listed with the other objects.
/// Thread-safe.
class WebHdfsObjectStore final : public ObjectStore {
 public:
  /// `stop` must outlive it.
  WebHdfsObjectStore(WebHdfsOptions options, const StopFlag& stop);

  /// Never writes over an object: one that is there with other bytes is removed first.
  Status Put(const std::string& name, std::string_view bytes) override;
  Result<std::string> Get(const std::string& name, size_t max_bytes) override;
  Result<std::optional<ObjectInfo>> Look(const std::string& name) override;
  Status Remove(const std::string& name) override;
  /// Of the directory and those directly below it.
  Status List(const std::function<Status(const ObjectInfo&)>& each) override;
  [[nodiscard]] std::string where() const override;
  [[nodiscard]] const RemoteCounters& counters() const override { return retrier_.counters(); }

 private:
  struct Call {
    std::string method;
    std::string path;   // absolute, in HDFS
    std::string query;  // from `op=` on
    std::string_view body;
    bool two_steps = false;  // the name node only says which data node takes or has the bytes
    size_t max_answer = 1 << 20;
  };
  struct Entry {
    std::string name;
    bool directory = false;
    int64_t size = 0;
    int64_t modified = 0;  // ms since the epoch
  };
  struct Page {
    std::vector<Entry> entries;
    bool last = true;
    Millis now{0};  // the name node's clock
  };
  Result<HttpAnswer> Send(const Call& call);
  Result<HttpAnswer> Once(const Call& call, Millis timeout);
  /// An answer 200, or an error.
  Result<HttpAnswer> Ask(const std::string& doing, const Call& call);
  Status WriteAside(const std::string& path, std::string_view bytes);
  Result<bool> Rename(const std::string& from, const std::string& to);
  Status RemovePath(const std::string& path);
  /// Whether it is there with these bytes; then it is young afterwards.
  Result<bool> TouchEqual(const std::string& name, std::string_view bytes);
  Result<Page> ListPage(const std::string& path, const std::string& after);
  /// Every entry of a directory; nothing when there is none.
  Status ListDirectory(const std::string& path,
                       const std::function<Status(const Entry&, Millis now)>& each);
  [[nodiscard]] std::string PathOf(const std::string& name) const {
    return options_.root + "/" + name;
  }
  [[nodiscard]] Status Refused(const std::string& doing, const HttpAnswer& answer) const;
  [[nodiscard]] Status Failed(const std::string& doing, const Status& error) const;

  const WebHdfsOptions options_;
  HttpClient http_;
  Retrier retrier_;
};

}  // namespace aiflow::remote
