#include "cli/node_completion.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/cache.h"
#include "cli/command_tree.h"
#include "cli/commands/node.h"
#include "cli/config_file.h"
#include "cli/interruption.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace curator::cli {
namespace {

// Who presses the key several times gets one answer.
constexpr absl::Duration kFresh = absl::Seconds(5);
// With what starting and ending take, a person does not notice it.
constexpr absl::Duration kAskingTimeout = absl::Milliseconds(200);

bool IsFresh(const Learnt& cached) {
  const absl::Duration age = absl::Now() - cached.nodes_seen_at;
  return cached.node_ids.has_value() && age >= absl::ZeroDuration() && age < kFresh;
}

Learnt Ask(Settings settings, ConfigFile file, const Learnt& cached) {
  settings.timeout.value = kAskingTimeout;
  TerminalOptions options;
  options.quiet = true;
  // Neither is destroyed: the process ends as soon as it has answered.
  auto& interruption = *new Interruption();
  auto& terminal = *new StandardTerminal(options, interruption);
  auto& session = *new Session(std::move(settings), std::move(file), terminal, interruption);
  absl::StatusOr<NodeList> list = session.ListNodes();
  if (!list.ok()) return cached.node_ids.has_value() ? cached : session.cached();
  session.KeepWhatWasLearnt();
  Learnt asked;
  asked.node_ids.emplace();
  for (Node& node : list->nodes) asked.node_ids->push_back(std::move(node.id));
  return asked;
}

Learnt Find(const std::vector<std::string>& words, const Environment& environment) {
  const absl::optional<GlobalFlags> flags = TargetFlags(words);
  if (!flags.has_value()) return Learnt();
  absl::StatusOr<Effective<std::string>> path = ConfigPath(*flags, environment);
  if (!path.ok()) return Learnt();
  absl::StatusOr<ConfigFile> file = ConfigFile::Load(path->value);
  if (!file.ok()) return Learnt();
  absl::StatusOr<Settings> settings = ResolveSettings(*flags, environment, *path, *file);
  // Without a CA it would have to be decided whom to trust, which is not for a key
  // press to do.
  if (!settings.ok() || settings->ca.value.empty()) return Learnt();
  Learnt cached;
  if (const std::string& pin = settings->ca.value.sha256; !pin.empty()) {
    cached = Cache(settings->cache_path).Read(pin);
  }
  if (IsFresh(cached)) return cached;
  return Ask(*std::move(settings), *std::move(file), cached);
}

}  // namespace

std::string CompleteNodes(absl::string_view current, const std::vector<std::string>& words,
                          const Environment& environment) {
  std::string lines;
  const Learnt found = Find(words, environment);
  if (!found.node_ids.has_value()) return lines;
  for (const std::string& id : *found.node_ids) {
    // What a shell reads must be an id, wherever it comes from.
    if (!absl::StartsWith(id, current) || !CheckNodeId(id).ok()) continue;
    absl::StrAppend(&lines, id, "\n");
  }
  return lines;
}

}  // namespace curator::cli
