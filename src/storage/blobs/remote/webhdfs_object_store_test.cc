#include "storage/blobs/remote/webhdfs_object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "storage/blobs/remote/fault_server.h"

namespace aiflow::remote {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

FaultAnswer Exception(int status, const std::string& name, const std::string& message) {
  return {.status = status,
          .body = R"({"RemoteException":{"exception":")" + name + R"(","message":")" + message +
                  R"("}})"};
}

/// Name node and data node of a small HDFS, with files in memory. Its faults come before it looks.
class SmallHdfs {
 public:
  FaultAnswer Answer(const FaultRequest& request) {
    const std::lock_guard lock(mutex_);
    const size_t query = request.target.find('?');
    const std::string path = request.target.substr(std::string("/webhdfs/v1").size(),
                                                   query - std::string("/webhdfs/v1").size());
    const std::string op = request.target.substr(query + 1);
    const auto is = [&op](const std::string& name) { return op.starts_with("op=" + name); };
    if (!faults.empty()) {
      const FaultAnswer fault = faults.front();
      faults.erase(faults.begin());
      return fault;
    }
    if (is("CREATE") && !op.ends_with("data")) return Redirect(request);
    if (is("CREATE")) {
      files[path] = request.body;
      return {.status = 201};
    }
    if (is("RENAME")) {
      const std::string to = Decoded(op.substr(op.find("destination=") + 12));
      const bool possible = files.contains(path) && !files.contains(to);
      if (possible) files[to] = files[path];
      if (possible) files.erase(path);
      if (lose_next_rename) {
        lose_next_rename = false;
        return {.status = 200, .body = R"({"boolean":true})", .close_after = 3};
      }
      return {.body = possible ? R"({"boolean":true})" : R"({"boolean":false})"};
    }
    if (is("DELETE")) return {.body = files.erase(path) > 0 ? "{\"boolean\":true}" : "{}"};
    if (!files.contains(path)) return Exception(404, "FileNotFoundException", "no " + path);
    if (is("OPEN") && !op.ends_with("data")) return Redirect(request);
    if (is("OPEN")) return {.body = files[path]};
    if (is("GETFILESTATUS")) {
      return {.body = R"({"FileStatus":{"length":)" + std::to_string(files[path].size()) +
                      R"(,"modificationTime":1000}})"};
    }
    if (is("SETTIMES")) ++touched;
    return {};
  }
  static FaultAnswer Redirect(const FaultRequest& request) {
    return {
        .status = 307,
        .headers = {"Location: http://" + request.headers.at("host") + request.target + "&data"}};
  }
  static std::string Decoded(const std::string& text) {
    std::string decoded;
    for (size_t i = 0; i < text.size() && text[i] != '&'; ++i) {
      decoded += text[i] == '%' ? static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16))
                                : text[i];
      if (text[i] == '%') i += 2;
    }
    return decoded;
  }

  std::mutex mutex_;
  std::vector<FaultAnswer> faults;
  std::map<std::string, std::string> files;
  int touched = 0;
  bool lose_next_rename = false;
};

class WebHdfsObjectStoreTest : public testing::Test {
 protected:
  WebHdfsObjectStore Store(const std::string& url) {
    return {{.url = url,
             .root = "/blobs",
             .user = "me",
             .ca_file = "",
             .retry = {.attempts = 3,
                       .total = Millis(20'000),
                       .first_delay = Millis(1),
                       .max_delay = Millis(5)}},
            stop_};
  }

  StopFlag stop_;
  SmallHdfs hdfs_;
  FaultServer server_{[this](const FaultRequest& request) { return hdfs_.Answer(request); }};
  WebHdfsObjectStore store_ = Store(server_.url());
};

TEST_F(WebHdfsObjectStoreTest, AnObjectIsWrittenAsideByADataNodeAndRenamed) {
  ASSERT_TRUE(store_.Put("ab/x", "bytes").ok());
  std::vector<std::string> steps;
  for (const FaultRequest& request : server_.requests()) {
    steps.push_back(request.method + " " + request.target.substr(0, request.target.find(".new-")));
    EXPECT_THAT(request.target, HasSubstr("&user.name=me"));
  }
  EXPECT_THAT(steps[1], HasSubstr("PUT /webhdfs/v1/blobs/ab/"));
  EXPECT_THAT(server_.requests()[1].body, IsEmpty()) << "the name node gets no bytes";
  EXPECT_EQ(server_.requests()[2].body, "bytes");
  EXPECT_THAT(server_.requests()[3].target, HasSubstr("op=RENAME&destination=%2Fblobs%2Fab%2Fx"));
  EXPECT_EQ(*store_.Get("ab/x", 100), "bytes");
  EXPECT_EQ(hdfs_.files.size(), 1U);
}

TEST_F(WebHdfsObjectStoreTest, WhatIsThereAlreadyBecomesYoungAndIsNotWritten) {
  hdfs_.files["/blobs/x"] = "bytes";
  ASSERT_TRUE(store_.Put("x", "bytes").ok());
  EXPECT_EQ(hdfs_.touched, 1);
  for (const FaultRequest& request : server_.requests()) EXPECT_THAT(request.body, IsEmpty());
}

TEST_F(WebHdfsObjectStoreTest, DamagedBytesAreReplaced) {
  hdfs_.files["/blobs/x"] = "bytez";
  ASSERT_TRUE(store_.Put("x", "bytes").ok());
  EXPECT_EQ(hdfs_.files, (std::map<std::string, std::string>{{"/blobs/x", "bytes"}}));
}

TEST_F(WebHdfsObjectStoreTest, ARenameWhoseAnswerWasLostCountsAsDone) {
  hdfs_.lose_next_rename = true;
  ASSERT_TRUE(store_.Put("x", "bytes").ok());
  EXPECT_EQ(hdfs_.files, (std::map<std::string, std::string>{{"/blobs/x", "bytes"}}));
}

TEST_F(WebHdfsObjectStoreTest, ADataNodeThatDiesIsReplacedByAnother) {
  const std::string gone = RefusingUrl();
  hdfs_.files["/blobs/x"] = "bytes";
  hdfs_.faults = {
      {.status = 307, .headers = {"Location: " + gone + "/webhdfs/v1/blobs/x?op=OPEN"}}};
  EXPECT_EQ(*store_.Get("x", 100), "bytes");
}

TEST_F(WebHdfsObjectStoreTest, ANameNodeInSafeModeIsWaitedFor) {
  hdfs_.files["/blobs/x"] = "bytes";
  hdfs_.faults = {Exception(403, "SafeModeException", "Name node is in safe mode")};
  EXPECT_EQ(*store_.Get("x", 100), "bytes");
  hdfs_.faults = {3, Exception(403, "StandbyException", "state standby")};
  const Status status = store_.Get("x", 100).error();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("state standby (3 attempts"));
}

