#include "server/dev/dev_cluster.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "curator/node_agent.h"
#include "libclient/client/durable_file.h"
#include "libclient/client/node_files.h"
#include "libclient/identity/key.h"
#include "server/explained.h"
#include "server/limits.h"
#include "server/listener/listening_sockets.h"

namespace curatord {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr absl::Duration kStopTimeout = absl::Seconds(10);
constexpr absl::Duration kPoll = absl::Milliseconds(50);

std::string File(const std::string& dir, absl::string_view name) {
  return absl::StrCat(dir, "/", name);
}

// Waits for the next SIGCHLD (which must be blocked), at most `timeout`.
void WaitForChildEvent(absl::Duration timeout) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const timespec limit = absl::ToTimespec(timeout);
  ::sigtimedwait(&child, nullptr, &limit);
}

}  // namespace

DevCluster::~DevCluster() { Stop(); }

std::string DevCluster::CuratorDir(int number) const {
  return File(options_.dir, absl::StrCat("curator-", number));
}

curator::CallOptions DevCluster::Call() const {
  curator::CallOptions call;
  call.timeout = kStartTimeout;
  call.cancellation = cancellation_;
  return call;
}

absl::Status DevCluster::Start(const curator::Cancellation& cancellation) {
  cancellation_ = cancellation;
  using Step = absl::Status (DevCluster::*)();
  for (Step step :
       {&DevCluster::FindBinaries, &DevCluster::TakeDirectory, &DevCluster::EnsureOwnerKey,
        &DevCluster::EnsureInitialized, &DevCluster::ChooseAddresses}) {
    if (absl::Status status = (this->*step)(); !status.ok()) return status;
  }
  if (absl::Status status = StartCurator(1); !status.ok()) return status;
  // Curators that joined in a former run start at once: the first alone need not lead.
  std::vector<int> to_join;
  for (int number = 2; number <= options_.curators; ++number) {
    absl::StatusOr<curator::StoredNode> stored = curator::ReadStoredNode(CuratorDir(number));
    if (stored.ok() && stored->identity.has_value()) {
      if (absl::Status status = StartCurator(number); !status.ok()) return status;
    } else {
      to_join.push_back(number);
    }
  }
  if (absl::Status status = EnsureOwnership(); !status.ok()) return status;
  if (absl::Status status = WriteContext(); !status.ok()) return status;
  for (int number : to_join) {
    if (absl::Status status = EnsureJoined(number); !status.ok()) return status;
    if (absl::Status status = StartCurator(number); !status.ok()) return status;
  }
  if (absl::Status status = StartAgents(); !status.ok()) return status;
  return WaitUntilUsable();
}

absl::Status DevCluster::FindBinaries() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  curatord_binary_ = self.string();
  agent_binary_ = (self.parent_path() / "curator-agent").string();
  if (options_.nodes > 0 && ::access(agent_binary_.c_str(), X_OK) != 0) {
    return Explained(absl::NotFoundError(absl::StrCat("cannot run ", agent_binary_)),
                     "the node agents are run by curator-agent, beside curatord",
                     "build or install it there, or give --nodes 0");
  }
  return absl::OkStatus();
}

absl::Status DevCluster::TakeDirectory() {
  if (absl::Status made = curator::CreateDirectoryDurably(options_.dir); !made.ok()) return made;
  absl::StatusOr<curator::DirectoryLock> lock = curator::DirectoryLock::Take(options_.dir);
  if (!lock.ok()) {
    if (curator::DescribeError(lock.status()).code != curator::ErrorCode::kRefused) {
      return lock.status();
    }
    return Explained(
        absl::FailedPreconditionError(absl::StrCat("a development cluster runs in ", options_.dir)),
        "another `curatord dev` uses this directory",
        "use that one, stop it, or give another --dir");
  }
  lock_.emplace(*std::move(lock));
  return absl::OkStatus();
}

