#include "server/leader/registrations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/core/error_info.h"
#include "server/log.h"
#include "server/rpc/rpc_error.h"

namespace curatord {
namespace {

namespace core = curator::core;

}  // namespace

Registrations::Registrations(const Limits& limits, Clock clock)
    : limits_(limits),
      clock_(std::move(clock)),
      allowed_(static_cast<double>(limits.registration_burst)),
      allowed_at_(clock_()) {}

absl::Status Registrations::Request::Admit(const DecisionView& view) {
  Registrations& all = *registrations_;
  if (view.new_nodes() >= all.limits_.new_nodes) {
    return all.Refuse(WithReason(
        absl::ResourceExhaustedError(
            absl::StrCat("as many nodes as may wait for approval, ", all.limits_.new_nodes,
                         ", do so already: an operator approves or deletes some")),
        core::kReasonTooManyNewNodes, {{core::kLimitKey, absl::StrCat(all.limits_.new_nodes)}}));
  }
  if (counted_) return absl::OkStatus();
  const absl::Duration now = all.clock_();
  const auto per_second = static_cast<double>(all.limits_.registrations_per_second);
  all.allowed_ = std::min(static_cast<double>(all.limits_.registration_burst),
                          all.allowed_ + per_second * absl::ToDoubleSeconds(now - all.allowed_at_));
  all.allowed_at_ = now;
  if (all.allowed_ < 1) {
    return all.Refuse(
        WithReason(absl::ResourceExhaustedError(absl::StrCat("too many nodes register at a time, ",
                                                             all.limits_.registrations_per_second,
                                                             " a second may: try again")),
                   core::kReasonRegistrationRate,
                   {{core::kLimitKey, absl::StrCat(all.limits_.registrations_per_second)}}));
  }
  all.allowed_ -= 1;
  counted_ = true;
  return absl::OkStatus();
}

absl::Status Registrations::Refuse(absl::Status status) {
  ++refused_;
  if ((refused_ & (refused_ - 1)) == 0) {
    LogWarning("a registration is refused",
               {{"why", status.message()}, {"refused_so_far", absl::StrCat(refused_)}});
  }
  return status;
}

}  // namespace curatord
