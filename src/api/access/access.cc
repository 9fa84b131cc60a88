#include "api/access/access.h"

#include <algorithm>
#include <cctype>

namespace aiflow::api {
namespace {

constexpr std::string_view kScheme = "bearer";

/// "TOKEN" of "Bearer TOKEN"; empty when it is something else.
std::string_view TokenOf(std::string_view authorization) {
  const size_t blank = authorization.find(' ');
  if (blank != kScheme.size()) return {};
  const bool bearer = std::equal(
      kScheme.begin(), kScheme.end(), authorization.begin(), [](char expected, char given) {
        return expected == std::tolower(static_cast<unsigned char>(given));
      });
  if (!bearer) return {};
  std::string_view token = authorization.substr(blank);
  while (token.starts_with(' ')) token.remove_prefix(1);
  while (token.ends_with(' ')) token.remove_suffix(1);
  return token;
}

}  // namespace

bool Access::Trusts(const Peer& peer) const {
  if (options_.open) return true;
  if (peer.from == Peer::From::kElsewhere || !peer.uid.has_value()) return false;
  return *peer.uid == options_.owner || *peer.uid == 0;
}

Status Access::Check(const Peer& peer, std::string_view authorization) const {
  return Trusts(peer) ? Status::Ok() : CheckToken(authorization);
}

Status Access::CheckToken(std::string_view authorization) const {
  if (authorization.empty()) {
    return {
        Code::kUnauthenticated,
        "a token is needed, as the call comes from another user or machine: the server's user "
        "makes one with `" +
            options_.add_token +
            "`; give it in AIFLOW_TOKEN or AIFLOW_TOKEN_FILE, or as `authorization: Bearer TOKEN`"};
  }
  const std::string_view token = TokenOf(authorization);
  if (token.empty()) {
    return {Code::kUnauthenticated,
            "the authorization is not understood: it must be `authorization: Bearer TOKEN`"};
  }
  if (tokens_.Contains(token)) return Status::Ok();
  if (!tokens_.Check().ok()) {
    return {Code::kUnauthenticated,
            "no token is accepted now: the server cannot use its file of tokens, its log says why"};
  }
  return UnknownToken();
}

Status Access::UnknownToken() const {
  return {Code::kUnauthenticated,
          "the token is not one of this server's, or was removed: the server's user makes another "
          "with `" +
              options_.add_token + "`"};
}

Status Access::CheckServer(std::string_view authorization) const {
  if (options_.open || authorization.empty()) return Status::Ok();
  if (tokens_.ContainsForServers(TokenOf(authorization))) return Status::Ok();
  if (!tokens_.Contains(TokenOf(authorization))) return UnknownToken();
  return {Code::kPermissionDenied,
          "the token is for clients, not for an AIFlow server: make one with `" +
              options_.add_token + " --server`"};
}

}  // namespace aiflow::api
