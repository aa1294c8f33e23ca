#include "server/store/etcd_keyspace.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/key_prefix.h"

namespace curatord {
namespace {

// How etcd's requests write "the first key" and "to the end": one zero byte.
std::string ZeroByte() { return std::string(1, '\0'); }

}  // namespace

EtcdRange EtcdKeyspace::RangeOf(absl::string_view prefix) const {
  EtcdRange range{FullKey(prefix), ""};
  range.end = PrefixEnd(range.key);
  if (range.key.empty()) range.key = ZeroByte();
  if (range.end.empty()) range.end = ZeroByte();
  return range;
}

std::string EtcdKeyspace::FullKey(absl::string_view key) const {
  return absl::StrCat(prefix_, key);
}

absl::optional<KeyValue> EtcdKeyspace::ToKeyValue(mvccpb::KeyValue&& kv) const {
  if (kv.key().size() <= prefix_.size()) return absl::nullopt;
  KeyValue converted;
  converted.key = kv.key().substr(prefix_.size());
  converted.value = std::move(*kv.mutable_value());
  converted.create_revision = kv.create_revision();
  converted.mod_revision = kv.mod_revision();
  converted.lease_id = kv.lease();
  return converted;
}

absl::optional<WatchEvent> EtcdKeyspace::ToEvent(mvccpb::Event&& event) const {
  absl::optional<KeyValue> kv = ToKeyValue(std::move(*event.mutable_kv()));
  if (!kv.has_value()) return absl::nullopt;
  if (event.type() == mvccpb::Event::PUT) {
    return WatchEvent{WatchEvent::Kind::kPut, *std::move(kv)};
  }
  return WatchEvent{WatchEvent::Kind::kDelete, {std::move(kv->key), "", 0, kv->mod_revision, 0}};
}

etcdserverpb::TxnRequest EtcdKeyspace::ToTxn(const std::vector<Guard>& guards,
                                             const std::vector<Operation>& operations) const {
  etcdserverpb::TxnRequest txn;
  for (const Guard& guard : guards) {
    etcdserverpb::Compare* const compare = txn.add_compare();
    compare->set_key(FullKey(guard.key));
    compare->set_result(etcdserverpb::Compare::EQUAL);
    if (guard.field == Guard::Field::kCreateRevision) {
      compare->set_target(etcdserverpb::Compare::CREATE);
      compare->set_create_revision(guard.equals);
    } else {
      compare->set_target(etcdserverpb::Compare::MOD);
      compare->set_mod_revision(guard.equals);
    }
  }
  for (const Operation& operation : operations) {
    etcdserverpb::RequestOp* const request = txn.add_success();
    if (operation.kind == Operation::Kind::kPut) {
      etcdserverpb::PutRequest* const put = request->mutable_request_put();
      put->set_key(FullKey(operation.key));
      put->set_value(operation.value);
      put->set_lease(operation.lease_id);
    } else {
      request->mutable_request_delete_range()->set_key(FullKey(operation.key));
    }
  }
  if (operations.empty()) {
    // A transaction that reads nothing counts as serializable with etcd, and a
    // member answers it from whatever it knows. One small linearizable reading
    // makes the check of the guards linearizable.
    etcdserverpb::RangeRequest* const reading = txn.add_success()->mutable_request_range();
    reading->set_key(guards.empty() ? RangeOf("").key : FullKey(guards[0].key));
    reading->set_count_only(true);
  }
  return txn;
}

}  // namespace curatord
