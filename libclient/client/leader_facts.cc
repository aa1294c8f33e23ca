#include "libclient/client/leader_facts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libclient/net/cancellation.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/search_error.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

namespace api = metropolis::proto::api;

constexpr char kClusterInfoMethod[] = "metropolis.proto.api.Management.GetClusterInfo";

// How long a leader that is known waits for the opinions of others.
constexpr absl::Duration kOpinionsTimeout = absl::Milliseconds(300);

bool IsOutage(const absl::Status& status) {
  const Error error = DescribeError(status);
  return error.code == ErrorCode::kNoLeader || error.code == ErrorCode::kUnreachable ||
         error.code == ErrorCode::kTimeout || net::MayBeProvedYet(error);
}

// Tells each change once.
class LeaderTeller {
 public:
  LeaderTeller(const std::function<void(const absl::optional<Leader>&)>& on_change,
               std::stop_token stop)
      : on_change_(on_change), stop_(std::move(stop)) {}

  void Tell(const absl::optional<Leader>& leader) {
    if (stop_.stop_requested() || (has_told_ && Same(leader, last_))) return;
    has_told_ = true;
    has_told_a_leader_ = has_told_a_leader_ || leader.has_value();
    last_ = leader;
    on_change_(leader);
  }

  bool told_nobody() const { return has_told_ && !last_.has_value(); }
  bool has_told_a_leader() const { return has_told_a_leader_; }

 private:
  static bool Same(const absl::optional<Leader>& a, const absl::optional<Leader>& b) {
    if (!a.has_value() || !b.has_value()) return a.has_value() == b.has_value();
    return a->id == b->id && a->address == b->address;
  }

  const std::function<void(const absl::optional<Leader>&)>& on_change_;
  const std::stop_token stop_;
  bool has_told_ = false;
  bool has_told_a_leader_ = false;
  absl::optional<Leader> last_;
};

}  // namespace

absl::StatusOr<net::LeaderConnection> FindConfirmedLeader(net::LeaderFinder& finder,
                                                          const net::CallContext& context) {
  const absl::optional<Identity>& identity = finder.options().identity;
  if (!identity.has_value() || identity->is_ephemeral()) {
    return finder.WaitForLeader(context.deadline, context.cancellation);
  }
  api::GetClusterInfoResponse response;
  net::CallTrace trace;
  const absl::Status status = net::CallLeader(finder, context, kClusterInfoMethod,
                                              api::GetClusterInfoRequest(), &response, &trace);
  if (!status.ok() && DescribeError(status).code != ErrorCode::kDenied) return status;
  return std::move(trace.leader);
}

Leader DescribeLeader(const net::LeaderFinder& finder, const net::LeaderConnection& connection) {
  Leader leader;
  leader.id = connection.node_id;
  leader.address = connection.endpoint.ToString();
  for (const EndpointReport& report : finder.Reports()) {
    if (report.verdict != Verdict::kLeader && report.verdict != Verdict::kFollower) continue;
    if (report.leader_id == leader.id) {
      leader.seen_by.push_back(report.address);
    } else {
      leader.agree = false;
    }
  }
  return leader;
}

Leader DescribeLeader(net::LeaderFinder& finder, const net::LeaderConnection& connection,
                      const net::CallContext& context) {
  finder.WaitForOpinions(std::min(context.deadline, core::After(net::Now(), kOpinionsTimeout)),
                         net::TokenOf(context.cancellation));
  return DescribeLeader(std::as_const(finder), connection);
}

absl::Status WatchLeader(net::LeaderFinder& finder, const net::CallContext& context,
                         const std::function<void(const absl::optional<Leader>&)>& on_change) {
  const std::stop_token stop = net::TokenOf(context.cancellation);
  net::LeaderFinder::Operation operation(finder);
  LeaderTeller teller(on_change, stop);
  finder.WantOpinions();
  for (;;) {
    operation.Wait();
    // A new claim that is not borne out at once means that nobody is known to lead.
    net::CallContext search = context;
    if (!teller.told_nobody()) {
      search.deadline =
          std::min(context.deadline, core::After(net::Now(), finder.options().connect_timeout));
    }
    const absl::StatusOr<net::LeaderConnection> leader = FindConfirmedLeader(finder, search);
    if (!leader.ok()) {
      // Before its time: final, or hopeless.
      if (!IsOutage(leader.status()) || net::Now() < search.deadline) return leader.status();
      if (net::Now() < context.deadline) {
        teller.Tell(absl::nullopt);
        continue;
      }
      return teller.has_told_a_leader() ? WatchIsOver(leader.status()) : leader.status();
    }
    teller.Tell(DescribeLeader(finder, *leader, context));
    operation.CeaseToWait();
    const absl::StatusOr<absl::optional<net::LeaderConnection>> next =
        finder.WaitForChange(leader->dial_id, context.deadline, stop);
    if (!next.ok()) {
      if (DescribeError(next.status()).code == ErrorCode::kCancelled) return next.status();
      return WatchIsOver(absl::OkStatus());
    }
    if (!next->has_value()) teller.Tell(absl::nullopt);
  }
}

absl::Status WatchIsOver(const absl::Status& last) {
  Error error;
  if (!last.ok()) {
    error = DescribeError(last);
    error.cause = error.message;
  }
  error.code = ErrorCode::kTimeout;
  error.message = "the time to watch is over";
  error.hints = {"watch for longer, or without a limit"};
  return MakeError(error);
}

}  // namespace curator
