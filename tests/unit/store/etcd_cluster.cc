#include "tests/unit/store/etcd_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace curatord {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr int kStartAttempts = 5;

// Below the ephemeral range: no client connection of anybody has it.
int FreePort() {
  static std::mt19937 random{std::random_device()()};
  for (;;) {
    const int port = std::uniform_int_distribution<int>(20000, 29999)(random);
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    const bool free = bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (free) return port;
  }
}

std::string Contents(const std::string& path) {
  std::ifstream stream(path);
  std::stringstream content;
  content << stream.rdbuf();
  return content.str();
}

// A pause between two questions to a process that cannot tell us when it is ready.
void PauseBeforeAskingAgain() { absl::SleepFor(absl::Milliseconds(20)); }

}  // namespace

EtcdCluster::EtcdCluster(const EtcdClusterOptions& options) : options_(options) {
  if (options_.tls) MakeTlsFiles();
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    if (StartAll()) return;
    for (size_t i = 0; i < members_.size(); ++i) Kill(i);
  }
  ADD_FAILURE() << "etcd does not start (installed by scripts/install-deps.sh): "
                << Contents(directory_.path() + "/log0");
}

EtcdCluster::~EtcdCluster() {
  for (size_t i = 0; i < members_.size(); ++i) Kill(i);
}

std::string EtcdCluster::address(size_t member) const {
  return absl::StrCat("127.0.0.1:", members_[member].client_port);
}

std::string EtcdCluster::addresses() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < members_.size(); ++i) all.push_back(address(i));
  return absl::StrJoin(all, ",");
}

std::string EtcdCluster::Url(absl::string_view parameters) const {
  return absl::StrCat("etcd://", addresses(), parameters.empty() ? "" : "?", parameters);
}

std::string EtcdCluster::TlsFile(absl::string_view name) const {
  return absl::StrCat(directory_.path(), "/", name);
}

// One CA, one certificate for the members, one for clients.
void EtcdCluster::MakeTlsFiles() {
  const std::string script = absl::StrCat(
      "cd ", directory_.path(),
      " && exec 2>openssl.log && openssl req -x509 -newkey ed25519 -nodes -keyout ca.key -out "
      "ca.pem -subj /CN=test-ca -days 2 && for who in server client; do openssl req -newkey "
      "rsa:2048 -nodes -keyout $who.key -out $who.csr -subj /CN=$who && printf "
      "'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' > $who.ext && "
      "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "
      "$who.ext -out $who.pem || exit 1; done");
  EXPECT_EQ(system(script.c_str()), 0) << Contents(directory_.path() + "/openssl.log");
}

bool EtcdCluster::StartAll() {
  members_.clear();
  members_.resize(static_cast<size_t>(options_.members));
  for (size_t i = 0; i < members_.size(); ++i) {
    std::filesystem::remove_all(absl::StrCat(directory_.path(), "/data", i));
    members_[i].client_port = FreePort();
    members_[i].peer_port = FreePort();
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
    if (options_.tls) {
      credentials =
          grpc::SslCredentials({Contents(TlsFile("ca.pem")), Contents(TlsFile("client.key")),
                                Contents(TlsFile("client.pem"))});
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    const auto channel = grpc::CreateCustomChannel("ipv4:" + address(i), credentials, arguments);
    members_[i].kv = etcdserverpb::KV::NewStub(channel);
    members_[i].maintenance = etcdserverpb::Maintenance::NewStub(channel);
  }
  for (size_t i = 0; i < members_.size(); ++i) Spawn(i);
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!AwaitHealthy(i)) return false;
  }
  return true;
}

