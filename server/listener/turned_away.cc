#include "server/listener/turned_away.h"

#include "server/log.h"

namespace curatord {
namespace {

struct CauseText {
  const char* label;
  const char* sentence;
};
constexpr CauseText kTexts[] = {
    {"full", "there are as many connections as the descriptors of this process allow"},
    {"same-port", "another one is open from the same address and port"},
    {"strangers", "the longest idle one without a member's certificate, for a new one"},
    {"unpaid", "it sent more than its requests account for"},
    {"stalled", "a request was not completed in time"},
    {"descriptors", "this process has no descriptor left"},
};
static_assert(std::size(kTexts) == TurnedAway::kCauses);

}  // namespace

void TurnedAway::Count(Cause cause, const PeerAddress& peer) {
  counters_[cause].Increment();
  const uint64_t count = counters_[cause].value();
  if ((count & (count - 1)) != 0) return;  // at powers of two
  LogWarning(
      "connection turned away",
      {{"cause", kTexts[cause].sentence}, {"peer", peer.IpText()}, {"such_connections", count}});
}

void TurnedAway::Collect(Samples* samples) const {
  for (int cause = 0; cause < kCauses; ++cause) {
    samples->Add({{"cause", kTexts[cause].label}},
                 static_cast<double>(counters_[static_cast<size_t>(cause)].value()));
  }
}

}  // namespace curatord
