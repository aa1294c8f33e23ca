#include "server/store/etcd_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "server/store/etcd_call.h"
#include "server/store/etcd_keepalive.h"
#include "server/store/transaction_check.h"

namespace curatord {
namespace {

// One answer, whatever the size of the store, stays of about this size. Not smaller: etcd
// 3.4 walks its index to the end of the range for each page, so that 300,000 keys cost it
// 4.3 s of CPU in pages of 5,000 keys and 1.0 s in one.
constexpr int64_t kPageBytes = 16 << 20;
constexpr int64_t kFirstPage = 5000;
constexpr int64_t kLargestPage = 100'000;
constexpr absl::Duration kOpenTimeout = absl::Seconds(5);

// Nodes name their member by their id. One that has not started yet has no name, but
// the address of its node, whose host is the id.
std::string IdOfMember(const etcdserverpb::Member& member) {
  if (!member.name().empty()) return member.name();
  for (absl::string_view url : member.peerurls()) {
    const size_t scheme = url.find("://");
    if (scheme != absl::string_view::npos) url.remove_prefix(scheme + 3);
    const absl::string_view host = url.substr(0, url.find_last_of(':'));
    if (!host.empty()) return std::string(host);
  }
  return absl::StrCat(absl::Hex(member.id()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> EtcdStore::Open(const EtcdUrl& url, bool create) {
  absl::StatusOr<std::vector<std::shared_ptr<const EtcdEndpoint>>> endpoints =
      OpenEtcdEndpoints(url);
  if (!endpoints.ok()) return endpoints.status();
  auto store = std::unique_ptr<EtcdStore>(new EtcdStore(url, *std::move(endpoints)));
  absl::Status status = store->CheckContents(create, absl::Now() + kOpenTimeout);
  if (!status.ok()) return status;
  return store;
}

EtcdStore::EtcdStore(const EtcdUrl& url, std::vector<std::shared_ptr<const EtcdEndpoint>> endpoints)
    : name_(url.Name()),
      keyspace_(url.prefix),
      watch_events_(std::make_shared<EtcdWatchEvents>()),
      sessions_(std::move(endpoints), {url.user, url.password_file},
                [events = watch_events_] { events->OnSessionChanged(); }),
      watches_(&sessions_, &keyspace_, watch_events_) {}

absl::Status EtcdStore::CheckContents(bool create, absl::Time deadline) {
  const auto count = [&](absl::string_view prefix) -> absl::StatusOr<int64_t> {
    const EtcdRange range = keyspace_.RangeOf(prefix);
    etcdserverpb::RangeRequest request;
    request.set_key(range.key);
    request.set_range_end(range.end);
    request.set_count_only(true);
    absl::StatusOr<etcdserverpb::RangeResponse> response = RangePage(request, deadline);
    if (!response.ok()) return response.status();
    return response->count();
  };
  absl::StatusOr<int64_t> all = count("");
  if (!all.ok() || create) return all.status();
  if (*all == 0) return absl::NotFoundError(absl::StrCat(name_, ": there are no keys"));
  // Every key of a cluster begins so (keys.h).
  absl::StatusOr<int64_t> ours = count("/");
  if (!ours.ok() || *ours > 0) return ours.status();
  return absl::DataLossError(
      absl::StrCat(name_, ": there are ", *all, " keys, none of them a curator's"));
}

absl::StatusOr<etcdserverpb::RangeResponse> EtcdStore::RangePage(
    const etcdserverpb::RangeRequest& request, absl::Time deadline) {
  etcdserverpb::RangeResponse response;
  const EtcdCallResult result =
      CallEtcd(&sessions_,
               {"range", EtcdRepeat::kAlways,
                [&](const EtcdEndpoint& endpoint, grpc::ClientContext* context,
                    std::function<void(grpc::Status)> done) {
    response.Clear();
    endpoint.kv->async()->Range(context, &request, &response, std::move(done));
                },
                [&]() -> const auto& { return response.header();
}
}  // namespace curatord
,
               deadline);
if (!result.status.ok()) return result.status;
return response;
}

absl::StatusOr<RangeResult> EtcdStore::RangeOnce(const EtcdRange& range, absl::Time deadline) {
  RangeResult result;
  etcdserverpb::RangeRequest request;
  request.set_key(range.key);
  request.set_range_end(range.end);
  request.set_limit(kFirstPage);
  int64_t bytes = 0;
  int64_t keys = 0;
  for (;;) {
    absl::StatusOr<etcdserverpb::RangeResponse> page = RangePage(request, deadline);
    if (!page.ok()) return page.status();
    if (result.revision == 0) result.revision = page->header().revision();
    request.set_revision(result.revision);
    if (page->kvs_size() > 0) {
      bytes += static_cast<int64_t>(page->ByteSizeLong());
      keys += page->kvs_size();
      request.set_limit(std::clamp<int64_t>(kPageBytes * keys / bytes, 1, kLargestPage));
      // The smallest key behind the last one.
      request.set_key(
          absl::StrCat(page->kvs(page->kvs_size() - 1).key(), absl::string_view("\0", 1)));
    }
    if (result.kvs.empty()) result.kvs.reserve(static_cast<size_t>(page->count()));
    for (mvccpb::KeyValue& kv : *page->mutable_kvs()) {
      absl::optional<KeyValue> converted = keyspace_.ToKeyValue(std::move(kv));
      if (converted.has_value()) result.kvs.push_back(*std::move(converted));
    }
    if (!page->more() || page->kvs_size() == 0) return result;
  }
}

absl::StatusOr<RangeResult> EtcdStore::Range(absl::string_view prefix, absl::Time deadline) {
  const EtcdRange range = keyspace_.RangeOf(prefix);
  absl::StatusOr<RangeResult> result = RangeOnce(range, deadline);
  while (absl::IsOutOfRange(result.status()) && absl::Now() < deadline) {
    result = RangeOnce(range, deadline);
  }
  if (absl::IsOutOfRange(result.status())) {
    return absl::UnavailableError(
        absl::StrCat("revisions are compacted faster than read: ", result.status().message()));
  }
  // Who knows of a revision may wait for a watch to reach it.
  if (result.ok()) watch_events_->OnRevisionSeen(result->revision);
  return result;
}

absl::StatusOr<CommitResult> EtcdStore::Commit(const std::vector<Guard>& guards,
                                               const std::vector<Operation>& operations,
                                               absl::Time deadline) {
  if (absl::Status valid = CheckTransaction(guards, operations); !valid.ok()) return valid;
  const etcdserverpb::TxnRequest request = keyspace_.ToTxn(guards, operations);
  etcdserverpb::TxnResponse response;
  const EtcdCallResult result =
      CallEtcd(&sessions_,
               {"commit", operations.empty() ? EtcdRepeat::kAlways : EtcdRepeat::kIfNotExecuted,
                [&](const EtcdEndpoint& endpoint, grpc::ClientContext* context,
                    std::function<void(grpc::Status)> done) {
    response.Clear();
    endpoint.kv->async()->Txn(context, &request, &response, std::move(done));
                },
                [&]() -> const auto& { return response.header();
}
},
               deadline);
if (!result.status.ok()) return result.status;
return CommitResult{response.succeeded(), response.header().revision()};
}

std::unique_ptr<Watch> EtcdStore::StartWatch(std::string prefix, int64_t from_revision,
                                             std::function<void(const WatchBatch&)> on_batch,
                                             std::function<void(absl::Status)> on_end) {
  return watches_.Start(prefix, from_revision, std::move(on_batch), std::move(on_end));
}

absl::StatusOr<Lease> EtcdStore::GrantLease(absl::Duration ttl, absl::Time deadline) {
  if (absl::Status valid = CheckLeaseTtl(ttl); !valid.ok()) return valid;
  etcdserverpb::LeaseGrantRequest request;
  request.set_ttl(std::max<int64_t>(1, absl::ToInt64Seconds(absl::Ceil(ttl, absl::Seconds(1)))));
  etcdserverpb::LeaseGrantResponse response;
  // Repeated freely: a lease that nobody heard of ends by itself.
  const EtcdCallResult result = CallEtcd(
      &sessions_,
      {"lease grant", EtcdRepeat::kAlways,
       [&](const EtcdEndpoint& endpoint, grpc::ClientContext* context,
           std::function<void(grpc::Status)> done) {
    response.Clear();
    endpoint.lease->async()->LeaseGrant(context, &request, &response, std::move(done));
       },
       [&]() -> const auto& { return response.header();
}
},
      deadline);
if (!result.status.ok()) return result.status;
if (!response.error().empty()) return absl::InternalError(response.error());
return Lease{response.id(), absl::Seconds(response.ttl())};
}

absl::StatusOr<absl::Duration> EtcdStore::KeepLeaseAlive(int64_t lease_id, absl::Time deadline) {
  etcdserverpb::LeaseKeepAliveResponse response;
  const EtcdCallResult result =
      CallEtcd(&sessions_,
               {"lease keepalive", EtcdRepeat::kAlways,
                [&](const EtcdEndpoint& endpoint, grpc::ClientContext* context,
                    std::function<void(grpc::Status)> done) {
    response.Clear();
    StartEtcdKeepalive(endpoint, context, lease_id, &response, std::move(done));
                },
                [&]() -> const auto& { return response.header();
}
},
               deadline);
if (!result.status.ok()) return result.status;
if (response.ttl() <= 0) {
  return absl::NotFoundError(absl::StrCat("lease ", absl::Hex(lease_id), " has ended"));
}
return absl::Seconds(response.ttl());
}

absl::Status EtcdStore::RevokeLease(int64_t lease_id, absl::Time deadline) {
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(lease_id);
  etcdserverpb::LeaseRevokeResponse response;
  const EtcdCallResult result = CallEtcd(
      &sessions_,
      {"lease revoke", EtcdRepeat::kAlways,
       [&](const EtcdEndpoint& endpoint, grpc::ClientContext* context,
           std::function<void(grpc::Status)> done) {
    response.Clear();
    endpoint.lease->async()->LeaseRevoke(context, &request, &response, std::move(done));
       },
       [&]() -> const auto& { return response.header();
}
},
      deadline);
// It may well be gone by our own attempt whose answer was lost.
if (absl::IsNotFound(result.status) && result.maybe_executed_before) return absl::OkStatus();
return result.status;
}

absl::StatusOr<std::vector<StoreMember>> EtcdStore::Members(absl::Time deadline) {
  const etcdserverpb::MemberListRequest request;
  etcdserverpb::MemberListResponse response;
  const EtcdCallResult result = CallEtcd(
      &sessions_,
      {"member list", EtcdRepeat::kAlways,
       [&](const EtcdEndpoint& endpoint, grpc::ClientContext* context,
           std::function<void(grpc::Status)> done) {
    response.Clear();
    endpoint.cluster->async()->MemberList(context, &request, &response, std::move(done));
       },
       [&]() -> const auto& { return response.header();
}
},
      deadline);
if (!result.status.ok()) return result.status;
std::vector<StoreMember> members;
for (const etcdserverpb::Member& member : response.members()) {
  members.push_back({IdOfMember(member), member.islearner()});
}
return members;
}

}  // namespace curatord
