// EtcdStore: the store of a real cluster, a prefix in an etcd (3.4 or later) that
// curators share, with each other and perhaps with others.
//
// What is certain not to have been executed is repeated on another endpoint
// within the deadline; so is all that only reads. A commit whose answer was lost
// is kUnknown. Revisions are those of the whole etcd: others who use it make them
// grow, also where nothing changes below the prefix.
//
// Threads: one looks for endpoints that serve, one delivers watches, gRPC has its
//   own. All functions are thread-safe.
// Shutdown: the destructor cancels and joins; no other call may be under way. A
//   watch left over gets no more callbacks and may be destroyed later.
#ifndef SERVER_STORE_ETCD_STORE_H_
#define SERVER_STORE_ETCD_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/etcd_keyspace.h"
#include "server/store/etcd_sessions.h"
#include "server/store/etcd_url.h"
#include "server/store/etcd_watch.h"
#include "server/store/store.h"

namespace curatord {

class EtcdStore final : public Store {
 public:
  // Codes as OpenStore's.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const EtcdUrl& url, bool create);
  ~EtcdStore() override = default;

  absl::StatusOr<RangeResult> Range(absl::string_view prefix, absl::Time deadline) override;
  absl::StatusOr<CommitResult> Commit(const std::vector<Guard>& guards,
                                      const std::vector<Operation>& operations,
                                      absl::Time deadline) override;
  std::unique_ptr<Watch> StartWatch(std::string prefix, int64_t from_revision,
                                    std::function<void(const WatchBatch&)> on_batch,
                                    std::function<void(absl::Status)> on_end) override;
  absl::StatusOr<Lease> GrantLease(absl::Duration ttl, absl::Time deadline) override;
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease_id, absl::Time deadline) override;
  absl::Status RevokeLease(int64_t lease_id, absl::Time deadline) override;
  absl::StatusOr<std::vector<StoreMember>> Members(absl::Time deadline) override;
  std::string name() const override { return name_; }

 private:
  EtcdStore(const EtcdUrl& url, std::vector<std::shared_ptr<const EtcdEndpoint>> endpoints);

  // That the prefix holds what a curator store may hold.
  absl::Status CheckContents(bool create, absl::Time deadline);
  absl::StatusOr<etcdserverpb::RangeResponse> RangePage(const etcdserverpb::RangeRequest& request,
                                                        absl::Time deadline);
  // All pages at one revision. kOutOfRange: it was compacted meanwhile.
  absl::StatusOr<RangeResult> RangeOnce(const EtcdRange& range, absl::Time deadline);

  // Constant after construction.
  const std::string name_;
  const EtcdKeyspace keyspace_;

  const std::shared_ptr<EtcdWatchEvents> watch_events_;
  EtcdSessions sessions_;
  EtcdWatches watches_;  // uses the sessions: goes first
};

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_STORE_H_
