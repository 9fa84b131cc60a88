#include "api/rest/routes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "google/api/annotations.pb.h"

namespace aiflow::api::rest {
namespace {

using google::api::HttpRule;
using google::protobuf::MethodDescriptor;

struct Place {
  std::string http_method;
  std::string path;
};

std::optional<Place> PlaceOf(const HttpRule& rule) {
  switch (rule.pattern_case()) {
    case HttpRule::kGet: return Place{"GET", rule.get()};
    case HttpRule::kPut: return Place{"PUT", rule.put()};
    case HttpRule::kPost: return Place{"POST", rule.post()};
    case HttpRule::kDelete: return Place{"DELETE", rule.delete_()};
    case HttpRule::kPatch: return Place{"PATCH", rule.patch()};
    default: return std::nullopt;
  }
}

Result<Route> RouteOf(const MethodDescriptor& method, const HttpRule& rule) {
  const auto refuse = [&method](const std::string& why) {
    return Error(Code::kInvalidArgument, method.full_name() + ": " + why);
  };
  const std::optional<Place> place = PlaceOf(rule);
  if (!place.has_value()) return refuse("has an HTTP annotation without a known method");
  Result<PathTemplate> path = PathTemplate::Parse(place->path);
  if (!path.has_value()) return refuse(path.error().message());
  for (const std::string& field : path->fields()) {
    if (method.input_type()->FindFieldByName(field) == nullptr) {
      return refuse("the request has no field " + field);
    }
  }
  if (!rule.body().empty() && rule.body() != "*" &&
      method.input_type()->FindFieldByName(rule.body()) == nullptr) {
    return refuse("the request has no field " + rule.body());
  }
  return Route{place->http_method, *std::move(path), rule.body(), &method};
}

}  // namespace

std::string Route::rpc() const {
  return "/" + method->service()->full_name() + "/" + method->name();
}

Result<Routes> Routes::Of(const std::vector<std::string>& services) {
  Routes routes;
  for (const std::string& name : services) {
    const auto* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    if (service == nullptr) return Error(Code::kInvalidArgument, "no service is called " + name);
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      if (!method.options().HasExtension(google::api::http)) continue;
      Result<Route> route = RouteOf(method, method.options().GetExtension(google::api::http));
      if (!route.has_value()) return Error(route.error());
      for (const Route& other : routes.routes_) {
        if (other.http_method == route->http_method && other.path.shown() == route->path.shown()) {
          return Error(Code::kInvalidArgument, method.full_name() + " and " +
                                                   other.method->full_name() + " are both " +
                                                   route->http_method + " " + route->path.shown());
        }
      }
      routes.routes_.push_back(*std::move(route));
    }
  }
  return routes;
}

Routes::Found Routes::Find(std::string_view http_method, std::string_view path) const {
  Found found;
  for (const Route& route : routes_) {
    auto variables = route.path.Match(path);
    if (!variables.has_value()) continue;
    found.allowed.push_back(route.http_method);
    if (route.http_method != http_method) continue;
    if (found.route != nullptr && found.route->path.literals() >= route.path.literals()) continue;
    found.route = &route;
    found.variables = *std::move(variables);
  }
  std::sort(found.allowed.begin(), found.allowed.end());
  found.allowed.erase(std::unique(found.allowed.begin(), found.allowed.end()), found.allowed.end());
  return found;
}

}  // namespace aiflow::api::rest
