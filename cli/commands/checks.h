// What doctor finds out, and what it says about it: verdicts become advice here,
// without asking anybody.
#ifndef CLI_COMMANDS_CHECKS_H_
#define CLI_COMMANDS_CHECKS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cli/config_file.h"
#include "cli/document.h"
#include "cli/settings.h"
#include "curator/credentials.h"
#include "curator/probe.h"

namespace curator::cli {

struct Check {
  std::string context;  // empty: settings without a context
  std::string check;    // "endpoint", "leader", "certificate", …
  std::string target;
  absl::optional<Phase> phase;  // of an endpoint: how far it got
  std::string verdict;          // of an endpoint: ToString(Verdict); else "ok" or what is wrong
  std::string detail;
  std::string advice;  // what to do, with a command where there is one; empty: nothing
  absl::Duration took;
  bool healthy = true;
};

// What is examined: the settings in use, or those of one context.
struct Subject {
  std::string context;
  std::vector<std::string> endpoints;
  CaSetting ca;
  CredentialSetting credential;
  bool accept_unproven = false;

  std::string Command(const std::string& words) const;  // "curatorctl -c lab trust show"
};

// `fault`: why the file could not be read.
Check CheckConfigFile(const ConfigFile& file, const absl::Status& fault);

// The pin and the file; `ca` is set where there is a usable one.
Check CheckCa(const Subject& subject, absl::optional<ClusterCa>& ca);

// Key file and certificate, the latter against the CA if there is one. `identity`
// is set where it can be used.
std::vector<Check> CheckCredential(const Subject& subject, const absl::optional<ClusterCa>& ca,
                                   absl::Time now, absl::optional<Identity>& identity);

// What a probe found, and the server's parts that do not run.
Check CheckEndpoint(const Subject& subject, const ProbeResult& result);
std::vector<Check> CheckParts(const Subject& subject, const ProbeResult& result);

// Exactly one endpoint leads, and all that follow agree on it.
Check CheckLeadership(const Subject& subject, const std::vector<ProbeResult>& results);

// What to do about an endpoint; empty for those that are well.
std::string AdviceFor(const Subject& subject, const EndpointReport& report);

Document CheckListDocument(const std::vector<Check>& checks, bool several_contexts);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_CHECKS_H_
