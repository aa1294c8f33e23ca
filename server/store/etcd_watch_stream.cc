#include "server/store/etcd_watch_stream.h"

#include <utility>

#include "server/store/etcd_call.h"

namespace curatord {

std::shared_ptr<EtcdWatchStream> EtcdWatchStream::Start(EtcdWatchTicket ticket,
                                                        std::shared_ptr<EtcdWatchEvents> events,
                                                        const EtcdSession& session,
                                                        const EtcdRange& range,
                                                        int64_t from_revision) {
  // Not make_shared: the constructor is private.
  auto stream = std::shared_ptr<EtcdWatchStream>(new EtcdWatchStream(ticket, std::move(events)));
  stream->self_ = stream;
  stream->events_->OnCallStarted();
  AddEtcdMetadata(session, &stream->context_);
  etcdserverpb::WatchCreateRequest* const create = stream->request_.mutable_create_request();
  create->set_key(range.key);
  create->set_range_end(range.end);
  create->set_start_revision(from_revision);
  create->set_fragment(true);
  session.endpoint->watch->async()->Watch(&stream->context_, stream.get());
  stream->AddHold();
  stream->StartWrite(&stream->request_);
  stream->StartRead(&stream->response_);
  stream->StartCall();
  return stream;
}

void EtcdWatchStream::Next() {
  {
    absl::MutexLock lock(&mutex_);
    if (cancelled_ || !held_) return;
    reading_ = true;
  }
  StartRead(&response_);
}

void EtcdWatchStream::Cancel() {
  bool release;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    release = held_ && !reading_;
    if (release) held_ = false;
  }
  context_.TryCancel();
  if (release) RemoveHold();
}

void EtcdWatchStream::OnReadDone(bool ok) {
  bool release;
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    release = held_ && (!ok || cancelled_);
    if (release) held_ = false;
  }
  if (release) {
    RemoveHold();
    return;
  }
  EtcdWatchEvent event;
  event.kind = EtcdWatchEvent::Kind::kResponse;
  event.watch_id = ticket_.watch_id;
  event.generation = ticket_.generation;
  event.response.Swap(&response_);
  events_->Post(std::move(event));
}

void EtcdWatchStream::OnDone(const grpc::Status& status) {
  bool cancelled;
  {
    absl::MutexLock lock(&mutex_);
    cancelled = cancelled_;
  }
  if (!cancelled) {
    EtcdWatchEvent event;
    event.kind = EtcdWatchEvent::Kind::kClosed;
    event.watch_id = ticket_.watch_id;
    event.generation = ticket_.generation;
    event.status = status;
    events_->Post(std::move(event));
  }
  const std::shared_ptr<EtcdWatchEvents> events = events_;
  self_.reset();
  events->OnCallEnded();
}

std::shared_ptr<grpc::ClientContext> StartEtcdWatchCheck(EtcdWatchTicket ticket,
                                                         std::shared_ptr<EtcdWatchEvents> events,
                                                         const EtcdSession& session,
                                                         const EtcdRange& range, int64_t delivered,
                                                         bool count_then) {
  struct Check {
    grpc::ClientContext context;
    etcdserverpb::TxnRequest request;
    EtcdWatchEvent event;
  };
  const auto check = std::make_shared<Check>();
  check->event.kind = EtcdWatchEvent::Kind::kChecked;
  check->event.watch_id = ticket.watch_id;
  check->event.generation = ticket.generation;
  const auto add_range = [&] {
    etcdserverpb::RangeRequest* const reading =
        check->request.add_success()->mutable_request_range();
    reading->set_key(range.key);
    reading->set_range_end(range.end);
    return reading;
  };
  etcdserverpb::RangeRequest* const newer = add_range();
  newer->set_min_mod_revision(delivered + 1);
  newer->set_keys_only(true);
  newer->set_limit(1);
  add_range()->set_count_only(true);
  if (count_then) {
    etcdserverpb::RangeRequest* const then = add_range();
    then->set_revision(delivered);
    then->set_count_only(true);
  }
  AddEtcdMetadata(session, &check->context);
  events->OnCallStarted();
  session.endpoint->kv->async()->Txn(&check->context, &check->request, &check->event.checked,
                                     [check, events = std::move(events)](grpc::Status status) {
                                       check->event.status = std::move(status);
                                       events->Post(std::move(check->event));
                                       events->OnCallEnded();
                                     });
  return {check, &check->context};
}

}  // namespace curatord
