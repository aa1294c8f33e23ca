// The load driver of bench.py: each subcommand is one measurement of a cluster that
// runs already, and prints JSON lines.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "openssl/crypto.h"
#include "tests/bench/access.h"
#include "tests/bench/bare_server.h"
#include "tests/bench/calls.h"
#include "tests/bench/crowd.h"
#include "tests/bench/heartbeats.h"
#include "tests/bench/listings.h"
#include "tests/bench/raw_etcd.h"
#include "tests/bench/seed.h"

namespace curator::bench {
namespace {

const std::map<std::string, Role> kRoles = {{"owner", Role::kOwner},
                                            {"node", Role::kNode},
                                            {"ephemeral", Role::kEphemeral},
                                            {"join", Role::kJoin}};

struct Flags {
  Access access;
  SeedOptions seed;
  CallsOptions calls;
  HeartbeatsOptions heartbeats;
  BareServerOptions bare;
  RawEtcdOptions raw;
  CrowdOptions crowd;
  EtcdRangeOptions range;
  std::vector<std::string> processes;  // NAME=PID
  double seconds = 3;
  double heartbeat_seconds = 5;
  int outstanding = 1;
  int64_t call_count = 0;
  int times = 1;

  Processes Watched() const {
    Processes watched;
    for (const std::string& process : processes) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(process, '=');
      if (!absl::SimpleAtoi(parts.second, &watched[parts.first])) Fail("--process NAME=PID");
    }
    return watched;
  }
  Load load() const { return {outstanding, absl::Seconds(seconds), call_count}; }
};

void AddSubcommand(CLI::App* app, const std::string& name, const std::string& what,
                   const std::function<void(CLI::App*)>& add_flags, std::function<void()> run) {
  CLI::App* const subcommand = app->add_subcommand(name, what);
  add_flags(subcommand);
  subcommand->callback(std::move(run));
}

void AddLoadFlags(CLI::App* app, Flags* flags) {
  app->add_option("--outstanding", flags->outstanding);
  app->add_option("--seconds", flags->seconds);
  app->add_option("--calls", flags->call_count, "instead of --seconds");
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("load driver of bench.py");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--address", flags.access.address, "of the server, host:port");
  app.add_option("--ca", flags.access.ca_file);
  app.add_option("--cert", flags.access.certificate_file, "the owner's");
  app.add_option("--key", flags.access.key_file);
  app.add_option("--actors", flags.access.actors_file, "what seed wrote");
  app.add_option("--process", flags.processes, "NAME=PID: whose processor time to show");

  AddSubcommand(
      &app, "seed", "fill the store with nodes",
      [&](CLI::App* sub) {
        sub->add_option("--store", flags.seed.store_url)->required();
        sub->add_option("--nodes", flags.seed.nodes);
        sub->add_option("--known", flags.seed.actors, "how many of them --actors speaks for");
        sub->add_option("--strangers", flags.seed.strangers);
      },
      [&] {
        flags.seed.actors_file = flags.access.actors_file;
        Seed(flags.seed);
      });
  AddSubcommand(
      &app, "calls", "call one method in a closed loop",
      [&](CLI::App* sub) {
        sub->add_option("--method", flags.calls.method)->required();
        sub->add_option("--request", flags.calls.request, "in protobuf's text form");
        sub->add_option("--as", flags.calls.role)->transform(CLI::CheckedTransformer(kRoles));
        sub->add_option("--connections", flags.calls.connections);
        sub->add_option("--first-actor", flags.calls.first_actor);
        sub->add_flag("--first-message-only", flags.calls.first_message_only);
        AddLoadFlags(sub, &flags);
      },
      [&] {
        flags.calls.load = flags.load();
        MeasureCalls(flags.access, flags.calls, flags.Watched());
      });
  AddSubcommand(
      &app, "heartbeats", "heartbeats as fast as they are answered",
      [&](CLI::App* sub) {
        sub->add_option("--streams", flags.heartbeats.streams);
        sub->add_option("--depth", flags.heartbeats.depth);
        sub->add_option("--seconds", flags.seconds);
      },
      [&] {
        flags.heartbeats.duration = absl::Seconds(flags.seconds);
        MeasureHeartbeats(flags.access, flags.heartbeats, flags.Watched());
      });
  const auto add_times = [&](CLI::App* sub) { sub->add_option("--times", flags.times); };
  AddSubcommand(&app, "get-nodes", "list all nodes", add_times,
                [&] { MeasureGetNodes(flags.access, flags.times, flags.Watched()); });
  AddSubcommand(&app, "list-nodes", "list all nodes in batches", add_times,
                [&] { MeasureListNodes(flags.access, flags.times, flags.Watched()); });
  AddSubcommand(&app, "watch-all", "watch all nodes until caught up", add_times,
                [&] { MeasureWatchAll(flags.access, flags.times, flags.Watched()); });
  AddSubcommand(
      &app, "etcd-range", "read the nodes' records from etcd",
      [&](CLI::App* sub) {
        sub->add_option("--times", flags.range.times);
        sub->add_option("--etcd", flags.range.address, "host:port")->required();
        sub->add_option("--page", flags.range.page, "keys");
        sub->add_flag("--everything", flags.range.everything, "all of the cluster's keys");
      },
      [&] { MeasureEtcdRange(flags.range, flags.Watched()); });
  AddSubcommand(
      &app, "raw-puts", "fenced puts into etcd",
      [&](CLI::App* sub) {
        sub->add_option("--etcd", flags.raw.address, "host:port")->required();
        sub->add_option("--connections", flags.raw.connections);
        sub->add_option("--bytes", flags.raw.bytes, "of a value");
        AddLoadFlags(sub, &flags);
      },
      [&] {
        flags.raw.load = flags.load();
        MeasureRawPuts(flags.raw, flags.Watched());
      });
  AddSubcommand(
      &app, "bare-server", "what gRPC does with nothing behind it, until stdin ends",
      [&](CLI::App* sub) {
        sub->add_option("--messages", flags.bare.messages);
        sub->add_option("--bytes", flags.bare.bytes);
      },
      [&] { RunBareServer(flags.access, flags.bare); });
  AddSubcommand(
      &app, "crowd", "watchers and agents that stay; commands on stdin",
      [&](CLI::App* sub) {
        sub->add_option("--curator", flags.crowd.curators, "addresses, of all")->required();
        sub->add_option("--watchers", flags.crowd.watchers);
        sub->add_option("--connections", flags.crowd.watcher_connections);
        sub->add_option("--agents", flags.crowd.agents);
        sub->add_option("--every", flags.heartbeat_seconds, "seconds between heartbeats");
        sub->add_option("--watchers-at-once", flags.crowd.watchers_at_once);
      },
      [&] {
        flags.crowd.heartbeat_interval = absl::Seconds(flags.heartbeat_seconds);
        RunCrowd(flags.access, flags.crowd);
      });
  CLI11_PARSE(app, argc, argv);
  return 0;
}

}  // namespace
}  // namespace curator::bench

int main(int argc, char** argv) {
  // At exit OpenSSL would take away what threads of gRPC still use.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  // Debian builds Abseil with it, at a cost to every lock of gRPC.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return curator::bench::Main(argc, argv);
}
