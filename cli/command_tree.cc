#include "cli/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/command_tree_node.h"
#include "cli/command_tree_ticket.h"
#include "cli/commands/cluster.h"
#include "cli/commands/context.h"
#include "cli/commands/cred.h"
#include "cli/commands/doctor.h"
#include "cli/commands/help.h"
#include "cli/commands/leader.h"
#include "cli/commands/trust_commands.h"
#include "cli/commands/wait.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/usage.h"
#include "libclient/process/command_line.h"

namespace curator::cli {
namespace {

// The type name of an option shows in help and tells completion what its value
// is: "FILE", "DIR", "ID" of a node, or choices as in "auto|always|never". Of an
// argument the name tells whether it is a node.
constexpr char kNodeIdType[] = "ID";
constexpr char kFormats[] = "table|wide|json|yaml|jsonl|name|columns=";

// "node role add"
std::string PathOf(const CLI::App* app) {
  std::string path;
  for (; app->get_parent() != nullptr; app = app->get_parent()) {
    path = absl::StrCat(app->get_name(), path.empty() ? "" : " ", path);
  }
  return path;
}

CLI::Option* Text(CLI::App* app, const char* names, absl::optional<std::string>& value,
                  const char* type, const char* summary) {
  return app
      ->add_option_function<std::string>(
          names, [&value](const std::string& text) { value = text; }, summary)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void AddTargetFlags(CLI::App* app, GlobalFlags& flags) {
  constexpr char kTarget[] = "Target and trust";
  Text(app, "-c,--context", flags.context, "NAME", "context of the config file")->group(kTarget);
  Text(app, "--config", flags.config, "FILE", "config file")->group(kTarget);
  app->add_option("-e,--endpoint", flags.endpoints,
                  "curator to connect to; repeatable, or a comma list; port 7835 if none is given")
      ->type_name("HOST[:PORT]")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(kTarget);
  Text(app, "--ca-file", flags.ca_file, "FILE", "CA certificate to trust")->group(kTarget);
  Text(app, "--ca-sha256", flags.ca_sha256, "HEX", "SHA-256 of the CA certificate to trust")
      ->group(kTarget);
  Text(app, "--cert", flags.certificate_file, "FILE", "client certificate")->group(kTarget);
  Text(app, "--key", flags.key_file, "FILE", "its private key")->group(kTarget);
  app->add_flag("--accept-unproven", flags.accept_unproven,
                "believe leaders that do not prove that they lead: those of the existing system")
      ->group(kTarget);
}

class Tree {
 public:
  Tree();

  CLI::App& app() { return app_; }
  ParsedCommand& command() { return command_; }
  const std::vector<std::string>& help_words() const { return help_words_; }

 private:
  CLI::App* Noun(CLI::App* parent, const char* name, const char* summary) {
    CLI::App* noun = parent->add_subcommand(name, summary);
    Prepare(noun);
    noun->require_subcommand(1);
    return noun;
  }

  // `run` is bound only when the line names this command.
  CLI::App* Verb(CLI::App* parent, const char* name, const char* summary, RunCommand run,
                 bool offline = false) {
    CLI::App* verb = parent->add_subcommand(name, summary);
    Prepare(verb);
    verb->callback([this, verb, run = std::move(run), offline] {
      command_.path = PathOf(verb);
      command_.run = run;
      command_.offline = offline;
    });
    return verb;
  }

  // For verbs that honour it: with it, nothing changes, here or in the cluster.
  CLI::App* WithDryRun(CLI::App* verb) {
    verb->add_flag("-n,--dry-run", command_.flags.dry_run,
                   "show what would be done, change nothing");
    return verb;
  }

  static void Prepare(CLI::App* app) {
    app->fallthrough();
    app->set_help_flag("-h,--help", "show this help");
  }

  void AddGlobalFlags();
  TreeGrower Grower();
  void AddCluster();
  void AddWait();
  void AddContext();
  void AddCredentials();
  void AddAbout();

  CLI::App app_{"Operates a cluster of curators.", "curatorctl"};
  ParsedCommand command_;
  std::vector<std::string> help_words_;

  NodeBranch node_;
  ConfigGetArgs config_get_;
  ConfigSetArgs config_set_;
  TakeOwnershipArgs take_ownership_;
  TicketBranch ticket_;
  LeaderTransferArgs leader_transfer_;
  WaitArgs wait_;
  DoctorArgs doctor_;
  ContextNameArgs context_name_;
  ContextAddArgs context_add_;
  ContextSetArgs context_set_;
  ContextImportArgs context_import_;
  CredNewKeyArgs cred_new_key_;
  VersionArgs version_;
};

Tree::Tree() {
  Prepare(&app_);
  app_.set_version_flag("--version", absl::StrCat("curatorctl ", ClientVersion()),
                        "show the version");
  app_.require_subcommand(1);
  // Inherited by what is added from here on; the root's own comes last.
  app_.footer("Flags of every command: curatorctl --help");
  AddGlobalFlags();
  node_.Add(&app_, Grower());
  AddCluster();
  AddWait();
  AddContext();
  AddCredentials();
  AddAbout();
  app_.footer(
      "First steps:\n"
      "  curatorctl cred new-key --out DIR\n"
      "  curatorctl cluster takeownership -e HOST --owner-key DIR/owner-key.pem --context NAME\n"
      "  curatorctl node list\n"
      "Exit codes: curatorctl help exit-codes");
}

void Tree::AddGlobalFlags() {
  GlobalFlags& flags = command_.flags;
  constexpr char kOutput[] = "Output";
  constexpr char kTime[] = "Time";
  constexpr char kSafety[] = "Safety and tracing";
  AddTargetFlags(&app_, flags);

  Text(&app_, "-o,--output", flags.output, kFormats, "format (curatorctl help formats)")
      ->group(kOutput);
  app_.add_flag("--no-headers", flags.no_headers, "no header line in tables")->group(kOutput);
  app_.add_flag("-q,--quiet", flags.quiet, "no notes on stderr")->group(kOutput);
  app_.add_option("--sort", flags.sort, "sort by a column or field, descending with -")
      ->type_name("[-]FIELD")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(kOutput);
  Text(&app_, "--color", flags.color, "auto|always|never", "color in tables")->group(kOutput);

  Text(&app_, "-t,--timeout", flags.timeout, "DURATION",
       "for the whole command, retries and waits included (30s); 0: none")
      ->group(kTime);
  Text(&app_, "--connect-timeout", flags.connect_timeout, "DURATION", "for one connection (5s)")
      ->group(kTime);

  app_.add_flag("-y,--yes", flags.yes, "answer yes, except to questions of trust")->group(kSafety);
  app_.add_flag("--no-input", flags.no_input, "never ask")->group(kSafety);
  app_.add_flag("-v,--verbose", flags.verbosity, "show connection attempts on stderr")
      ->group(kSafety);
}

TreeGrower Tree::Grower() {
  TreeGrower grow;
  grow.noun = [this](CLI::App* parent, const char* name, const char* summary) {
    return Noun(parent, name, summary);
  };
  grow.verb = [this](CLI::App* parent, const char* name, const char* summary, RunCommand run) {
    return Verb(parent, name, summary, std::move(run));
  };
  grow.changing_verb = [this](CLI::App* parent, const char* name, const char* summary,
                              RunCommand run) {
    return WithDryRun(Verb(parent, name, summary, std::move(run)));
  };
  return grow;
}

void Tree::AddCluster() {
  CLI::App* cluster = Noun(&app_, "cluster", "the cluster as a whole, and its ownership");
  Verb(cluster, "info", "CA, leader, directory and configuration", ClusterInfoCommand);
  Verb(cluster, "status", "what each curator answers; exit 20 if none leads", ClusterStatusCommand);
  CLI::App* take =
      Verb(cluster, "takeownership",
           "get the owner's certificate and keep it in a context (--context NAME)",
           [this](Session& session) { return TakeOwnershipCommand(session, take_ownership_); });
  WithDryRun(take);
  Text(take, "--owner-key", take_ownership_.owner_key, "FILE", "the owner's private key");

  CLI::App* config = Noun(cluster, "config", "the configuration of the cluster");
  CLI::App* get = Verb(config, "get", "show it",
                       [this](Session& session) { return ConfigGetCommand(session, config_get_); });
  get->add_option("KEY", config_get_.key, "only this key");
  CLI::App* set = Verb(config, "set", "change a key of it, if nobody else has since it was read",
                       [this](Session& session) { return ConfigSetCommand(session, config_set_); });
  WithDryRun(set);
  set->add_option("KEY", config_set_.key, "the key")->required();
  set->add_option("VALUE", config_set_.values, "its value; of a list all of them, or none");
  set->footer(
      "What can be changed is node_labels_to_synchronize, a list of regular expressions.\n"
      "Exit code 9: it was changed by somebody else meanwhile.");

  ticket_.Add(&app_, Grower());

  CLI::App* leader = Noun(&app_, "leader", "the leading curator");
  Verb(leader, "show", "who leads, and who says so", LeaderShowCommand);
  Verb(leader, "watch", "who leads, and each change as it comes, until interrupted",
       LeaderWatchCommand);
  CLI::App* transfer =
      Verb(leader, "transfer", "have the leader hand over to another curator",
           [this](Session& session) { return LeaderTransferCommand(session, leader_transfer_); });
  WithDryRun(transfer);
  transfer->add_option("--to", leader_transfer_.to, "to this node; else to who has waited longest")
      ->type_name("ID")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  transfer->footer(
      "Returns once another curator was seen to lead. Exit code 9: no other curator is a\n"
      "candidate, or not the one named.");
}

void Tree::AddWait() {
  CLI::App* wait = Verb(&app_, "wait", "wait for a condition",
                        [this](Session& session) { return WaitCommand(session, wait_); });
  wait->add_option("--for", wait_.conditions,
                   "leader, node/ID:state=UP, node/ID:health=HEALTHY, node/ID:exists, "
                   "node/ID:deleted or nodes(CEL)>=3; repeatable: all of them")
      ->type_name("CONDITION")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->required();
  Text(wait, "--for-at-least", wait_.at_least, "DURATION", "it must hold that long");
}

void Tree::AddContext() {
  CLI::App* context = Noun(&app_, "context", "clusters of the config file");
  Verb(context, "list", "list contexts", ContextListCommand);
  const auto name_of = [this](CLI::App* verb, bool required) {
    verb->add_option("NAME", context_name_.name, "the context")->required(required);
  };
  name_of(WithDryRun(
              Verb(context, "use", "make a context the current one",
                   [this](Session& session) { return ContextUseCommand(session, context_name_); })),
          true);
  name_of(Verb(context, "show", "show a context, the one in use if none is named",
               [this](Session& session) { return ContextShowCommand(session, context_name_); }),
          false);
  CLI::App* add =
      Verb(context, "add", "add a context from -e, --ca-file, --ca-sha256, --cert, --key",
           [this](Session& session) {
             context_add_.flags = command_.flags;
             return ContextAddCommand(session, context_add_);
           });
  WithDryRun(add);
  add->add_option("NAME", context_add_.name, "the new context")->required();
  CLI::App* set = Verb(context, "set",
                       "change a context: -e, --cert and --key, --accept-unproven; the rest stays",
                       [this](Session& session) {
                         context_set_.flags = command_.flags;
                         return ContextSetCommand(session, context_set_);
                       });
  WithDryRun(set);
  set->add_option("NAME", context_set_.name, "the context")->required();
  set->add_flag("--require-proof", context_set_.require_proof,
                "believe proven leaders alone again");
  CLI::App* import = Verb(context, "import", "make a context from the files of the existing tool",
                          [this](Session& session) {
                            context_import_.flags = command_.flags;
                            return ContextImportCommand(session, context_import_);
                          });
  WithDryRun(import);
  import
      ->add_option("--metroctl", context_import_.folder,
                   "its folder: owner-key.pem, owner.pem, ca.pem")
      ->type_name("DIR")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->required();
  import->add_option("NAME", context_import_.name, "the new context (metroctl)");
  import->footer(
      "The files are verified and copied beside the config file, the key with mode 0600:\n"
      "whatever happens to the folder later (a new cluster, a new key), this context trusts\n"
      "the CA it trusts now and speaks as whom it speaks now. Name a curator with -e.");
  name_of(WithDryRun(Verb(
              context, "remove", "remove a context; its files stay",
              [this](Session& session) { return ContextRemoveCommand(session, context_name_); })),
          true);
  Verb(context, "explain", "every effective setting and where it comes from",
       ContextExplainCommand);
}

void Tree::AddCredentials() {
  CLI::App* cred = Noun(&app_, "cred", "the operator's key and certificate");
  CLI::App* new_key = Verb(cred, "new-key", "make a new owner key", [this](Session& session) {
    return CredNewKeyCommand(session, cred_new_key_);
  });
  WithDryRun(new_key);
  new_key->add_option("--out", cred_new_key_.folder, "folder to write to")
      ->type_name("DIR")
      ->required();
  Verb(cred, "show", "the certificate in use", CredShowCommand);

  CLI::App* trust = Noun(&app_, "trust", "which CA is trusted");
  Verb(trust, "show", "the trusted CA and why", TrustShowCommand);
  WithDryRun(
      Verb(trust, "pin", "trust the CA of the context's cluster from now on", TrustPinCommand));
  WithDryRun(Verb(trust, "forget", "trust no CA in this context", TrustForgetCommand));
}

void Tree::AddAbout() {
  CLI::App* doctor =
      Verb(&app_, "doctor", "examine settings and endpoints, and say what to do about them",
           [this](Session& session) { return DoctorCommand(session, doctor_); });
  doctor->add_flag("--all-contexts", doctor_.all_contexts, "those of every context");
  doctor->parse_complete_callback([this] { command_.diagnoses = true; });
  doctor->footer(
      "Asks no question, changes nothing, takes three seconds at most. Exit code 20 if\n"
      "anything is not as it should be.");
  CLI::App* completion = Noun(&app_, "completion", "completion script for a shell");
  for (const char* shell : {"bash", "zsh", "fish"}) {
    Verb(
        completion, shell, "print the script",
        [shell](Session&) -> absl::StatusOr<CommandResult> {
          CommandResult result;
          result.document.kind = "Completion";
          result.document.layout = Layout::kText;
          result.document.text = CompletionScript(shell, DescribeCommandTree());
          return result;
        },
        true);
  }
  CLI::App* help = app_.add_subcommand("help", "help on a topic or a command");
  Prepare(help);
  help->require_subcommand(0, 1);
  help->callback([this] {
    if (command_.path.empty()) command_.path = "help";
  });
  help->add_option("COMMAND", help_words_, "command to explain");
  Verb(
      help, "exit-codes", "what exit codes mean", [](Session&) { return HelpExitCodesCommand(); },
      true);
  Verb(
      help, "env", "environment variables", [](Session&) { return HelpEnvCommand(); }, true);
  Verb(
      help, "formats", "output formats", [](Session&) { return HelpFormatsCommand(); }, true);
  Verb(
      help, "filters", "how to select nodes", [](Session&) { return HelpFiltersCommand(); }, true);

  CLI::App* version = Verb(&app_, "version", "version of this program",
                           [this](Session& session) { return VersionCommand(session, version_); });
  version->add_flag("--server", version_.server, "and of the curators");
}

// The deepest command that the line names.
CLI::App* Deepest(CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> SubcommandNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app->get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::string Help(CLI::App* app) {
  if (app->get_parent() == nullptr) return app->help();
  const std::string parent = PathOf(app->get_parent());
  return app->help(absl::StrCat("curatorctl", parent.empty() ? "" : " ", parent));
}

absl::StatusOr<std::string> HelpOf(const std::vector<std::string>& words) {
  // A tree that has parsed nothing: the help of one that has is the help of the
  // command it found.
  Tree tree;
  CLI::App* at = &tree.app();
  for (const std::string& word : words) {
    const std::vector<CLI::App*> named =
        at->get_subcommands([&word](CLI::App* sub) { return sub->check_name(word); });
    if (named.empty()) {
      return UsageFailure({PathOf(at), SubcommandNames(at), {word}, ""});
    }
    at = named.front();
  }
  return Help(at);
}

OptionDescription Describe(const CLI::Option* option) {
  OptionDescription out;
  for (const std::string& name : option->get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option->get_lnames()) out.names.push_back("--" + name);
  out.required = option->get_required();
  out.takes_value = ValueOf(*option) == FlagValue::kOne;
  out.may_take_value = ValueOf(*option) == FlagValue::kAfterSign;
  out.summary = option->get_description();
  if (out.takes_value) {
    const std::string type = option->get_type_name();
    out.is_file = type == "FILE" || type == "DIR";
    out.is_node = type == kNodeIdType;
    if (absl::StrContains(type, '|')) out.choices = absl::StrSplit(type, '|');
  }
  return out;
}

void Describe(const CLI::App* app, std::vector<CommandDescription>& out) {
  CommandDescription& command = out.emplace_back();
  command.path = PathOf(app);
  command.summary = app->get_description();
  for (const CLI::Option* option : app->get_options()) {
    if (option->nonpositional()) {
      command.options.push_back(Describe(option));
      continue;
    }
    if (absl::StartsWith(option->get_name(), kNodeIdType)) {
      command.before_nodes = static_cast<int>(command.arguments.size());
    }
    command.arguments.push_back({option->get_name(), option->get_required()});
  }
  const std::vector<const CLI::App*> subcommands = app->get_subcommands({});
  for (const CLI::App* sub : subcommands) {
    command.subcommands.emplace_back(sub->get_name(), sub->get_description());
  }
  for (const CLI::App* sub : subcommands) Describe(sub, out);
}

}  // namespace

absl::StatusOr<ParsedCommand> ParseCommandLine(const std::vector<std::string>& arguments) {
  const auto tree = std::make_shared<Tree>();
  ParsedCommand& command = tree->command();
  std::vector<std::string> ordered;
  if (const absl::optional<LineFault> fault = PutInOrder(tree->app(), arguments, &ordered)) {
    return UsageFailure(*fault);
  }
  try {
    // CLI11 takes them from the back.
    tree->app().parse(std::vector<std::string>(ordered.rbegin(), ordered.rend()));
  } catch (const CLI::CallForHelp&) {
    CLI::App* const at = Deepest(&tree->app());
    // Of a line with arguments another tree's: this one has been told how many there are.
    const bool has_arguments = std::find(ordered.begin(), ordered.end(), "--") != ordered.end();
    const absl::StatusOr<std::string> help =
        has_arguments ? HelpOf(absl::StrSplit(PathOf(at), ' ', absl::SkipEmpty())) : Help(at);
    if (!help.ok()) return help.status();
    command.help = *help;
  } catch (const CLI::CallForVersion& version) {
    command.help = absl::StrCat(version.what(), "\n");
  } catch (const CLI::ParseError& error) {
    const CLI::App* at = Deepest(&tree->app());
    return UsageFailure(
        {PathOf(at), SubcommandNames(at), tree->app().remaining(true), error.what()});
  }
  if (command.help.empty() && command.path == "help") {
    absl::StatusOr<std::string> help = HelpOf(tree->help_words());
    if (!help.ok()) return help.status();
    command.help = *help;
  }
  ParsedCommand parsed = command;
  for (const CLI::App* app = Deepest(&tree->app()); app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (option->count() > 0) parsed.given[option->get_name()] = option->results();
    }
  }
  // The arguments live in the tree.
  parsed.run = [tree, run = command.run](Session& session) { return run(session); };
  return parsed;
}

absl::optional<GlobalFlags> TargetFlags(const std::vector<std::string>& words) {
  GlobalFlags flags;
  CLI::App app;
  app.allow_extras();
  app.set_help_flag();
  AddTargetFlags(&app, flags);
  std::vector<std::string> ordered;
  if (PutInOrder(app, words, &ordered).has_value()) return absl::nullopt;
  try {
    app.parse(std::vector<std::string>(ordered.rbegin(), ordered.rend()));
  } catch (const CLI::ParseError&) {
    return absl::nullopt;
  }
  return flags;
}

std::vector<CommandDescription> DescribeCommandTree() {
  Tree tree;
  std::vector<CommandDescription> commands;
  Describe(&tree.app(), commands);
  return commands;
}

}  // namespace curator::cli
