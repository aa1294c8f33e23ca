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
#include "cli/document.h"
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

// Shows a document now, while the command goes on. Fails if nobody reads any more.
using Sink = std::function<absl::Status(Document)>;

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

  // Why the config file could not be read, for commands that run all the same.
  void SetConfigFault(absl::Status fault) { config_fault_ = std::move(fault); }
  const absl::Status& config_fault() const { return config_fault_; }

  // Where Emit goes: standard output, in main. None: nowhere.
  void SetSink(Sink sink) { sink_ = std::move(sink); }
  // For commands that show what happens as it happens. A failure also interrupts
  // the command: what it waits for ends, and it should return this status.
  absl::Status Emit(Document document);
  // Interrupts the command for a failure of another kind, which it should return.
  void InterruptFor(const absl::Status& failure);
  bool has_emitted() const { return has_emitted_; }

  // For commands that run until they are ended: the built-in limit of time does
  // not apply to them, only one that was asked for. Before GetClient.
  void RunUntilEnded();

  // What is left of the command's time.
  absl::Duration Remaining() const;
  absl::Duration Elapsed() const;
  CallOptions GetCallOptions() const;

  // Asks "`action`?" below `details` (lines, or nothing). OK if confirmed, or with
  // --yes; exit code kNotConfirmed if declined or if there is nobody to ask. The
  // time a person takes does not count against the command's.
  absl::Status Confirm(absl::string_view action, absl::string_view details);
  // The same for what takes something away. In a protected context the answer is the
  // context's name; else it is `word`, or yes if `word` is empty.
  absl::Status ConfirmLoss(absl::string_view action, absl::string_view details,
                           absl::string_view word = "");
  // A question about trust: --yes is no answer to it. Anything but yes is no.
  absl::StatusOr<bool> Ask(absl::string_view question);

  // "cluster "lab"", "the cluster at 10.0.1.5" or, with nothing to name, "the cluster".
  std::string ClusterName() const;

 private:
  void OnProgress(const Progress& progress);
  absl::StatusOr<std::string> AskFor(absl::string_view question);
  // OK with --yes, kNotConfirmed if there is nobody to ask; none: ask.
  absl::optional<absl::Status> AnsweredAlready(absl::string_view action) const;

  const Settings settings_;
  absl::Duration timeout_;
  bool runs_until_ended_ = false;
  ConfigFile file_;
  Terminal& terminal_;
  Interruption& interruption_;
  const absl::Duration started_;  // monotonic clock
  absl::Duration asked_ = absl::ZeroDuration();
  absl::Status config_fault_;
  Sink sink_;
  bool has_emitted_ = false;
  absl::optional<ClusterCa> ca_;
  std::unique_ptr<Client> client_;  // last: calls OnProgress until it is gone
};

}  // namespace curator::cli

#endif  // CLI_SESSION_H_
