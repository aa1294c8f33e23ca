#include "cli/command_tree_ticket.h"

#include <CLI/CLI.hpp>

namespace curator::cli {

void TicketBranch::Add(CLI::App* root, const TreeGrower& grow) {
  CLI::App* ticket = grow.noun(root, "ticket", "what new nodes register with");
  AddTelling(grow.verb(ticket, "show", "show the ticket; a secret",
                       [this](Session& session) { return TicketShowCommand(session, args_); }));
  CLI::App* rotate = grow.changing_verb(
      ticket, "rotate", "put a new ticket in the place of the one that stands; asks",
      [this](Session& session) { return TicketRotateCommand(session, args_); });
  AddTelling(rotate);
  rotate->footer(
      "For a ticket that leaked: it registers nobody from then on. Nodes that have registered\n"
      "stay: see curatorctl node pending, and node delete --state NEW.");
}

void TicketBranch::AddTelling(CLI::App* verb) {
  CLI::Option* raw = verb->add_flag("--raw", args_.raw, "its bytes and nothing else");
  CLI::Option* hex = verb->add_flag("--hex", args_.hex, "in hex");
  CLI::Option* base64 = verb->add_flag("--base64", args_.base64, "in base64");
  raw->excludes(hex)->excludes(base64);
  hex->excludes(base64);
  verb->add_flag("--reveal", args_.reveal, "show it on a terminal as well");
  verb->add_option("--out", args_.out,
                   "write it to this file, of mode 0600, as --raw unless told otherwise; "
                   "replaces nothing but an earlier ticket")
      ->type_name("FILE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace curator::cli
