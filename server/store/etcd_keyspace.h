// EtcdKeyspace: what the store of store.h is in etcd's terms: keys below a
// prefix, transactions, events. Pure.
#ifndef SERVER_STORE_ETCD_KEYSPACE_H_
#define SERVER_STORE_ETCD_KEYSPACE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "etcd/kv.pb.h"
#include "etcd/rpc.pb.h"
#include "server/store/store.h"

namespace curatord {

// Keys from `key` up to, but without, `end`, as etcd's requests name them.
struct EtcdRange {
  std::string key;
  std::string end;
};

class EtcdKeyspace {
 public:
  explicit EtcdKeyspace(std::string prefix) : prefix_(std::move(prefix)) {}

  EtcdRange RangeOf(absl::string_view prefix) const;
  std::string FullKey(absl::string_view key) const;

  // nullopt: no key of the store (it is the prefix itself).
  absl::optional<KeyValue> ToKeyValue(mvccpb::KeyValue&& kv) const;
  absl::optional<WatchEvent> ToEvent(mvccpb::Event&& event) const;

  // Linearizable also without operations.
  etcdserverpb::TxnRequest ToTxn(const std::vector<Guard>& guards,
                                 const std::vector<Operation>& operations) const;

 private:
  const std::string prefix_;
};

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_KEYSPACE_H_
