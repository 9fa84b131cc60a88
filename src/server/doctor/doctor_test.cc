#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "server/doctor/checks.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A port that somebody listens on.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    std::string pattern = (fs::temp_directory_path() / "doctor_test.XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
    home_ = dir_ / "home";
    std::ofstream(dir_ / "aiflow-runner") << "#!/bin/sh\n";
    fs::permissions(dir_ / "aiflow-runner", fs::perms::owner_all);
  }
  ~DoctorTest() override { fs::remove_all(dir_); }

  void Init() { ASSERT_TRUE(DbInit(home_).has_value()); }
  void Configure(const std::string& text) { std::ofstream(home_ / "aiflow_server.yaml") << text; }
  void Examine() { findings_ = Diagnose(home_, dir_ / "aiflow"); }

  /// The worst one about a subject; a problem of the test when there is none.
  Finding About(const std::string& subject) const {
    Finding worst{Level::kOk, "", "nothing was found", ""};
    for (const Finding& finding : findings_) {
      if (finding.subject != subject) continue;
      if (worst.subject.empty() || finding.level > worst.level) worst = finding;
    }
    EXPECT_EQ(worst.subject, subject);
    return worst;
  }

  fs::path dir_;
  fs::path home_;
  std::vector<Finding> findings_;
};

TEST_F(DoctorTest, AFreshHomeIsWell) {
  Init();
  Configure(
      "rpc_port: 0\nnotification_server_uri: 127.0.0.1:0\nrest_port: 0\n"
      "internal_rpc_port: -1\n");
  Examine();
  for (const char* subject : {"home", "configuration", "secrets", "metadata", "event log", "disk",
                              "time zones", "runner", "ports", "server"}) {
    EXPECT_EQ(About(subject).level, Level::kOk) << subject << ": " << About(subject).text;
    EXPECT_EQ(About(subject).advice, "") << subject;
  }
  EXPECT_THAT(About("metadata").text, HasSubstr("checked"));
  EXPECT_THAT(About("disk speed").text, HasSubstr(" ms"));
  EXPECT_FALSE(fs::exists(home_ / "aiflow_server.pid"));
}

TEST_F(DoctorTest, WithoutAHomeItSaysHowToMakeOne) {
  Examine();
  EXPECT_EQ(About("home").level, Level::kProblem);
  EXPECT_THAT(About("home").advice, HasSubstr("aiflow db init"));
  EXPECT_EQ(About("runner").level, Level::kOk);
  EXPECT_FALSE(fs::exists(home_));
}

TEST_F(DoctorTest, AFileInPlaceOfTheHome) {
  std::ofstream(home_) << "x";
  Examine();
  EXPECT_THAT(About("home").text, HasSubstr("is no directory"));
}

TEST_F(DoctorTest, AWrongConfigurationStopsNoOtherCheck) {
  Init();
  Configure("rpc_prot: 1\n");
  Examine();
  EXPECT_EQ(About("configuration").level, Level::kProblem);
  EXPECT_THAT(About("configuration").text, HasSubstr("rpc_prot"));
  EXPECT_EQ(About("metadata").level, Level::kOk);
}

TEST_F(DoctorTest, AHomeThatOthersCanLookInto) {
  Init();
  Configure("log_level: info\n");
  fs::permissions(home_, fs::perms(0755));
  fs::permissions(home_ / "aiflow_server.yaml", fs::perms(0644));
  Examine();
  EXPECT_EQ(About("home").level, Level::kWarning);
  EXPECT_THAT(About("home").advice, HasSubstr("chmod 700"));
  EXPECT_EQ(About("secrets").level, Level::kWarning);
  EXPECT_THAT(About("secrets").advice, HasSubstr("chmod 600"));
}

TEST_F(DoctorTest, MetadataThatAreNone) {
  Init();
  std::ofstream(home_ / "aiflow.db", std::ios::trunc) << std::string(8'192, 'x');
  Examine();
  EXPECT_EQ(About("metadata").level, Level::kProblem);
  EXPECT_THAT(About("metadata").advice, HasSubstr("backup"));
}

TEST_F(DoctorTest, MissingStoresAreMadeByTheFirstStart) {
  fs::create_directory(home_);
  Examine();
  EXPECT_EQ(About("metadata").level, Level::kWarning);
  EXPECT_EQ(About("event log").level, Level::kWarning);
}

TEST_F(DoctorTest, ALogWithoutItsDescription) {
  Init();
  fs::create_directory(home_ / "log");
  Examine();
  EXPECT_EQ(About("event log").level, Level::kProblem);
  EXPECT_THAT(About("event log").text, HasSubstr("META"));
}

TEST_F(DoctorTest, ALogOnADiskWithoutSpace) {
  Init();
  Configure("disk_reserve: 1000000g\n");
  Examine();
  EXPECT_EQ(About("disk").level, Level::kProblem);
}

TEST_F(DoctorTest, APortInUseAndByWhom) {
  Init();
  const Listener listener;
  Configure("rpc_port: " + std::to_string(listener.port()) + "\n");
  Examine();
  EXPECT_EQ(About("ports").level, Level::kProblem);
  const bool found = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& finding) {
    return finding.subject == "ports" &&
           finding.text.find("port " + std::to_string(listener.port()) + " of the scheduler") !=
               std::string::npos &&
           finding.text.find("pid " + std::to_string(getpid())) != std::string::npos;
  });
  EXPECT_TRUE(found);
}

TEST_F(DoctorTest, AMissingRunner) {
  Init();
  fs::remove(dir_ / "aiflow-runner");
  Examine();
  EXPECT_EQ(About("runner").level, Level::kProblem);
}

TEST_F(DoctorTest, APythonThatIsNotThere) {
  Init();
  Configure("python_executable: /no/such/python\n");
  Examine();
  EXPECT_EQ(About("python").level, Level::kWarning);
  EXPECT_THAT(About("python").advice, HasSubstr("python_executable"));
}

TEST_F(DoctorTest, AServerThatHoldsTheHomeAndDoesNotAnswer) {
  Init();
  std::ofstream(home_ / "server.json")
      << R"({"server_uri":"127.0.0.1:1","notification_uri":"127.0.0.1:2",)"
      << R"("http_url":"http://127.0.0.1:1","pid":4711,"version":"0.0.1"})";
  const auto lock = Home(home_).Lock();
  ASSERT_TRUE(lock.has_value());
  Examine();
  EXPECT_EQ(About("server").level, Level::kProblem);
  EXPECT_THAT(About("server").text, AllOf(HasSubstr("4711"), HasSubstr("does not answer")));
  EXPECT_EQ(About("ports").level, Level::kOk);
  EXPECT_THAT(About("metadata").text, Not(HasSubstr("checked")));
}

}  // namespace
}  // namespace aiflow::server
