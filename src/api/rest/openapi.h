// Private to api/rest.
#pragma once

#include <string>

#include "api/rest/routes.h"

namespace aiflow::api::rest {

/// The OpenAPI 3.0 document of these routes, as JSON: made from the same descriptors that answer
/// the calls, with the comments of the proto files as its descriptions.
std::string OpenApiDocument(const Routes& routes);

}  // namespace aiflow::api::rest
