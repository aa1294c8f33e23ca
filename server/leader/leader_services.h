// What the services of a leader share, and the services together: everything that
// a curator serves while it leads, for one term.
#ifndef SERVER_LEADER_LEADER_SERVICES_H_
#define SERVER_LEADER_LEADER_SERVICES_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "libclient/core/error_info.h"
#include "server/auth/authorizer.h"
#include "server/leader/admission.h"
#include "server/leader/answered_requests.h"
#include "server/leader/consensus_status.h"
#include "server/leader/heartbeats.h"
#include "server/leader/leadership.h"
#include "server/leader/member_streams.h"
#include "server/leader/registrations.h"
#include "server/limits.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/work_thread.h"

namespace curatord {

class NodeFeed;

// All outlive the gRPC server that uses them.
struct LeaderContext {
  Leadership* leadership;
  Heartbeats* heartbeats;
  const Authorizer* authorizer;
  AnsweredRequests* answered;
  std::function<std::vector<Candidate>()> candidates;  // Election::Candidates
  std::shared_ptr<MemberStreams> streams;
  Limits limits;
  // LeaderServices' own.
  Registrations* registrations = nullptr;
  WorkThread* work = nullptr;
  NodeFeed* feed = nullptr;
  ConsensusStatus* consensus = nullptr;
};

// Every answer of a leader says which term it speaks for.
inline void SayTerm(grpc::ServerContextBase* context, int64_t term) {
  context->AddInitialMetadata(curator::core::kTermMetadata, absl::StrCat(term));
}

// Begins a unary call: says the term, authorizes and admits, answers a repeated
// request as before, and otherwise calls `serve(caller, call)`, which settles the
// call now or later.
template <typename Response, typename Serve>
grpc::ServerUnaryReactor* ServeUnary(const LeaderContext& leader,
                                     grpc::CallbackServerContext* context,
                                     absl::string_view full_method, Response* response,
                                     Serve serve) {
  SayTerm(context, leader.leadership->term());
  auto call = UnaryCall<Response>::Create(response);
  absl::StatusOr<Caller> caller = leader.authorizer->Authorize(*context, full_method);
  if (!caller.ok()) {
    call->Settle(caller.status());
  } else if (!CheckNotRevoked(*caller, leader.leadership->state()).ok()) {
    ConfirmRevoked(leader.leadership, *caller, full_method,
                   [call](const absl::Status& refusal) { call->Settle(refusal); });
  } else if (!leader.answered->AnswerAgain(*context, *caller, full_method, call)) {
    serve(*std::move(caller), call);
  }
  return call.get();
}

// Admits the caller of a stream that is owned already, for as long as the cluster
// knows it; otherwise ends the stream.
template <typename Stream>
bool AdmitStream(const LeaderContext& leader, const absl::StatusOr<Caller>& caller,
                 const std::shared_ptr<Stream>& stream) {
  if (!caller.ok()) {
    stream->End(caller.status());
    return false;
  }
  if (!CheckNotRevoked(*caller, leader.leadership->state()).ok()) {
    ConfirmRevoked(leader.leadership, *caller, /*full_method=*/"",
                   [stream](const absl::Status& refusal) { stream->End(refusal); });
    return false;
  }
  return TakePlace(leader.streams.get(), *caller, stream);
}

// Settles `call` with what `decide(view, &response)` decides and writes.
template <typename Response, typename Decide>
void SettleByWriting(const LeaderContext& leader, std::shared_ptr<UnaryCall<Response>> call,
                     Decide decide) {
  auto response = std::make_shared<Response>();
  leader.leadership->Write(
      [decide = std::move(decide), response](const DecisionView& view) {
        response->Clear();  // a decision may run more than once
        return decide(view, response.get());
      },
      [call, response](absl::Status status) {
        if (status.ok()) {
          call->Settle(std::move(*response));
        } else {
          call->Settle(std::move(status));
        }
      });
}

class LeaderServices {
 public:
  LeaderServices(const LeaderContext& context, ClusterState* state);
  ~LeaderServices();

  void RegisterWith(grpc::ServerBuilder* builder);

 private:
  struct Services;
  std::unique_ptr<Services> services_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_LEADER_SERVICES_H_
