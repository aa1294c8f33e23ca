// curator-agent: a node of a cluster as a program, or several of them for labs.
// Registers, waits for approval, commits, and from then on reports status and
// heartbeats, until told to stop, or decommissioned, or until the cluster does not
// want it any more.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/error_text.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/interruption.h"
#include "cli/terminal.h"
#include "curator/credentials.h"
#include "curator/error.h"
#include "curator/node_agent.h"
#include "libclient/process/command_line.h"

namespace curator::cli {
namespace {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
constexpr const char* kLogLevels[] = {"debug", "info", "warn", "error"};
constexpr int kMaxNodes = 1000;

struct Flags {
  std::vector<std::string> endpoints;
  std::string ca_sha256;
  std::string ticket_file;
  std::string data_dir;
  std::vector<std::string> labels;
  int count = 1;
  std::string address;
  std::string log_level = "info";
  bool accept_unproven = false;
};

// logfmt on stderr, one write for each line.
class Logger {
 public:
  explicit Logger(LogLevel minimum) : minimum_(minimum) {}

  // `agent` 0: the only one.
  void Write(LogLevel level, int agent, absl::string_view message) const {
    if (level < minimum_) return;
    std::string line = absl::StrCat(
        "time=", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
        " level=", kLogLevels[static_cast<int>(level)], " msg=\"", absl::Utf8SafeCEscape(message),
        "\"");
    if (agent > 0) absl::StrAppend(&line, " agent=", agent);
    WriteAll(STDERR_FILENO, absl::StrCat(line, "\n"));
  }

 private:
  const LogLevel minimum_;
};

absl::Status Usage(std::string message, const absl::Status& cause) {
  return Failure(ExitCode::kUsage, std::move(message), std::string(cause.message()),
                 {"curator-agent --help"});
}

absl::StatusOr<NodeAgentOptions> OptionsFrom(const Flags& flags) {
  NodeAgentOptions options;
  options.endpoints = flags.endpoints;
  options.external_address = flags.address;
  options.accept_unproven = flags.accept_unproven;
  const absl::StatusOr<std::string> fingerprint = ParseFingerprint(flags.ca_sha256);
  if (!fingerprint.ok()) return Usage("--ca-sha256 is no fingerprint", fingerprint.status());
  options.ca_sha256 = *fingerprint;
  if (!flags.ticket_file.empty()) {
    const absl::StatusOr<std::string> contents = ReadFile(flags.ticket_file);
    if (!contents.ok()) {
      return Usage(absl::StrCat("cannot read the ticket file ", flags.ticket_file),
                   contents.status());
    }
    absl::StatusOr<std::string> ticket = ParseRegisterTicket(*contents);
    if (!ticket.ok()) {
      return Usage(absl::StrCat(flags.ticket_file, " holds no ticket"), ticket.status());
    }
    options.register_ticket = *std::move(ticket);
  }
  for (const std::string& label : flags.labels) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (pair.first.empty() || label.find('=') == std::string::npos ||
        !options.labels.insert(pair).second) {
      return Failure(ExitCode::kUsage, absl::StrCat("--label \"", label, "\" cannot be used"),
                     "labels are KEY=VALUE, each key once", {"curator-agent --help"});
    }
  }
  return options;
}

absl::StatusOr<LogLevel> LogLevelFrom(const std::string& text) {
  for (LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (text == kLogLevels[static_cast<int>(level)]) return level;
  }
  return Failure(ExitCode::kUsage, absl::StrCat("unknown log level \"", text, "\""), "",
                 {"use debug, info, warn or error"});
}

ExitCode Report(const absl::Status& status) {
  WriteAll(STDERR_FILENO, ErrorForPeople(status, ErrorContext()));
  return ExitCodeOf(status);
}

// Blocks until cancelled or finally refused; then the error is reported here, for
// the other agents go on.
ExitCode RunAgent(NodeAgentOptions options, int agent, const Logger& logger,
                  const Cancellation& cancellation) {
  options.on_log = [&logger, agent](absl::string_view line) {
    logger.Write(LogLevel::kInfo, agent, line);
  };
  options.on_step = [&logger, agent](NodeAgentStep step) {
    logger.Write(LogLevel::kDebug, agent, absl::StrCat("step: ", ToString(step)));
  };
  const std::string data_dir = options.data_dir;
  for (const std::string& exposed : ExposedFiles(data_dir)) {
    logger.Write(LogLevel::kWarning, agent, absl::StrCat("exposed: ", exposed));
  }
  const absl::Status status = NodeAgent(std::move(options)).Run(cancellation);
  if (status.ok()) {
    logger.Write(LogLevel::kInfo, agent,
                 absl::StrCat("decommissioned: the cluster has let this node go, and ", data_dir,
                              " can be removed"));
    return ExitCode::kOk;
  }
  if (cancellation.cancelled()) return ExitCode::kOk;
  logger.Write(LogLevel::kError, agent, absl::StrCat("stopped: ", status.message()));
  return Report(status);
}

ExitCode RunAgents(const NodeAgentOptions& options, const Flags& flags, const Logger& logger,
                   const Cancellation& cancellation) {
  std::vector<ExitCode> ends(static_cast<size_t>(flags.count), ExitCode::kOk);
  std::vector<std::thread> threads;
  for (int i = 0; i < flags.count; ++i) {
    const int agent = flags.count > 1 ? i + 1 : 0;
    NodeAgentOptions own = options;
    own.data_dir = agent == 0 ? flags.data_dir : absl::StrCat(flags.data_dir, "/", agent);
    threads.emplace_back(
        [own = std::move(own), agent, &logger, &cancellation, &end = ends[static_cast<size_t>(i)]] {
          end = RunAgent(own, agent, logger, cancellation);
        });
  }
  for (std::thread& thread : threads) thread.join();
  size_t failed = 0;
  ExitCode last = ExitCode::kOk;
  for (ExitCode end : ends) {
    if (end == ExitCode::kOk) continue;
    ++failed;
    last = end;
  }
  return failed == 0 || failed == ends.size() ? last : ExitCode::kPartial;
}

// The memory of this process holds keys.
void DisableCoreDumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // The limit is not asked where a program is to take the core.
  prctl(PR_SET_DUMPABLE, 0);
}