// A block of addresses that is this directory's own as long as nobody else took it.
absl::Status DevCluster::ChooseAddresses() {
  const std::string dir = fs::absolute(options_.dir).lexically_normal().string();
  uint64_t hash = 1469598103934665603u;  // FNV-1a: the same in every process
  for (unsigned char c : dir) hash = (hash ^ c) * 1099511628211u;
  for (int attempt = 0; attempt < 100; ++attempt, hash = hash * 6364136223846793005u + 1) {
    const int second = 1 + static_cast<int>((hash >> 32) % 250);
    const int third = static_cast<int>((hash >> 40) % 250);
    addresses_.clear();
    for (int number = 1; number <= options_.curators; ++number) {
      const std::string address = absl::StrCat("127.", second, ".", third, ".", number);
      if (!TryListening(absl::StrCat(address, ":7835")).ok()) break;
      addresses_.push_back(address);
    }
    if (static_cast<int>(addresses_.size()) == options_.curators) return absl::OkStatus();
  }
  return Explained(absl::FailedPreconditionError("found no free addresses in 127.0.0.0/8"),
                   "port 7835 is taken on all that were tried", "stop other clusters first");
}

absl::Status DevCluster::EnsureOwnerKey() {
  absl::StatusOr<absl::optional<std::string>> existing =
      curator::ReadFileIfPresent(File(options_.dir, "owner-key.pem"));
  if (!existing.ok()) return existing.status();
  if (existing->has_value()) return absl::OkStatus();
  absl::StatusOr<curator::OwnerKey> key = curator::GenerateOwnerKey();
  if (!key.ok()) return key.status();
  if (absl::Status written =
          curator::WriteFileDurably(options_.dir, "owner-key.pub", key->public_key_pem, 0644);
      !written.ok()) {
    return written;
  }
  return curator::WriteFileDurably(options_.dir, "owner-key.pem", key->private_key_pem, 0600);
}

absl::Status DevCluster::EnsureInitialized() {
  if (options_.store_url.has_value()) {
    store_url_ = *options_.store_url;
  } else {
    absl::StatusOr<std::string> url = DefaultStoreUrl(options_.dir);
    if (!url.ok()) return url.status();
    store_url_ = *url;
  }
  absl::StatusOr<curator::StoredNode> stored = curator::ReadStoredNode(CuratorDir(1));
  if (!stored.ok()) return stored.status();
  if (!stored->identity.has_value()) {
    InitOptions init;
    init.data_dir = CuratorDir(1);
    init.owner_public_key_file = File(options_.dir, "owner-key.pub");
    init.store_url = store_url_;
    init.tpm_mode = "disabled";
    init.storage_security = "permissive";
    if (absl::Status status = Init(init); !status.ok()) return status;
    stored = curator::ReadStoredNode(CuratorDir(1));
    if (!stored.ok()) return stored.status();
  }
  ca_ = stored->ca;
  return curator::WriteFileDurably(options_.dir, "ca.pem", ca_->pem(), 0644);
}

absl::Status DevCluster::StartCurator(int number) {
  std::vector<std::string> command = {
      curatord_binary_, "run",      "--data-dir", CuratorDir(number),
      "--store",        store_url_, "--listen",   addresses_[static_cast<size_t>(number) - 1]};
  // A crowd that was asked for is no flood: all of it registers at once.
  if (const Limits usual; options_.nodes > usual.registration_burst / 2) {
    // Of two connections each: they are strangers until they have committed.
    const int64_t strangers = usual.stranger_connections + 2 * options_.nodes;
    for (const auto& limit : {absl::StrCat("registration-burst=", 2 * options_.nodes),
                              absl::StrCat("new-nodes=", usual.new_nodes + options_.nodes),
                              absl::StrCat("stranger-connections=", strangers),
                              absl::StrCat("stranger-connections-per-address=", strangers)}) {
      command.insert(command.end(), {"--limit", limit});
    }
  }
  absl::StatusOr<ChildProcess> child =
      ChildProcess::Start(absl::StrCat("curator-", number), CuratorDir(number), std::move(command));
  if (!child.ok()) return child.status();
  children_.push_back(*std::move(child));
  return absl::OkStatus();
}

