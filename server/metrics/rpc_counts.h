// RpcCounts: the RPCs that ended, by method and status code.
//
// Counted by a server interceptor, at the one point that every call passes exactly
// once: where its status is sent. The reactors of server/rpc would not do: followers
// refuse in a generic one, and what gRPC itself refuses (an unknown method, a request
// that does not parse) never reaches a reactor of ours.
//
// A method's name is the caller's text where it is refused, so only those of
// kServedServices are told apart; all else counts as "other".
#ifndef SERVER_METRICS_RPC_COUNTS_H_
#define SERVER_METRICS_RPC_COUNTS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/server_interceptor.h"
#include "grpcpp/support/status_code_enum.h"
#include "server/metrics/registry.h"

namespace curatord {

class RpcCounts {
 public:
  static constexpr size_t kCodes = grpc::StatusCode::UNAUTHENTICATED + 1;
  // The calls of one method, by code.
  using Row = std::array<std::atomic<uint64_t>, kCodes>;

  RpcCounts();

  // `method`: "/package.Service/Method".
  Row* RowOf(absl::string_view method);
  static void Count(Row* row, grpc::StatusCode code);

  // For one server, which this outlives.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewInterceptorFactory();

  // What was counted at all.
  void Collect(Samples* samples) const;

 private:
  // The keys are constant after construction, so no lock is needed.
  absl::btree_map<std::string, std::unique_ptr<Row>> rows_;
  Row other_{};
};

}  // namespace curatord

#endif  // SERVER_METRICS_RPC_COUNTS_H_
