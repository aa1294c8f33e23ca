#include <cstdio>
#include <thread>

#include "absl/strings/str_cat.h"
#include "curator/credentials.h"
#include "curator/node_agent.h"
#include "libclient/client/durable_file.h"
#include "server/commands.h"
#include "server/data_dir.h"
#include "server/explained.h"
#include "server/log.h"
#include "server/signals.h"

namespace curatord {
namespace {

absl::StatusOr<std::string> ReadTicket(const std::string& path) {
  absl::StatusOr<absl::optional<std::string>> contents = curator::ReadFileIfPresent(path);
  if (!contents.ok()) return contents.status();
  if (!contents->has_value()) {
    return Explained(absl::NotFoundError(absl::StrCat("no ticket file ", path)),
                     "the ticket that this node registers with is read from it",
                     "write it with `curatorctl ticket show --raw > FILE`");
  }
  absl::StatusOr<std::string> ticket = curator::ParseRegisterTicket(**contents);
  if (ticket.ok()) return ticket;
  return Explained(absl::InvalidArgumentError(
                       absl::StrCat("ticket file ", path, ": ", ticket.status().message())),
                   "the file holds something else, or was cut",
                   "write it anew with `curatorctl ticket show --raw > FILE`");
}

}  // namespace

absl::Status Join(const JoinOptions& options) {
  BlockStopSignals();
  RouteGrpcLogs();
  curator::NodeAgentOptions agent_options;
  agent_options.data_dir = options.data_dir;
  agent_options.endpoints = options.endpoints;
  agent_options.accept_unproven = options.accept_unproven;
  absl::StatusOr<std::string> fingerprint = curator::ParseFingerprint(options.ca_sha256);
  if (!fingerprint.ok()) return fingerprint.status();
  agent_options.ca_sha256 = *fingerprint;
  absl::StatusOr<std::string> ticket = ReadTicket(options.ticket_file);
  if (!ticket.ok()) return ticket.status();
  agent_options.register_ticket = *std::move(ticket);
  agent_options.on_log = [](absl::string_view line) {
    std::fprintf(stderr, "%s\n", std::string(line).c_str());
  };

  absl::StatusOr<DataDirLock> lock = DataDirLock::Acquire(options.data_dir, /*create=*/true);
  if (!lock.ok()) return lock.status();

  const curator::Cancellation cancellation;
  std::thread([cancellation] {
    WaitForStopSignal();
    cancellation.Cancel();
  }).detach();
  curator::NodeAgent agent(std::move(agent_options));
  curator::CallOptions call;
  call.timeout = absl::InfiniteDuration();  // approval is a person's, and takes as long as it takes
  call.cancellation = cancellation;
  absl::StatusOr<curator::NodeCredentials> credentials = agent.EnsureCommitted(call);
  if (!credentials.ok()) {
    if (!cancellation.cancelled()) return credentials.status();
    return Explained(absl::CancelledError("interrupted before this node was committed"),
                     "a signal was received",
                     "run the same command again: it goes on where it was");
  }
  std::printf("node:      %s\nca-sha256: %s\n", credentials->node_id.c_str(),
              credentials->ca.sha256().c_str());
  return absl::OkStatus();
}

}  // namespace curatord