absl::Status DevCluster::EnsureOwnership() {
  absl::StatusOr<absl::optional<std::string>> existing =
      curator::ReadFileIfPresent(File(options_.dir, "owner.pem"));
  if (!existing.ok()) return existing.status();
  if (existing->has_value()) return absl::OkStatus();
  absl::StatusOr<absl::optional<std::string>> key =
      curator::ReadFileIfPresent(File(options_.dir, "owner-key.pem"));
  if (!key.ok()) return key.status();
  absl::StatusOr<curator::Identity> ephemeral =
      curator::EphemeralIdentityFromPem(key->value_or(""));
  if (!ephemeral.ok()) return ephemeral.status();
  curator::ClientOptions client_options;
  client_options.endpoints = addresses_;
  client_options.ca = ca_;
  client_options.identity = *ephemeral;
  absl::StatusOr<std::unique_ptr<curator::Client>> client =
      curator::Client::Create(std::move(client_options));
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> certificate = (*client)->TakeOwnership(Call());
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<curator::Identity> owner =
      curator::UserIdentity(*ca_, *certificate, key->value_or(""));
  if (!owner.ok()) return owner.status();
  return curator::WriteFileDurably(options_.dir, "owner.pem", owner->certificate_pem(), 0644);
}

absl::StatusOr<std::unique_ptr<curator::Client>> DevCluster::OwnerClient() const {
  absl::StatusOr<absl::optional<std::string>> certificate =
      curator::ReadFileIfPresent(File(options_.dir, "owner.pem"));
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<absl::optional<std::string>> key =
      curator::ReadFileIfPresent(File(options_.dir, "owner-key.pem"));
  if (!key.ok()) return key.status();
  absl::StatusOr<curator::Identity> owner =
      curator::Identity::FromPem(certificate->value_or(""), key->value_or(""));
  if (!owner.ok()) return owner.status();
  curator::ClientOptions client_options;
  client_options.endpoints = addresses_;
  client_options.ca = ca_;
  client_options.identity = *owner;
  return curator::Client::Create(std::move(client_options));
}

// Registers, approves and commits curator `number`.
absl::Status DevCluster::EnsureJoined(int number) {
  absl::StatusOr<std::unique_ptr<curator::Client>> client = OwnerClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> ticket = (*client)->GetRegisterTicket(Call());
  if (!ticket.ok()) return ticket.status();
  if (absl::Status written =
          curator::WriteFileDurably(options_.dir, "register-ticket", *ticket, 0600);
      !written.ok()) {
    return written;
  }
  curator::NodeAgentOptions agent_options;
  agent_options.data_dir = CuratorDir(number);
  agent_options.endpoints = addresses_;
  agent_options.ca = ca_;
  agent_options.register_ticket = *ticket;
  agent_options.approval_poll_interval = absl::Milliseconds(20);
  absl::Notification registered;
  agent_options.on_step = [&registered](curator::NodeAgentStep step) {
    if (step == curator::NodeAgentStep::kWaitForApproval && !registered.HasBeenNotified()) {
      registered.Notify();
    }
  };
  curator::NodeAgent agent(std::move(agent_options));
  absl::Status joined;
  std::thread joining([&] {
    joined = agent.EnsureCommitted(Call()).status();
    if (!registered.HasBeenNotified()) registered.Notify();
  });
  registered.WaitForNotification();
  absl::Status approved;
  if (absl::StatusOr<curator::StoredNode> stored = curator::ReadStoredNode(CuratorDir(number));
      stored.ok() && stored->node_key.has_value()) {
    approved = (*client)->ApproveNode(stored->node_key->public_key(), Call()).status();
  }
  if (!approved.ok()) cancellation_->Cancel();
  joining.join();
  return approved.ok() ? joined : approved;
}

absl::Status DevCluster::StartAgents() {
  if (options_.nodes == 0) return absl::OkStatus();
  const std::string dir = File(options_.dir, "agents");
  if (absl::Status created = curator::CreateDirectoryDurably(dir); !created.ok()) return created;
  absl::StatusOr<std::unique_ptr<curator::Client>> client = OwnerClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> ticket = (*client)->GetRegisterTicket(Call());
  if (!ticket.ok()) return ticket.status();
  if (absl::Status written =
          curator::WriteFileDurably(options_.dir, "register-ticket", *ticket, 0600);
      !written.ok()) {
    return written;
  }
  absl::StatusOr<ChildProcess> child = ChildProcess::Start(
      "agents", dir,
      {agent_binary_, "--endpoint", absl::StrJoin(addresses_, ","), "--ca-sha256", ca_->sha256(),
       "--ticket-file", File(options_.dir, "register-ticket"), "--data-dir", dir, "--count",
       absl::StrCat(options_.nodes)});
  if (!child.ok()) return child.status();
  children_.push_back(*std::move(child));
  return absl::OkStatus();
}

