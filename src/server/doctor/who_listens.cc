#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "server/doctor/checks.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

/// The inode of the socket that listens on the port, from a table of the kernel; empty: none.
std::string SocketOf(const char* table, int port) {
  char wanted[8];
  std::snprintf(wanted, sizeof(wanted), ":%04X", static_cast<unsigned>(port));
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
        timeout >> inode;
    if (state == "0A" && local.ends_with(wanted)) return inode;
  }
  return {};
}

bool Holds(const fs::path& process, const std::string& socket) {
  std::error_code error;
  fs::directory_iterator it(process / "fd", error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (fs::read_symlink(it->path(), ignored).string() == socket) return true;
  }
  return false;
}

}  // namespace

std::string WhoListens(int port) {
  std::string inode = SocketOf("/proc/net/tcp", port);
  if (inode.empty()) inode = SocketOf("/proc/net/tcp6", port);
  if (inode.empty()) return {};
  const std::string socket = "socket:[" + inode + "]";
  std::error_code error;
  fs::directory_iterator it("/proc", error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string pid = it->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!Holds(it->path(), socket)) continue;
    std::ifstream in(it->path() / "comm");
    std::string name;
    std::getline(in, name);
    return "pid " + pid + (name.empty() ? "" : " (" + name + ")");
  }
  return {};
}

}  // namespace aiflow::server
