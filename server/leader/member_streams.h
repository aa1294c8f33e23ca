// MemberStreams: the open streams of nodes and of the owner. Each ends when the
// certificate that it was opened with is revoked, and nobody has more of them than
// limits.h allows. Streams of who is no member are none of its business.
//
// Thread-safe; ends streams on whatever thread changes the state.
#ifndef SERVER_LEADER_MEMBER_STREAMS_H_
#define SERVER_LEADER_MEMBER_STREAMS_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/caller.h"
#include "server/nodes/cluster_state.h"

namespace curatord {

class MemberStreams : public std::enable_shared_from_this<MemberStreams> {
 public:
  // `state` outlives all streams.
  static std::shared_ptr<MemberStreams> Watch(ClusterState* state);

  // What a stream holds for as long as it exists: it counts until then.
  using Place = std::shared_ptr<void>;
  // `end` is called when the certificate of `caller` is refused, if `stream` exists then.
  // RESOURCE_EXHAUSTED: the caller has as many as it may have.
  absl::StatusOr<Place> Add(const Caller& caller, std::weak_ptr<void> stream,
                            std::function<void(const absl::Status&)> end)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Stream {
    Caller caller;
    std::weak_ptr<void> stream;
    std::function<void(const absl::Status&)> end;
  };
  using Streams = std::list<Stream>;
  using ByName = absl::flat_hash_map<std::string, Streams>;
  class PlaceOf;

  explicit MemberStreams(const ClusterState* state) : state_(state) {}
  void OnChange() ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(Caller::Kind kind, const std::string& name, Streams::iterator stream)
      ABSL_LOCKS_EXCLUDED(mutex_);
  ByName& Of(Caller::Kind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return kind == Caller::Kind::kNode ? nodes_ : users_;
  }
  // Returns whether it was.
  bool EndIfRevoked(const Stream& stream) const;

  const ClusterState* const state_;
  absl::Mutex mutex_;
  // Changes up to here were looked at: of nodes, and of who owns the cluster.
  int64_t revision_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t owner_revision_ ABSL_GUARDED_BY(mutex_) = 0;
  ByName nodes_ ABSL_GUARDED_BY(mutex_);
  ByName users_ ABSL_GUARDED_BY(mutex_);
};

// Counts an admitted stream among those of its caller, to end when the caller is out; ends it
// if that are too many.
template <typename Stream>
bool TakePlace(MemberStreams* streams, const Caller& caller,
               const std::shared_ptr<Stream>& stream) {
  absl::StatusOr<MemberStreams::Place> place = streams->Add(
      caller, stream, [raw = stream.get()](const absl::Status& revoked) { raw->End(revoked); });
  if (!place.ok()) {
    stream->End(place.status());
    return false;
  }
  stream->Hold(*std::move(place));
  return true;
}

}  // namespace curatord

#endif  // SERVER_LEADER_MEMBER_STREAMS_H_
