// CallEtcd: one logical call to etcd, over as many endpoints and attempts as it
// takes and its deadline allows.
#ifndef SERVER_STORE_ETCD_CALL_H_
#define SERVER_STORE_ETCD_CALL_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "server/store/etcd_sessions.h"

namespace curatord {

enum class EtcdRepeat {
  kAlways,         // reading, or doing it twice is doing it once
  kIfNotExecuted,  // a lost answer ends the call as kUnknown
};

struct EtcdCall {
  absl::string_view what;  // for messages: "commit"
  EtcdRepeat repeat = EtcdRepeat::kAlways;
  // Starts one attempt. It ends, and `done` is called, soon after its context is
  // cancelled. Requests and responses are the caller's and outlive CallEtcd; the
  // response is empty again for each attempt.
  std::function<void(const EtcdEndpoint& endpoint, grpc::ClientContext* context,
                     std::function<void(grpc::Status)> done)>
      start;
  // In the response of an attempt that succeeded.
  std::function<const etcdserverpb::ResponseHeader&()> header;
};

struct EtcdCallResult {
  absl::Status status;
  // An attempt whose answer was lost came before the one that the status is of.
  bool maybe_executed_before = false;
};

// Blocks up to `deadline`. What is certain not to have been executed is repeated:
// on the next endpoint when this one has no connection, no leader or is silent
// (it does not even answer what it could by itself), with a new token when etcd no
// longer takes ours. Every call requires that the member knows a leader, so that
// one cut off from the others refuses instead of waiting. The status has the codes
// of store.h.
EtcdCallResult CallEtcd(EtcdSessions* sessions, const EtcdCall& call, absl::Time deadline);

// What every request to etcd carries.
void AddEtcdMetadata(const EtcdSession& session, grpc::ClientContext* context);

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_CALL_H_