void EtcdCluster::Spawn(size_t member) {
  std::vector<std::string> peers;
  for (size_t i = 0; i < members_.size(); ++i) {
    peers.push_back(absl::StrCat("m", i, "=http://127.0.0.1:", members_[i].peer_port));
  }
  const std::string client_url =
      absl::StrCat(options_.tls ? "https://" : "http://", address(member));
  const std::string peer_url = absl::StrCat("http://127.0.0.1:", members_[member].peer_port);
  std::vector<std::string> words = {"etcd",
                                    absl::StrCat("--name=m", member),
                                    absl::StrCat("--data-dir=", directory_.path(), "/data", member),
                                    "--listen-client-urls=" + client_url,
                                    "--advertise-client-urls=" + client_url,
                                    "--listen-peer-urls=" + peer_url,
                                    "--initial-advertise-peer-urls=" + peer_url,
                                    "--initial-cluster=" + absl::StrJoin(peers, ","),
                                    "--initial-cluster-state=new",
                                    "--heartbeat-interval=50",
                                    "--election-timeout=500",
                                    "--logger=zap",
                                    "--log-level=warn",
                                    "--log-outputs=stderr"};
  if (options_.tls) {
    words.push_back("--cert-file=" + TlsFile("server.pem"));
    words.push_back("--key-file=" + TlsFile("server.key"));
    words.push_back("--trusted-ca-file=" + TlsFile("ca.pem"));
    words.push_back("--client-cert-auth");
  }
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log_path = absl::StrCat(directory_.path(), "/log", member);
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    // Between fork and exec of a process with threads: async-signal-safe calls only.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(log);
  members_[member].pid = pid;
  members_[member].stopped = false;
}

bool EtcdCluster::HasEnded(Member& member) {
  if (member.pid > 0 && waitpid(member.pid, nullptr, WNOHANG) == member.pid) member.pid = -1;
  return member.pid <= 0;
}

bool EtcdCluster::Ask(size_t member, etcdserverpb::StatusResponse* response) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(300)));
  // Or nobody polls the connection between two calls.
  context.set_wait_for_ready(true);
  return members_[member].maintenance->Status(&context, {}, response).ok();
}

bool EtcdCluster::AwaitHealthy(size_t member) {
  const absl::Time deadline = absl::Now() + kStartTimeout;
  etcdserverpb::StatusResponse response;
  while (absl::Now() < deadline && !HasEnded(members_[member])) {
    if (Ask(member, &response) && response.leader() != 0) return true;
    PauseBeforeAskingAgain();
  }
  return false;
}

void EtcdCluster::Kill(size_t member) {
  Member& killed = members_[member];
  if (killed.pid <= 0) return;
  kill(killed.pid, SIGKILL);
  waitpid(killed.pid, nullptr, 0);
  killed.pid = -1;
}

void EtcdCluster::Stop(size_t member) {
  kill(members_[member].pid, SIGSTOP);
  int status = 0;
  waitpid(members_[member].pid, &status, WUNTRACED);
  EXPECT_TRUE(WIFSTOPPED(status));
  members_[member].stopped = true;
}

void EtcdCluster::Continue(size_t member) {
  kill(members_[member].pid, SIGCONT);
  members_[member].stopped = false;
}

void EtcdCluster::Start(size_t member) { Spawn(member); }

void EtcdCluster::AwaitQuorum() {
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].pid > 0 && !members_[i].stopped) {
      EXPECT_TRUE(AwaitHealthy(i)) << Contents(absl::StrCat(directory_.path(), "/log", i));
    }
  }
}

size_t EtcdCluster::Leader() {
  AwaitQuorum();
  const absl::Time deadline = absl::Now() + kStartTimeout;
  while (absl::Now() < deadline) {
    for (size_t i = 0; i < members_.size(); ++i) {
      etcdserverpb::StatusResponse response;
      if (members_[i].pid <= 0 || members_[i].stopped || !Ask(i, &response)) continue;
      if (response.leader() == response.header().member_id()) return i;
    }
    PauseBeforeAskingAgain();
  }
  ADD_FAILURE() << "no leader";
  return 0;
}

void EtcdCluster::Compact(int64_t revision) {
  grpc::ClientContext context;
  etcdserverpb::CompactionRequest request;
  request.set_revision(revision);
  request.set_physical(true);
  etcdserverpb::CompactionResponse response;
  const grpc::Status status = members_[0].kv->Compact(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

int64_t EtcdCluster::Put(const std::string& key, const std::string& value) {
  grpc::ClientContext context;
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  etcdserverpb::PutResponse response;
  const grpc::Status status = members_[0].kv->Put(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.header().revision();
}

void EtcdCluster::Etcdctl(const std::string& arguments) {
  const std::string log = directory_.path() + "/etcdctl.log";
  const std::string command = absl::StrCat("ETCDCTL_API=3 etcdctl --endpoints=", addresses(), " ",
                                           arguments, " >", log, " 2>&1");
  EXPECT_EQ(system(command.c_str()), 0) << arguments << ": " << Contents(log);
}

}  // namespace curatord
