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
#include "server/leader/paced_writes.h"
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
  PacedWrites* paced_writes = nullptr;
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

// A write of `decide(view, &response)`, with what settles `call` by it.
template <typename Response>
struct CallWrite {
  template <typename Decide>
  CallWrite(std::shared_ptr<UnaryCall<Response>> call, Decide decide_response)
      : CallWrite(std::move(call), std::make_shared<Response>(), std::move(decide_response)) {}

  Leadership::Decision decide;
  Leadership::Done done;

 private:
  template <typename Decide>
  CallWrite(std::shared_ptr<UnaryCall<Response>> call, std::shared_ptr<Response> response,
            Decide decide_response)
      : decide([decide_response = std::move(decide_response), response](const DecisionView& view) {
          response->Clear();  // a decision may run more than once
          return decide_response(view, response.get());
        }),
        done([call = std::move(call), response](absl::Status status) {
          if (status.ok()) {
            call->Settle(std::move(*response));
          } else {
            call->Settle(std::move(status));
          }
        }) {}
};

// Settles `call` with what `decide(view, &response)` decides and writes. `bytes`: what
// the request keeps in memory meanwhile, where it may be large.
template <typename Response, typename Decide>
void SettleByWriting(const LeaderContext& leader, std::shared_ptr<UnaryCall<Response>> call,
                     Decide decide, size_t bytes = 0) {
  CallWrite<Response> write(std::move(call), std::move(decide));
  leader.leadership->Write(std::move(write.decide), std::move(write.done), bytes);
}

// The same of what node `node_id` writes of itself, at its pace.
template <typename Response, typename Decide>
void SettleByPacedWrite(const LeaderContext& leader, const std::string& node_id,
                        PacedWrites::Kind kind, std::shared_ptr<UnaryCall<Response>> call,
                        Decide decide, size_t bytes) {
  CallWrite<Response> write(std::move(call), std::move(decide));
  leader.paced_writes->Write(node_id, kind, std::move(write.decide), std::move(write.done), bytes);
}

// Settles a call that anybody may make, with or without a key. `look(view, &response)`
// says what would come of it and has no effect, nor waits for its turn: what memory
// refuses, or answers, needs no write, and waits among strangers for the confirmation that
// memory is right. The rest is done by `decide(view, &response)`, as a write. `leader`
// outlives the leadership's last callback.
template <typename Response, typename Look, typename Decide>
void SettleForStranger(const LeaderContext& leader, std::shared_ptr<UnaryCall<Response>> call,
                       Look look, Decide decide, size_t bytes) {
  const auto wants_to_write = [](const absl::StatusOr<std::vector<Operation>>& looked) {
    return looked.ok() && !looked->empty();
  };
  const DecisionView now(&leader.leadership->state());
  Response unused;
  if (wants_to_write(look(now, &unused))) {
    SettleByWriting(leader, std::move(call), std::move(decide), bytes);
    return;
  }
  leader.leadership->Confirm(
      [&leader, call = std::move(call), look = std::move(look), decide = std::move(decide), bytes,
       wants_to_write](absl::Status confirmed) {
        if (!confirmed.ok()) {
          call->Settle(std::move(confirmed));
          return;
        }
        const DecisionView view(&leader.leadership->state());
        Response response;
        const absl::StatusOr<std::vector<Operation>> looked = look(view, &response);
        if (!looked.ok()) {
          call->Settle(looked.status());
        } else if (wants_to_write(looked)) {
          // What it lacked has come meanwhile.
          SettleByWriting(leader, call, decide, bytes);
        } else {
          call->Settle(std::move(response));
        }
      },
      Leadership::Asker::kStranger, bytes);
}

class LeaderServices {
 public:
  LeaderServices(const LeaderContext& context, ClusterState* state);
  ~LeaderServices();

  void RegisterWith(grpc::ServerBuilder* builder);

  // Once the leadership is stopped, before it is destroyed.
  void Stop();

 private:
  struct Services;
  std::unique_ptr<Services> services_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_LEADER_SERVICES_H_
