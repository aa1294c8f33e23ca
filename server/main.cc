// curatord: manages the nodes of a cluster. See docs/operations.md.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "libclient/process/command_line.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/explained.h"
#include "server/limits.h"
#include "server/surroundings.h"
#include "server/version.h"

namespace {

using curatord::RunSettings;

template <typename T>
void AddSetting(CLI::App* app, const std::string& name, absl::optional<T>* setting,
                const std::string& description) {
  app->add_option_function<T>(
      name, [setting](const T& value) { *setting = value; }, description);
}

// Exits with what `status` deserves; output is flushed, nothing is torn down.
[[noreturn]] void End(const absl::Status& status) {
  if (!status.ok()) std::fputs(curatord::ExplainedText(status).c_str(), stderr);
  std::fflush(stdout);
  std::fflush(stderr);
  ::_exit(curatord::ExitCodeOf(status));
}

absl::Status RunFromSettings(const RunSettings& flags, const std::string& config_file) {
  RunSettings file;
  if (!config_file.empty()) {
    absl::StatusOr<RunSettings> loaded = curatord::LoadRunSettings(config_file);
    if (!loaded.ok()) return loaded.status();
    file = *std::move(loaded);
  }
  absl::StatusOr<curatord::RunConfig> config = curatord::MakeRunConfig(flags, file);
  if (!config.ok()) return config.status();
  return curatord::Run(*config);
}

}  // namespace

