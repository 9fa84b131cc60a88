#include "hosts/host.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "hosts/host_messages.h"

namespace aiflow::hosts {

void Host::Send(std::string line) {
  out_ += line;
  out_ += '\n';
  Write();
}

// An error is the end of the host, which reading tells.
void Host::Write() {
  while (written_ < out_.size()) {
    const ssize_t size = send(process_.socket(), out_.data() + written_, out_.size() - written_,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size <= 0) break;
    written_ += static_cast<size_t>(size);
  }
  out_.clear();
  written_ = 0;
}

Host::Read Host::ReadLine(std::string* line) {
  for (;;) {
    const size_t end = in_.find('\n', searched_);
    if (end != std::string::npos) {
      *line = in_.substr(0, end);
      in_.erase(0, end + 1);
      searched_ = 0;
      return Read::kLine;
    }
    searched_ = in_.size();
    if (in_.size() > kMaxLineBytes) return Read::kTooLong;
    std::array<char, size_t{64} << 10> buffer;
    const ssize_t size = recv(process_.socket(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Read::kNothing;
    if (size <= 0) return Read::kEnd;
    in_.append(buffer.data(), static_cast<size_t>(size));
  }
}

}  // namespace aiflow::hosts
