// curatorctl: argv to command, command to document, document to bytes, status to
// exit code. Ends by _exit: gRPC's threads and static destructors are not waited
// for, which saves a third of a short command's time.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command_tree.h"
#include "cli/config_file.h"
#include "cli/error_text.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/interruption.h"
#include "cli/node_completion.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "cli/usage.h"

extern char** environ;

namespace curator::cli {
namespace {

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    environment.variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  environment.stdin_is_terminal = isatty(STDIN_FILENO) == 1;
  environment.stdout_is_terminal = isatty(STDOUT_FILENO) == 1;
  environment.stderr_is_terminal = isatty(STDERR_FILENO) == 1;
  return environment;
}

// How failures are shown, as far as it is known yet.
struct Reporting {
  bool machine = false;
  ErrorContext context;
};

ExitCode Report(const absl::Status& status, const Reporting& reporting, ExitCode interrupted) {
  if (status.ok()) return ExitCode::kOk;
  ExitCode code = ExitCodeOf(status);
  // A call that was cancelled, was so by a signal: say which.
  if (code == ExitCode::kInterrupted && interrupted != ExitCode::kOk) code = interrupted;
  if (code == ExitCode::kClosedPipe) return code;
  WriteAll(STDERR_FILENO, reporting.machine ? ErrorAsJson(status, reporting.context)
                                            : ErrorForPeople(status, reporting.context));
  return code;
}

// Fails with exit code kClosedPipe if nobody reads any more.
absl::Status Print(const std::string& text) {
  if (WriteAll(STDOUT_FILENO, text)) return absl::OkStatus();
  if (errno == EPIPE) return Failure(ExitCode::kClosedPipe, "stdout is closed");
  return Failure(ExitCode::kError, "cannot write to stdout", std::strerror(errno));
}

// "understood: node approve --endpoint=10.0.0.1 ID=metropolis-…"
std::string Understood(const ParsedCommand& command) {
  std::string text = absl::StrCat("understood: ", command.path);
  for (const auto& [name, values] : command.given) {
    for (const std::string& value : values) absl::StrAppend(&text, " ", name, "=", value);
  }
  return text;
}

ExitCode RunCommand(const ParsedCommand& command, Settings settings, ConfigFile file,
                    const Environment& environment, Interruption& interruption,
                    Reporting& reporting, absl::Status config_fault) {
  const FormatOptions format{settings.output.value, settings.headers, settings.color,
                             settings.sort};
  const bool dumb = environment.Get("TERM").value_or("dumb") == "dumb";
  TerminalOptions options;
  options.can_ask =
      environment.stdin_is_terminal && environment.stderr_is_terminal && !settings.no_input.value;
  options.stdout_is_terminal = environment.stdout_is_terminal;
  options.show_progress = environment.stderr_is_terminal && !dumb && !settings.quiet &&
                          !IsMachine(settings.output.value.format);
  // Programs that read JSON read errors from stderr: notes would be in the way.
  options.quiet = settings.quiet || (IsMachine(settings.output.value.format) &&
                                     !environment.stderr_is_terminal && settings.verbosity == 0);
  // Neither the terminal nor the session is destroyed: that would wait for gRPC to take
  // down all that it has built up.
  auto& terminal = *new StandardTerminal(options, interruption);
  for (const std::string& warning : file.warnings()) {
    terminal.Note(absl::StrCat("warning: ", warning));
  }
  auto& session = *new Session(std::move(settings), std::move(file), terminal, interruption);
  session.SetConfigFault(std::move(config_fault));
  if (session.settings().verbosity > 1) terminal.Note(Understood(command));
  StreamRenderer renderer(format);
  session.SetSink([&](Document document) {
    if (!session.has_emitted()) interruption.WatchReader(STDOUT_FILENO);
    absl::StatusOr<std::string> text = renderer.Next(std::move(document));
    return text.ok() ? Print(*text) : text.status();
  });
  const auto report = [&](const absl::Status& status) {
    // A signal is how a command ends that shows what happens: no failure to explain.
    const bool ended = session.has_emitted() && ExitCodeOf(status) == ExitCode::kInterrupted;
    if (ended && interruption.interrupted()) return interruption.exit_code();
    return Report(status, reporting, interruption.exit_code());
  };
  absl::StatusOr<CommandResult> result = command.run(session);
  session.KeepWhatWasLearnt();
  if (session.file().has_spared_writes()) {
    terminal.Note(
        absl::StrCat("dry run: nothing was written; the file is ", session.file().path()));
  }
  terminal.Progress("");
  if (!result.ok()) return report(result.status());
  if (!result->document.kind.empty()) {
    absl::StatusOr<std::string> text = Render(std::move(result->document), format);
    const absl::Status printed = text.ok() ? Print(*text) : text.status();
    if (!printed.ok()) return report(printed);
  }
  return report(result->status);
}

ExitCode Main(const std::vector<std::string>& arguments) {
  const Environment environment = ReadEnvironment();
  if (arguments.size() > 1 && arguments[0] == kCompleteCommand) {
    WriteAll(STDOUT_FILENO,
             CompleteNodes(arguments[1], {arguments.begin() + 2, arguments.end()}, environment));
    return ExitCode::kOk;
  }
  // A closed pipe is seen where it is written to.
  std::signal(SIGPIPE, SIG_IGN);
  // Outlives everything: its thread is never joined.
  auto& interruption = *new Interruption();
  interruption.Watch();

  Reporting reporting;
  const auto format_by_now = [&](const std::string& text) {
    const absl::StatusOr<OutputFormat> output = ParseOutputFormat(text);
    reporting.machine = output.ok() && IsMachine(output->format);
  };
  format_by_now(
      OutputFlag(arguments).value_or(environment.Get("CURATORCTL_OUTPUT").value_or("table")));
  const auto fail = [&](const absl::Status& status) {
    return Report(status, reporting, interruption.exit_code());
  };

  absl::StatusOr<ParsedCommand> command = ParseCommandLine(arguments);
  if (!command.ok()) return fail(command.status());
  if (!command->help.empty()) return fail(Print(command->help));

  absl::StatusOr<Effective<std::string>> path = ConfigPath(command->flags, environment);
  absl::StatusOr<ConfigFile> file = ConfigFile();
  absl::Status config_fault;
  if (!command->offline) {
    if (!path.ok()) return fail(path.status());
    file = ConfigFile::Load(path->value);
    if (!file.ok() && !command->diagnoses) return fail(file.status());
    if (!file.ok()) {
      config_fault = file.status();
      file = ConfigFile::NoneAt(path->value);
    }
  }
  absl::StatusOr<Settings> settings = ResolveSettings(
      command->flags, environment, path.ok() ? *path : Effective<std::string>(), *file);
  if (!settings.ok()) return fail(settings.status());
  reporting.machine = IsMachine(settings->output.value.format);
  if (settings->context.has_value()) reporting.context.context_name = settings->context_name.value;
  reporting.context.color = settings->color && environment.stderr_is_terminal;
  return RunCommand(*command, *std::move(settings), *std::move(file), environment, interruption,
                    reporting, std::move(config_fault));
}

}  // namespace
}  // namespace curator::cli

int main(int argc, char** argv) {
  // gRPC would write handshake failures to stderr, between our own errors; whoever
  // wants to see them sets the variable.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  _exit(static_cast<int>(curator::cli::Main(std::vector<std::string>(argv + 1, argv + argc))));
}
