#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "storage/blobs/remote/http_client.h"
#include "storage/blobs/remote/object_store.h"

namespace aiflow::remote {

/// A page of ListObjectsV2.
struct S3Page {
  std::vector<ObjectInfo> objects;  // their names are whole keys
  std::string next;                 // continuation token; empty: the last page
};

/// The text of the first element `name`, with its references resolved; empty when there is none.
std::string XmlText(std::string_view xml, std::string_view name);
/// kUnavailable when it is no such page: something stands between us and the store.
Result<S3Page> ParseS3Page(const HttpAnswer& answer);
/// "HTTP 403, AccessDenied: Access Denied": code and message of an error, and nothing else of it.
std::string DescribeS3Error(const HttpAnswer& answer);
/// How old what has the HTTP date `modified` is, by the answer's own clock.
Millis AgeOf(const HttpAnswer& answer, const std::string& modified);

}  // namespace aiflow::remote
