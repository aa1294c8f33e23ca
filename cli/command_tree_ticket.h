// The branch `ticket` of the command tree.
#ifndef CLI_COMMAND_TREE_TICKET_H_
#define CLI_COMMAND_TREE_TICKET_H_

#include "cli/command_tree_node.h"
#include "cli/commands/ticket.h"

namespace curator::cli {

// Must outlive what Add has added: the arguments live here.
class TicketBranch {
 public:
  void Add(CLI::App* root, const TreeGrower& grow);

 private:
  // The flags that both verbs have.
  void AddTelling(CLI::App* verb);

  TicketArgs args_;
};

}  // namespace curator::cli

#endif  // CLI_COMMAND_TREE_TICKET_H_