TEST_F(WebHdfsObjectStoreTest, ARefusalSaysWhatWhereWhyAndWhatToDo) {
  hdfs_.faults = {Exception(403, "AccessControlException", "Permission denied: user=me")};
  const Status status = store_.Put("x", "bytes");
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("webhdfs:/blobs at " + server_.url()), HasSubstr("cannot look for x"),
                    HasSubstr("AccessControlException: Permission denied: user=me"),
                    HasSubstr("blob_store_user")));
  hdfs_.faults = {{.status = 401}};
  EXPECT_THAT(store_.Put("x", "bytes").message(), HasSubstr("Kerberos"));
}

TEST_F(WebHdfsObjectStoreTest, WhatIsNotThereIsNoError) {
  EXPECT_EQ(store_.Get("x", 10).error().code(), Code::kNotFound);
  EXPECT_FALSE(store_.Look("x")->has_value());
  EXPECT_TRUE(store_.Remove("x").ok());
  EXPECT_TRUE(store_.List([](const ObjectInfo&) { return Status::Ok(); }).ok());
}

TEST_F(WebHdfsObjectStoreTest, AListGoesOnPageByPageAndIntoDirectories) {
  const auto page = [](const std::string& entries, int remaining) {
    return FaultAnswer{
        .body = R"({"DirectoryListing":{"partialListing":{"FileStatuses":{"FileStatus":[)" +
                entries + R"(]}},"remainingEntries":)" + std::to_string(remaining) + "}}",
        .headers = {"Date: Thu, 01 Jan 1970 01:00:10 GMT"}};
  };
  const auto entry = [](const std::string& name, const std::string& type) {
    return R"({"pathSuffix":")" + name + R"(","type":")" + type +
           R"(","length":3,"modificationTime":10000})";
  };
  hdfs_.faults = {page(entry("ab", "DIRECTORY") + "," + entry("owner", "FILE"), 1),
                  page(entry("one", "FILE"), 2), page(entry("two", "FILE"), 0),
                  page(entry("zz", "FILE"), 0)};
  std::vector<std::string> names;
  EXPECT_TRUE(store_
                  .List([&](const ObjectInfo& object) {
                    names.push_back(object.name);
                    EXPECT_EQ(object.size, 3);
                    EXPECT_EQ(object.age, std::chrono::hours(1));
                    return Status::Ok();
                  })
                  .ok());
  EXPECT_THAT(names, testing::ElementsAre("ab/one", "ab/two", "owner", "zz"));
  EXPECT_THAT(server_.requests()[2].target,
              HasSubstr("/blobs/ab?op=LISTSTATUS_BATCH&startAfter=one"));
  EXPECT_THAT(server_.requests()[3].target,
              HasSubstr("/blobs?op=LISTSTATUS_BATCH&startAfter=owner"));
}

TEST_F(WebHdfsObjectStoreTest, APageThatIsNoneOfWebHdfsIsNoEmptyList) {
  hdfs_.faults = {{.body = "<html>"}};
  EXPECT_EQ(store_.List([](const ObjectInfo&) { return Status::Ok(); }).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace aiflow::remote
