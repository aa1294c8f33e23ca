#include "server/store/etcd_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "server/store/etcd_outcome.h"
#include "server/store/etcd_watch_stream.h"

namespace curatord {
namespace {

constexpr absl::Duration kFirstRetry = absl::Milliseconds(50);
constexpr absl::Duration kLongestRetry = absl::Seconds(1);
// Events are mostly there before anybody has to ask how far the watch is.
constexpr absl::Duration kCheckDelay = absl::Milliseconds(20);
// Between readings that show events which have not come.
constexpr absl::Duration kCheckAgain = absl::Seconds(1);
constexpr int kUnprovenChecks = 5;
// Denied so often in a row, with a new token each time, it is the truth.
constexpr int kDenials = 2;

}  // namespace

struct EtcdWatches::Registration {
  // Constant after construction.
  int64_t id = 0;
  EtcdRange range;
  std::function<void(const WatchBatch&)> on_batch;
  std::function<void(absl::Status)> on_end;

  // Of the thread.
  int64_t delivered = 0;          // everything up to this revision
  absl::optional<int64_t> count;  // of keys in the range at `delivered`, if known
  bool ended = false;

  // The stream of now; null while there is none.
  std::shared_ptr<EtcdWatchStream> stream;
  int64_t generation = 0;
  EtcdSessionPtr session;
  bool created = false;
  std::vector<mvccpb::Event> pieces;  // of a response that is not whole yet
  absl::Time retry_at = absl::InfinitePast();
  absl::Duration retry_delay = kFirstRetry;
  int denials = 0;

  std::shared_ptr<grpc::ClientContext> check;  // under way
  int64_t checked_from = 0;                    // `delivered` when it started
  absl::Time check_at = absl::InfiniteFuture();
  int unproven_checks = 0;
};

class EtcdWatches::Handle final : public Watch {
 public:
  Handle(std::shared_ptr<EtcdWatchEvents> events, int64_t watch_id)
      : events_(std::move(events)), watch_id_(watch_id) {}
  ~Handle() override { events_->Remove(watch_id_); }

