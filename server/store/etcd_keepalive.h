// One keepalive of a lease: a stream of etcd's with one request and one answer.
#ifndef SERVER_STORE_ETCD_KEEPALIVE_H_
#define SERVER_STORE_ETCD_KEEPALIVE_H_

#include <cstdint>
#include <functional>

#include "grpcpp/client_context.h"
#include "server/store/etcd_endpoint.h"

namespace curatord {

// `done` comes once, as for a unary call: OK with `response` filled, or an error.
void StartEtcdKeepalive(const EtcdEndpoint& endpoint, grpc::ClientContext* context,
                        int64_t lease_id, etcdserverpb::LeaseKeepAliveResponse* response,
                        std::function<void(grpc::Status)> done);

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_KEEPALIVE_H_
