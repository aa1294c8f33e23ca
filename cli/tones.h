// Which words of the protocol are good news, and which are not.
#ifndef CLI_TONES_H_
#define CLI_TONES_H_

#include "absl/strings/string_view.h"
#include "cli/document.h"

namespace curator::cli {

inline Tone ToneOfState(absl::string_view state) {
  if (state == "UP") return Tone::kGood;
  if (state == "NEW" || state == "STANDBY") return Tone::kWarning;
  return Tone::kPlain;
}

inline Tone ToneOfHealth(absl::string_view health) {
  if (health == "HEALTHY") return Tone::kGood;
  if (health == "HEARTBEAT_TIMEOUT") return Tone::kBad;
  return Tone::kPlain;
}

inline Tone ToneOfOutcome(absl::string_view outcome) {
  if (outcome == "applied" || outcome == "unchanged") return Tone::kGood;
  if (outcome == "skipped") return Tone::kWarning;
  return Tone::kBad;
}

inline Tone ToneOfVerdict(absl::string_view verdict) {
  if (verdict == "leader" || verdict == "follower") return Tone::kGood;
  return Tone::kBad;
}

}  // namespace curator::cli

#endif  // CLI_TONES_H_