 private:
  const std::shared_ptr<EtcdWatchEvents> events_;
  const int64_t watch_id_;
};

EtcdWatches::EtcdWatches(EtcdSessions* sessions, const EtcdKeyspace* keyspace,
                         std::shared_ptr<EtcdWatchEvents> events)
    : sessions_(sessions),
      keyspace_(keyspace),
      events_(std::move(events)),
      thread_([this] { Run(); }) {}

EtcdWatches::~EtcdWatches() {
  events_->Stop();
  thread_.join();
  for (auto& [id, watch] : watches_) Close(*watch);
  events_->AwaitNoCalls();
}

std::unique_ptr<Watch> EtcdWatches::Start(const std::string& prefix, int64_t from_revision,
                                          std::function<void(const WatchBatch&)> on_batch,
                                          std::function<void(absl::Status)> on_end) {
  auto watch = std::make_unique<Registration>();
  watch->id = events_->Add();
  watch->range = keyspace_->RangeOf(prefix);
  watch->on_batch = std::move(on_batch);
  watch->on_end = std::move(on_end);
  watch->delivered = from_revision - 1;
  if (watch->delivered == 0) watch->count = 0;
  auto handle = std::make_unique<Handle>(events_, watch->id);
  {
    absl::MutexLock lock(&mutex_);
    new_.push_back(std::move(watch));
  }
  events_->OnWatchesChanged();
  return handle;
}

void EtcdWatches::Run() {
  absl::Time wake_at = absl::InfiniteFuture();
  for (;;) {
    EtcdWatchEvents::News news = events_->Await(wake_at);
    if (news.stopping) return;
    if (news.watches_changed) {
      TakeNew();
      DropRemoved();
    }
    if (news.session_changed) FollowSession();
    revision_seen_ = std::max(revision_seen_, news.revision_seen);
    if (news.revision_seen > 0) {
      for (auto& [id, watch] : watches_) {
        if (watch->delivered < revision_seen_) {
          watch->check_at = std::min(watch->check_at, absl::Now() + kCheckDelay);
        }
      }
    }
    for (EtcdWatchEvent& event : news.events) Dispatch(std::move(event));
    wake_at = RunTimers();
  }
}

void EtcdWatches::TakeNew() {
  std::vector<std::unique_ptr<Registration>> taken;
  {
    absl::MutexLock lock(&mutex_);
    taken.swap(new_);
  }
  for (std::unique_ptr<Registration>& watch : taken) {
    Registration& kept = *watch;
    watches_[kept.id] = std::move(watch);
    if (kept.delivered < 0) {
      End(kept, absl::InvalidArgumentError(absl::StrCat("no revision ", kept.delivered + 1)));
    } else {
      Open(kept);
    }
  }
}

void EtcdWatches::DropRemoved() {
  for (auto it = watches_.begin(); it != watches_.end();) {
    if (events_->Contains(it->first)) {
      ++it;
    } else {
      Close(*it->second);
      it = watches_.erase(it);
    }
  }
}

void EtcdWatches::FollowSession() {
  const EtcdSessionPtr current = sessions_->Current();
  if (current == nullptr) return;
  for (auto& [id, watch] : watches_) {
    // The endpoint that a stream stands on has failed somebody.
    if (watch->stream != nullptr && watch->session->index != current->index) Close(*watch);
    Open(*watch);
  }
}

void EtcdWatches::Dispatch(EtcdWatchEvent event) {
  auto found = watches_.find(event.watch_id);
  if (found == watches_.end() || found->second->generation != event.generation) return;
  Registration& watch = *found->second;
  switch (event.kind) {
    case EtcdWatchEvent::Kind::kResponse:
      OnResponse(watch, std::move(event.response));
      break;
    case EtcdWatchEvent::Kind::kClosed:
      Restart(watch, event.status);
      break;
    case EtcdWatchEvent::Kind::kChecked:
      OnChecked(watch, event);
      break;
  }
}

absl::Time EtcdWatches::RunTimers() {
  absl::Time next = absl::InfiniteFuture();
  for (auto& [id, watch] : watches_) {
    if (watch->ended) continue;
    if (watch->stream == nullptr && sessions_->Current() != nullptr) {
      Open(*watch);
      if (watch->stream == nullptr) next = std::min(next, watch->retry_at);
    }
    if (watch->check_at <= absl::Now()) StartCheck(*watch);
    // Where it could not start, news will come first.
    if (watch->check_at > absl::Now()) next = std::min(next, watch->check_at);
  }
  return next;
}

void EtcdWatches::Open(Registration& watch) {
  if (watch.ended || watch.stream != nullptr || absl::Now() < watch.retry_at) return;
  watch.session = sessions_->Current();
  if (watch.session == nullptr) return;
  ++watch.generation;
  watch.stream = EtcdWatchStream::Start({watch.id, watch.generation}, events_, *watch.session,
                                        watch.range, watch.delivered + 1);
}

// What is posted from now on by the calls of before is ignored.
void EtcdWatches::Close(Registration& watch) {
  if (watch.stream != nullptr) watch.stream->Cancel();
  if (watch.check != nullptr) watch.check->TryCancel();
  watch.stream = nullptr;
  watch.check = nullptr;
  watch.created = false;
  watch.pieces.clear();
  watch.check_at = absl::InfiniteFuture();
  ++watch.generation;
}

void EtcdWatches::Restart(Registration& watch, const grpc::Status& cause) {
  const EtcdSessionPtr session = watch.session;
  Close(watch);
  watch.retry_at = absl::Now() + watch.retry_delay;
  watch.retry_delay = std::min(2 * watch.retry_delay, kLongestRetry);
  const std::string text = EtcdCauseText(cause);
  switch (ClassifyEtcd(cause)) {
    case EtcdCause::kDenied:
      // Versions of etcd call an expired token this as well.
      if (session->token.empty() || ++watch.denials >= kDenials) {
        End(watch, absl::UnavailableError(
                       absl::StrCat("watch: etcd ", session->endpoint->address, ": ", text)));
        return;
      }
      sessions_->OnTokenRefused(session);
      return;
    case EtcdCause::kTokenRefused:
    case EtcdCause::kCredentialsRefused:
      sessions_->OnTokenRefused(session);
      return;
    default:
      sessions_->OnFailure(session, text);
  }
}

void EtcdWatches::OnResponse(Registration& watch, etcdserverpb::WatchResponse response) {
  absl::Status same = sessions_->CheckHeader(response.header(), watch.session->endpoint->address);
  if (!same.ok()) {
    End(watch, std::move(same));
    return;
  }
  if (response.canceled()) {
    if (response.compact_revision() > 0) {
      End(watch, absl::OutOfRangeError(absl::StrCat("revision ", watch.delivered + 1,
                                                    " was compacted; the first there is is ",
                                                    response.compact_revision())));
    } else {
      Restart(watch, grpc::Status(grpc::StatusCode::UNAVAILABLE, response.cancel_reason()));
    }
    return;
  }
  if (response.created()) {
    watch.created = true;
    watch.retry_delay = kFirstRetry;
    watch.denials = 0;
    watch.check_at = absl::Now();
  }
  for (mvccpb::Event& event : *response.mutable_events()) {
    watch.pieces.push_back(std::move(event));
  }
  if (!response.fragment()) Deliver(watch);
  if (watch.stream != nullptr) watch.stream->Next();
}

void EtcdWatches::Deliver(Registration& watch) {
  WatchBatch batch;
  batch.revision = watch.delivered;
  for (mvccpb::Event& event : watch.pieces) {
    const int64_t revision = event.kv().mod_revision();
    if (revision <= watch.delivered) continue;
    batch.revision = std::max(batch.revision, revision);
    if (watch.count.has_value()) {
      if (event.type() == mvccpb::Event::DELETE) {
        --*watch.count;
      } else if (event.kv().version() == 1) {
        ++*watch.count;
      }
    }
    absl::optional<WatchEvent> converted = keyspace_->ToEvent(std::move(event));
    if (converted.has_value()) batch.events.push_back(*std::move(converted));
  }
  watch.pieces.clear();
  if (batch.revision == watch.delivered) return;
  watch.delivered = batch.revision;
  watch.unproven_checks = 0;
  CallBack(watch, batch);
}

void EtcdWatches::StartCheck(Registration& watch) {
  if (!watch.created || watch.check != nullptr) return;
  watch.check_at = absl::InfiniteFuture();
  watch.checked_from = watch.delivered;
  watch.check =
      StartEtcdWatchCheck({watch.id, watch.generation}, events_, *watch.session, watch.range,
                          watch.delivered, /*count_then=*/!watch.count.has_value());
}

void EtcdWatches::OnChecked(Registration& watch, const EtcdWatchEvent& event) {
  watch.check = nullptr;
  const EtcdCause cause = ClassifyEtcd(event.status);
  if (cause == EtcdCause::kCompacted || cause == EtcdCause::kFutureRevision) {
    return;  // nothing can be shown from here; the next event makes a new start
  }
  if (cause != EtcdCause::kOk) {
    if (cause == EtcdCause::kTokenRefused) sessions_->OnTokenRefused(watch.session);
    watch.check_at = absl::Now() + kCheckAgain;
    return;
  }
  const etcdserverpb::TxnResponse& found = event.checked;
  const int readings = watch.count.has_value() ? 2 : 3;
  if (watch.delivered != watch.checked_from) {
    // Events came meanwhile: it is about a state that is past.
    if (watch.delivered < std::max(revision_seen_, found.header().revision())) {
      watch.check_at = absl::Now() + kCheckDelay;
    }
    return;
  }
  if (found.responses_size() < readings || found.header().revision() < watch.delivered) return;
  if (!watch.count.has_value()) watch.count = found.responses(2).response_range().count();
  const bool complete = found.responses(0).response_range().kvs_size() == 0 &&
                        found.responses(1).response_range().count() == *watch.count;
  if (complete) {
    watch.unproven_checks = 0;
    if (found.header().revision() == watch.delivered) return;
    watch.delivered = found.header().revision();
    CallBack(watch, WatchBatch{{}, watch.delivered});
    return;
  }
  if (++watch.unproven_checks < kUnprovenChecks) {
    watch.check_at = absl::Now() + kCheckAgain;
    return;
  }
  // They will not come any more.
  watch.unproven_checks = 0;
  Close(watch);
  Open(watch);
}

void EtcdWatches::CallBack(Registration& watch, const WatchBatch& batch) {
  if (!events_->Enter(watch.id)) return;
  watch.on_batch(batch);
  events_->Leave();
}

void EtcdWatches::End(Registration& watch, absl::Status status) {
  Close(watch);
  watch.ended = true;
  if (!events_->Enter(watch.id)) return;
  watch.on_end(std::move(status));
  events_->Leave();
}

}  // namespace curatord
