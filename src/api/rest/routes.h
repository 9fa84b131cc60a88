// Private to api/rest.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

#include "api/rest/path_template.h"
#include "base/status.h"

namespace aiflow::api::rest {

/// One HTTP annotation of one method.
struct Route {
  std::string http_method;  // GET
  PathTemplate path;
  std::string body;  // the field that the body is; "*": the whole request; empty: there is none
  const google::protobuf::MethodDescriptor* method = nullptr;

  /// What gRPC calls it: /package.Service/Method.
  [[nodiscard]] std::string rpc() const;
};

/// What answers for a path, found by the annotations of the methods. Immutable.
class Routes {
 public:
  /// Every annotated method of these services, which are compiled in. kInvalidArgument names the
  /// method whose annotation cannot be served: an unknown service, a bad path, fields that the
  /// request does not have, two methods at one place.
  static Result<Routes> Of(const std::vector<std::string>& services);

  struct Found {
    const Route* route = nullptr;  // nullptr: nothing answers this method there
    PathTemplate::Variables variables;
    std::vector<std::string> allowed;  // HTTP methods that are answered there
  };
  [[nodiscard]] Found Find(std::string_view http_method, std::string_view path) const;

  [[nodiscard]] const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace aiflow::api::rest
