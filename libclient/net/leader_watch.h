// LeaderWatch: one GetCurrentLeader stream to one curator.
//
// Only posts what it hears; whoever owns it decides. Lives until OnEnded has
// been posted, and may be destroyed from then on. Asks for a proof of leadership, and
// checks what comes against the CA and the certificate of this very connection.
// A curator speaks once, and again when the leader or its address changes: one that
// goes on and on is cut off.
//
// Threads: the posts come from gRPC's threads, one at a time, OnEnded last.
// Shutdown: Cancel, then wait for OnEnded.
#ifndef LIBCLIENT_NET_LEADER_WATCH_H_
#define LIBCLIENT_NET_LEADER_WATCH_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "libclient/core/leader_view.h"
#include "libclient/identity/tls_credentials.h"
#include "libclient/net/endpoint_channel.h"
#include "metropolis/curator.grpc.pb.h"

namespace curator::net {

class LeaderWatch final
    : public grpc::ClientReadReactor<
          metropolis::node::core::curator::proto::api::GetCurrentLeaderResponse> {
 public:
  struct Sink {
    // `contradiction` is set if it names itself otherwise than its certificate.
    std::function<void(core::LeaderView::Statement, std::string contradiction)> on_said;
    // Why it ended, and what the verifier saw.
    std::function<void(grpc::Status, identity::PeerRecord::Seen)> on_ended;
  };

  // `ca` none: no proof is asked for.
  LeaderWatch(const EndpointChannel& channel, const absl::optional<ClusterCa>& ca, Sink sink);
  void Start();
  void Cancel();

 private:
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  core::LeaderView::Statement Read() const;
  void JudgeProof(core::LeaderView::Statement* statement) const;

  // Constant after construction.
  const EndpointChannel channel_;
  const absl::optional<ClusterCa> ca_;
  const std::string nonce_;  // empty without a CA
  const Sink sink_;
  const std::unique_ptr<metropolis::node::core::curator::proto::api::CuratorLocal::Stub> stub_;

  // Used by gRPC and, between a read and the next, by OnReadDone.
  grpc::ClientContext context_;
  metropolis::node::core::curator::proto::api::GetCurrentLeaderRequest request_;
  metropolis::node::core::curator::proto::api::GetCurrentLeaderResponse response_;
  int statements_ = 0;
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_WATCH_H_