absl::Status DevCluster::WriteContext() {
  const std::string yaml = absl::StrCat(
      "apiVersion: curatorctl/v1\ncurrent-context: dev\ncontexts:\n  dev:\n    endpoints: [",
      absl::StrJoin(addresses_, ", "), "]\n    ca:\n      sha256: \"", ca_->sha256(),
      "\"\n      file: ca.pem\n      trusted: {at: ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()),
      ", via: owner-cert}\n    credential: {cert-file: owner.pem, key-file: owner-key.pem}\n");
  return curator::WriteFileDurably(options_.dir, "curatorctl.yaml", yaml, 0600);
}

absl::Status DevCluster::WaitUntilUsable() {
  absl::StatusOr<std::unique_ptr<curator::Client>> client = OwnerClient();
  if (!client.ok()) return client.status();
  const absl::Time deadline = absl::Now() + kStartTimeout;
  const int expected = options_.curators + options_.nodes;
  while (absl::Now() < deadline) {
    absl::StatusOr<curator::NodeList> list = (*client)->ListNodes(Call());
    if (!list.ok()) return list.status();
    int healthy_curators = 0;
    for (const curator::Node& node : list->nodes) {
      if (node.curator_port != 0 && node.health == curator::NodeHealth::kHealthy) {
        ++healthy_curators;
      }
    }
    const int known = static_cast<int>(list->nodes.size()) + NodesThatLeft(*list);
    if (healthy_curators >= options_.curators && known >= expected) {
      return absl::OkStatus();
    }
    for (ChildProcess& child : children_) {
      if (std::string ended = child.ReapIfEnded(); !ended.empty()) {
        return Explained(absl::UnavailableError(absl::StrCat(child.name(), " ended (", ended, ")")),
                         "it could not start",
                         absl::StrCat("see its log, ", File(options_.dir, child.name()), "/log"));
      }
    }
    WaitForChildEvent(kPoll);
  }
  return absl::DeadlineExceededError("the cluster did not become usable in time");
}

// Nodes of a former run that were deleted from the cluster: their agents end.
int DevCluster::NodesThatLeft(const curator::NodeList& list) const {
  int left = 0;
  for (int number = 1; number <= options_.nodes; ++number) {
    const std::string dir = options_.nodes > 1 ? absl::StrCat(options_.dir, "/agents/", number)
                                               : File(options_.dir, "agents");
    const absl::StatusOr<curator::StoredNode> stored = curator::ReadStoredNode(dir);
    if (!stored.ok() || !stored->identity.has_value()) continue;
    const std::string id = stored->identity->subject();
    const bool listed = std::any_of(list.nodes.begin(), list.nodes.end(),
                                    [&id](const curator::Node& node) { return node.id == id; });
    if (!listed) ++left;
  }
  return left;
}

void DevCluster::ReportEndedChildren() {
  for (ChildProcess& child : children_) {
    if (std::string ended = child.ReapIfEnded(); !ended.empty()) {
      std::fprintf(stderr, "%s ended (%s); it is not started again\n", child.name().c_str(),
                   ended.c_str());
    }
  }
}

void DevCluster::Stop() {
  for (ChildProcess& child : children_) child.Signal(SIGTERM);
  // A stopped process takes SIGTERM only once it goes on.
  for (ChildProcess& child : children_) child.Signal(SIGCONT);
  const absl::Time deadline = absl::Now() + kStopTimeout;
  auto any_running = [this] {
    for (ChildProcess& child : children_) {
      child.ReapIfEnded();
      if (child.running()) return true;
    }
    return false;
  };
  while (any_running() && absl::Now() < deadline) WaitForChildEvent(kPoll);
  for (ChildProcess& child : children_) child.Signal(SIGKILL);
  while (any_running()) WaitForChildEvent(kPoll);
}

}  // namespace curatord
