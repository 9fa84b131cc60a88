#include "cli/session.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>

#include "base/nearest.h"
#include "cli/credentials.h"

namespace aiflow::cli {

Result<Client*> Session::GetClient() {
  if (client_ == nullptr) {
    const Result<std::string> address = ServerAddress(address_options_, world_.environment);
    if (!address) return Error(address.error());
    const auto credentials = FindCredentials(address_options_, world_.environment, *address);
    if (!credentials) return Error(credentials.error());
    client_ = world_.make_client(*address, *credentials);
  }
  return client_.get();
}

Result<EventClient*> Session::GetEventClient() {
  if (event_client_ == nullptr) {
    Result<std::string> address = NotificationAddress(address_options_, world_.environment);
    if (!address) return Error(address.error());
    if (address->empty()) {
      const Result<Client*> client = GetClient();
      if (!client) return Error(client.error());
      const Result<v1::ServerInfo> info = (*client)->GetServerInfo();
      if (!info) return Error(info.error());
      const Result<std::string> server = ServerAddress(address_options_, world_.environment);
      if (!server) return Error(server.error());
      address = SeenFromHere(*server, info->notification_uri());
    }
    const auto credentials = FindCredentials(address_options_, world_.environment, *address);
    if (!credentials) return Error(credentials.error());
    event_client_ = world_.make_event_client(*address, *credentials);
  }
  return event_client_.get();
}

void Session::ForgetClients() {
  client_ = nullptr;
  event_client_ = nullptr;
}

bool Session::NotificationServerIsNamed() const {
  return !address_options_.notification_server.empty() ||
         world_.environment("AIFLOW_NOTIFICATION_SERVER").has_value();
}

std::string Session::NewId() {
  std::random_device random;
  std::array<uint32_t, 4> words{};
  for (uint32_t& word : words) word = random();
  words[1] = (words[1] & 0xFFFF0FFF) | 0x00004000;  // version 4
  words[2] = (words[2] & 0x3FFFFFFF) | 0x80000000;  // variant 1
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%04x%08x", words[0], words[1] >> 16,
                words[1] & 0xFFFF, words[2] >> 16, words[2] & 0xFFFF, words[3]);
  return text.data();
}

int Session::Fail(const Status& status) {
  std::string text = status.message();
  if (text.empty()) text = status.ToString();
  if (status.code() == Code::kUnavailable && text.starts_with("no server answers at ")) {
    text += ". " + start_hint_;
  } else if (status.code() == Code::kUnimplemented) {
    text = "the server cannot do this: " + text;
  }
  output_.Error(text);
  return ExitCodeOf(status);
}

int Session::Fail(const Status& status, std::string_view word,
                  const std::vector<std::string>& known) {
  const std::string nearest = Nearest(word, known);
  if (nearest.empty()) return Fail(status);
  std::string text = status.message();
  if (!text.ends_with('.')) text += '.';
  return Fail(Status(status.code(), text + " Did you mean '" + nearest + "'?"));
}

bool Session::Confirm(std::string_view question, bool yes) {
  if (yes || !world_.terminal.in_is_terminal) return true;
  return ConfirmAlways(question, false);
}

bool Session::ConfirmAlways(std::string_view question, bool yes) {
  if (yes) return true;
  output_.Raw(std::string(question) + " (y/n) ");
  std::string answer;
  if (!std::getline(world_.in, answer)) answer.clear();
  const bool agreed = answer == "y" || answer == "Y" || answer == "yes";
  if (!agreed) output_.Note("Cancelled; nothing was changed.");
  return agreed;
}

}  // namespace aiflow::cli