int main(int argc, char** argv) {
  curatord::DisableCoreDumps();
  // Debian's Abseil looks at the order of locks at each locking, a twentieth of a leader's
  // time under load. The tests keep it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  CLI::App app("curatord manages the nodes of a cluster.", "curatord");
  app.require_subcommand(1);
  app.set_version_flag("--version", curatord::kVersion);

  curatord::InitOptions init_options;
  CLI::App* init = app.add_subcommand("init", "Set up a new cluster: its CA, first node and owner");
  init->add_option("--data-dir", init_options.data_dir, "Where this curator keeps its identity")
      ->required();
  init->add_option("--owner-public-key", init_options.owner_public_key_file,
                   "PEM file of `curatorctl cred new-key`: who may take ownership")
      ->required();
  AddSetting(init, "--store", &init_options.store_url,
             "Where the cluster's state rests (default: sqlite, store.db in the data directory)");
  AddSetting(init, "--domain", &init_options.domain, "Domain of the cluster (cluster.internal)");
  AddSetting(init, "--tpm-mode", &init_options.tpm_mode,
             "required (default), best-effort or disabled");
  AddSetting(init, "--storage-security", &init_options.storage_security,
             "permissive, needs-encryption, needs-encryption-and-authentication (default) or "
             "needs-insecure");

  curatord::JoinOptions join_options;
  CLI::App* join = app.add_subcommand("join", "Become a node of an existing cluster");
  join->add_option("--data-dir", join_options.data_dir, "Where this curator keeps its identity")
      ->required();
  join->add_option("--endpoint", join_options.endpoints, "Any curator: HOST[:7835], repeatable")
      ->required()
      ->delimiter(',');
  join->add_option("--ca-sha256", join_options.ca_sha256, "Fingerprint of the cluster's CA")
      ->required();
  join->add_option("--ticket-file", join_options.ticket_file,
                   "Register ticket, raw, hex or base64 (curatorctl ticket show)")
      ->required();
  join->add_flag("--accept-unproven", join_options.accept_unproven,
                 "Believe leaders that do not prove that they lead: existing servers");

  RunSettings run_settings;
  std::string config_file;
  CLI::App* run = app.add_subcommand("run", "Serve");
  AddSetting(run, "--data-dir", &run_settings.data_dir, "Where this curator keeps its identity");
  AddSetting(run, "--store", &run_settings.store,
             "sqlite:///ABSOLUTE/PATH (default: store.db in the data directory) or "
             "etcd://HOST:2379,…");
  AddSetting(run, "--listen", &run_settings.listen, "ADDR[:7835]");
  AddSetting(run, "--advertise", &run_settings.advertise,
             "IP[:PORT] where others reach it (default: what it listens on)");
  AddSetting(run, "--lease-ttl", &run_settings.lease_ttl, "Of the leader's lease (10s)");
  AddSetting(run, "--fast-takeover", &run_settings.fast_takeover,
             "on or off: depose a leader whose process is gone before its lease ends (on)");
  AddSetting(run, "--metrics-listen", &run_settings.metrics_listen,
             "ADDR:PORT of GET /metrics for Prometheus, plain HTTP (default: none)");
  AddSetting(run, "--log-level", &run_settings.log_level, "debug, info, warn or error");
  run->add_option_function<std::vector<std::string>>(
         "--limit",
         [&run_settings](const std::vector<std::string>& limits) {
           for (const std::string& limit : limits) {
             run_settings.limits.push_back(absl::StrSplit(limit, absl::MaxSplits('=', 1)));
           }
         },
         absl::StrCat("NAME=NUMBER, repeatable: what others may cost (", curatord::LimitNames(),
                      "; docs/operations.md)"))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  run->add_option("--config", config_file, "YAML file with the same settings");

  curatord::MigrateOptions migrate_options;
  CLI::App* migrate = app.add_subcommand(
      "migrate", "Copy a cluster's state to another store, while no curator runs");
  migrate->add_option("--from", migrate_options.from, "Store URL to read")->required();
  migrate->add_option("--to", migrate_options.to, "Store URL to fill; must hold nothing")
      ->required();

  curatord::OwnerReplaceOptions owner_options;
  CLI::App* owner = app.add_subcommand("owner", "Who owns a cluster");
  owner->require_subcommand(1);
  CLI::App* replace = owner->add_subcommand(
      "replace",
      "Give the cluster another owner, whose key was lost or stolen: the old certificate counts "
      "for nothing from then on. Curators may run or not");
  AddSetting(replace, "--data-dir", &owner_options.data_dir,
             "Of a curator of the cluster, with the store in it unless --store is given");
  AddSetting(replace, "--store", &owner_options.store_url, "As for run");
  replace
      ->add_option("--owner-public-key", owner_options.owner_public_key_file,
                   "PEM file of `curatorctl cred new-key`: who may take ownership from now on")
      ->required();

  curatord::DevOptions dev_options;
  CLI::App* dev =
      app.add_subcommand("dev", "Run a whole cluster on this machine, until interrupted");
  dev->add_option("--curators", dev_options.curators, "How many curators")
      ->check(CLI::Range(1, 99))
      ->capture_default_str();
  dev->add_option("--nodes", dev_options.nodes, "How many node agents")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  dev->add_option("--dir", dev_options.dir, "Where everything lives (default: ./curator-dev)");
  AddSetting(dev, "--store", &dev_options.store_url, "Store of the curators (default: sqlite)");

  std::vector<std::string> ordered;
  const absl::optional<curator::LineFault> fault =
      curator::PutInOrder(app, std::vector<std::string>(argv + 1, argv + argc), &ordered);
  if (fault.has_value()) {
    End(curatord::Explained(absl::InvalidArgumentError(fault->what),
                            fault->why.empty() ? "the command line is not understood" : fault->why,
                            absl::StrCat("see curatord ", fault->command,
                                         fault->command.empty() ? "" : " ", "--help")));
  }
  try {
    app.parse(std::vector<std::string>(ordered.rbegin(), ordered.rend()));
  } catch (const CLI::Success& help) {
    app.exit(help);
    End(absl::OkStatus());
  } catch (const CLI::ParseError& error) {
    End(curatord::Explained(absl::InvalidArgumentError(error.what()),
                            "the command line is not understood", "see curatord --help"));
  }
  if (init->parsed()) End(curatord::Init(init_options));
  if (join->parsed()) End(curatord::Join(join_options));
  if (migrate->parsed()) End(curatord::Migrate(migrate_options));
  if (replace->parsed()) End(curatord::ReplaceOwner(owner_options));
  if (run->parsed()) End(RunFromSettings(run_settings, config_file));
  End(curatord::Dev(dev_options));
}