ExitCode Main(int argc, char** argv) {
  DisableCoreDumps();
  std::signal(SIGPIPE, SIG_IGN);
  // Outlives everything: its thread is never joined.
  auto& interruption = *new Interruption();
  interruption.Watch();

  Flags flags;
  CLI::App app("Runs a node of a curator cluster: registers it, keeps it alive.", "curator-agent");
  app.add_option("-e,--endpoint", flags.endpoints,
                 "HOST[:7835] of a curator; repeatable, or a list with commas")
      ->required()
      ->delimiter(',');
  app.add_option("--ca-sha256", flags.ca_sha256, "SHA-256 of the cluster's CA certificate (DER)")
      ->required();
  app.add_option("--ticket-file", flags.ticket_file,
                 "register ticket: raw, hex or base64; needed until registered");
  app.add_option("--data-dir", flags.data_dir,
                 "where keys and certificate are kept; with --count below 1, 2, …")
      ->required();
  app.add_option("--label", flags.labels, "KEY=VALUE, repeatable");
  app.add_option("--count", flags.count, "run so many nodes, each of its own")
      ->check(CLI::Range(1, kMaxNodes));
  app.add_option("--address", flags.address,
                 "IP address to report; default: the one that reaches the leader");
  app.add_flag("--accept-unproven", flags.accept_unproven,
               "believe leaders that do not prove that they lead: those of the existing system");
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error");
  std::vector<std::string> ordered;
  const absl::optional<LineFault> fault =
      PutInOrder(app, std::vector<std::string>(argv + 1, argv + argc), &ordered);
  if (fault.has_value()) {
    return Report(Failure(ExitCode::kUsage, fault->what, fault->why, {"curator-agent --help"}));
  }
  try {
    app.parse(std::vector<std::string>(ordered.rbegin(), ordered.rend()));
  } catch (const CLI::CallForHelp&) {
    WriteAll(STDOUT_FILENO, app.help());
    return ExitCode::kOk;
  } catch (const CLI::ParseError& error) {
    return Report(Failure(ExitCode::kUsage, error.what(), "", {"curator-agent --help"}));
  }
  const absl::StatusOr<LogLevel> level = LogLevelFrom(flags.log_level);
  if (!level.ok()) return Report(level.status());
  const absl::StatusOr<NodeAgentOptions> options = OptionsFrom(flags);
  if (!options.ok()) return Report(options.status());
  const Logger logger(*level);
  return RunAgents(*options, flags, logger, interruption.cancellation());
}

}  // namespace
}  // namespace curator::cli

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);  // stderr is for our own lines
  _exit(static_cast<int>(curator::cli::Main(argc, argv)));
}
