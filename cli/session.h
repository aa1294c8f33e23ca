// What a command works with: settings, the config file, the terminal, and a
// client that is made when it is first asked for. One per process run.
#ifndef CLI_SESSION_H_
#define CLI_SESSION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cli/config_file.h"
#include "cli/interruption.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "curator/client.h"
#include "curator/credentials.h"

namespace curator::cli {

// Where to connect and whom to trust there.
struct Target {
  std::vector<std::string> endpoints;
  absl::optional<Identity> identity;
};

class Session {
 public:
  Session(Settings settings, ConfigFile file, Terminal& terminal, Interruption& interruption);

  const Settings& settings() const { return settings_; }
  ConfigFile& file() { return file_; }
  Terminal& terminal() { return terminal_; }
  const Interruption& interruption() const { return interruption_; }

  // The context in use, where the command needs one: kUsage if none is named or
  // it does not exist.
  absl::StatusOr<Context> RequireContext() const;

  // Endpoints and identity of the settings; kUsage if there are no endpoints.
  absl::StatusOr<Target> ResolveTarget() const;

  // A client of the cluster. Decides trust first, which may ask (trust.h).
  absl::StatusOr<Client*> GetClient();
  // The same with another identity, as a client of its own.
  absl::StatusOr<std::unique_ptr<Client>> MakeClient(const Target& target, const ClusterCa& ca);

  const absl::optional<ClusterCa>& trusted_ca() const { return ca_; }

  // What is left of the command's time.
  absl::Duration Remaining() const;
  absl::Duration Elapsed() const;
  CallOptions GetCallOptions() const;

  // Asks "`action`?" below `details` (lines, or nothing). OK if confirmed, or with
  // --yes; exit code kNotConfirmed if declined or if there is nobody to ask. The
  // time a person takes does not count against the command's.
  absl::Status Confirm(absl::string_view action, absl::string_view details);
  // A question about trust: --yes is no answer to it.
  absl::StatusOr<bool> Ask(absl::string_view question);

  // "cluster "lab"", "the cluster at 10.0.1.5" or, with nothing to name, "the cluster".
  std::string ClusterName() const;

 private:
  void OnProgress(const Progress& progress);

  const Settings settings_;
  ConfigFile file_;
  Terminal& terminal_;
  Interruption& interruption_;
  const absl::Duration started_;  // monotonic clock
  absl::Duration asked_ = absl::ZeroDuration();
  absl::optional<ClusterCa> ca_;
  std::unique_ptr<Client> client_;  // last: calls OnProgress until it is gone
};

}  // namespace curator::cli

#endif  // CLI_SESSION_H_
