#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/commands.h"
#include "server/dev/dev_cluster.h"
#include "server/explained.h"
#include "server/log.h"
#include "server/signals.h"

namespace curatord {

absl::Status Dev(const DevOptions& given) {
  DevOptions options = given;
  if (options.dir.empty()) options.dir = "curator-dev";
  options.dir = std::filesystem::absolute(options.dir).lexically_normal().string();
  BlockStopSignals();
  RouteGrpcLogs();
  // For DevCluster, which waits for its children by this signal.
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child, nullptr);

  const curator::Cancellation cancellation;
  absl::Notification stop;
  // Lives as long as the process: a second signal ends it.
  std::thread([cancellation, &stop] {
    WaitForStopSignal();
    cancellation.Cancel();
    stop.Notify();
  }).detach();

  const absl::Time started = absl::Now();
  DevCluster cluster(options);
  if (absl::Status up = cluster.Start(cancellation); !up.ok()) {
    return cancellation.cancelled() ? absl::OkStatus() : up;
  }
  std::printf(
      "cluster of %d curators and %d nodes is up after %.1f s, in %s\n"
      "  curatorctl --config %s node list\n"
      "  curatorctl --config %s node approve --all\n"
      "stop it with Ctrl-C; what happens is in %s/*/log\n",
      options.curators, options.nodes, absl::ToDoubleSeconds(absl::Now() - started),
      options.dir.c_str(), cluster.context_file().c_str(), cluster.context_file().c_str(),
      options.dir.c_str());
  std::fflush(stdout);
  while (!stop.WaitForNotificationWithTimeout(absl::Milliseconds(200))) {
    cluster.ReportEndedChildren();
  }
  cluster.Stop();
  return absl::OkStatus();
}

}  // namespace curatord
