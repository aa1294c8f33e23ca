#include "tests/bench/listings.h"

#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "curator/v1/nodes.grpc.pb.h"
#include "etcd/rpc.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "libclient/core/instant.h"
#include "libclient/net/monotonic.h"
#include "metropolis/curator.grpc.pb.h"
#include "metropolis/management.grpc.pb.h"
#include "server/store/etcd_keyspace.h"
#include "server/store/etcd_url.h"
#include "server/store/keys.h"
#include "tests/bench/report.h"

namespace curator::bench {
namespace {

namespace api = metropolis::proto::api;
namespace curator_api = metropolis::node::core::curator::proto::api;

double MillisecondsSince(core::Instant began) {
  return absl::ToDoubleMilliseconds(core::Elapsed(began, net::Now()));
}

// Reads a stream of messages to where `Enough` says, and keeps what it read, as a
// client would. `first_ms` and `last_ms` count from the call.
template <typename Message>
class WholeStream final : public grpc::ClientReadReactor<Message> {
 public:
  using Enough = bool (*)(const Message&);

  explicit WholeStream(Enough enough) : enough_(enough) {}

  void Start() {
    began_ = net::Now();
    this->StartRead(&messages_.emplace_back());
    this->StartCall();
    ended_.WaitForNotification();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    last_ms_ = MillisecondsSince(began_);
    if (messages_.size() == 1) first_ms_ = last_ms_;
    if (enough_ != nullptr && enough_(messages_.back())) {
      enough_seen_ = true;
      context_.TryCancel();
      return;
    }
    this->StartRead(&messages_.emplace_back());
  }

  void OnDone(const grpc::Status& status) override {
    if (!status.ok() && !enough_seen_) Fail(absl::StrCat("stream: ", status.error_message()));
    if (!enough_seen_) messages_.pop_back();
    ended_.Notify();
  }

  grpc::ClientContext* context() { return &context_; }
  const std::deque<Message>& messages() const { return messages_; }

  void AddTimes(int64_t nodes, Report* report) const {
    int64_t bytes = 0;
    for (const Message& message : messages_) bytes += static_cast<int64_t>(message.ByteSizeLong());
    report->Add("nodes", static_cast<double>(nodes))
        .Add("bytes", static_cast<double>(bytes))
        .Add("first_ms", first_ms_)
        .Add("first_to_last_ms", last_ms_ - first_ms_)
        .Add("total_ms", last_ms_);
  }

 private:
  const Enough enough_;
  grpc::ClientContext context_;
  core::Instant began_;
  std::deque<Message> messages_;
  double first_ms_ = 0;
  double last_ms_ = 0;
  bool enough_seen_ = false;
  absl::Notification ended_;
};

bool HasCaughtUp(const curator_api::WatchEvent& event) {
  return event.progress() == curator_api::WatchEvent::PROGRESS_LAST_BACKLOGGED;
}

}  // namespace

void MeasureGetNodes(const Access& access, int times, const Processes& processes) {
  const Channels channels = Connect(access.address, access.Ca(), {access.Owner()});
  const auto stub = api::Management::NewStub(channels.front());
  for (int i = 0; i < times; ++i) {
    WholeStream<api::Node> stream(nullptr);
    const api::GetNodesRequest request;
    ProcessTimes cores(processes);
    stub->async()->GetNodes(stream.context(), &request, &stream);
    stream.Start();
    Report report("get-nodes");
    report.Add("cores", cores.CoresSinceBegin());
    stream.AddTimes(static_cast<int64_t>(stream.messages().size()), &report);
    report.Print();
  }
}

void MeasureListNodes(const Access& access, int times, const Processes& processes) {
  const Channels channels = Connect(access.address, access.Ca(), {access.Owner()});
  const auto stub = curator::v1::Nodes::NewStub(channels.front());
  for (int i = 0; i < times; ++i) {
    WholeStream<curator::v1::ListNodesResponse> stream(nullptr);
    const curator::v1::ListNodesRequest request;
    ProcessTimes cores(processes);
    stub->async()->List(stream.context(), &request, &stream);
    stream.Start();
    Report report("list-nodes");
    report.Add("cores", cores.CoresSinceBegin());
    int64_t nodes = 0;
    for (const auto& batch : stream.messages()) nodes += batch.nodes_size();
    stream.AddTimes(nodes, &report);
    report.Print();
  }
}

void MeasureWatchAll(const Access& access, int times, const Processes& processes) {
  const Channels channels = Connect(access.address, access.Ca(), {access.Owner()});
  const auto stub = curator_api::Curator::NewStub(channels.front());
  for (int i = 0; i < times; ++i) {
    WholeStream<curator_api::WatchEvent> stream(HasCaughtUp);
    curator_api::WatchRequest request;
    request.mutable_nodes_in_cluster();
    ProcessTimes cores(processes);
    stub->async()->Watch(stream.context(), &request, &stream);
    stream.Start();
    Report report("watch-all");
    report.Add("cores", cores.CoresSinceBegin());
    int64_t nodes = 0;
    for (const auto& event : stream.messages()) nodes += event.nodes_size();
    stream.AddTimes(nodes, &report);
    report.Print();
  }
}

void MeasureEtcdRange(const EtcdRangeOptions& options, const Processes& processes) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  const auto channel = grpc::CreateCustomChannel(absl::StrCat("ipv4:", options.address),
                                                 grpc::InsecureChannelCredentials(), arguments);
  const auto stub = etcdserverpb::KV::NewStub(channel);
  const curatord::EtcdRange range =
      curatord::EtcdKeyspace(std::string(curatord::kDefaultEtcdPrefix))
          .RangeOf(options.everything ? "" : curatord::keys::kNodes);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  for (int i = 0; i < options.times; ++i) {
    ProcessTimes cores(processes);
    const core::Instant began = net::Now();
    etcdserverpb::RangeRequest request;
    request.set_key(range.key);
    request.set_range_end(range.end);
    request.set_limit(options.page);
    std::deque<etcdserverpb::RangeResponse> pages;
    double first_ms = 0;
    do {
      grpc::ClientContext context;
      const grpc::Status status = stub->Range(&context, request, &pages.emplace_back());
      if (!status.ok()) Fail(absl::StrCat("etcd: ", status.error_message()));
      const etcdserverpb::RangeResponse& page = pages.back();
      if (pages.size() == 1) first_ms = MillisecondsSince(began);
      if (page.kvs_size() == 0) break;
      request.set_key(page.kvs(page.kvs_size() - 1).key() + std::string(1, '\0'));
      request.set_revision(page.header().revision());
    } while (pages.back().more());
    const double total_ms = MillisecondsSince(began);
    int64_t keys = 0;
    int64_t bytes = 0;
    for (const auto& page : pages) {
      keys += page.kvs_size();
      bytes += static_cast<int64_t>(page.ByteSizeLong());
    }
    Report("etcd-range")
        .Add("keys", static_cast<double>(keys))
        .Add("bytes", static_cast<double>(bytes))
        .Add("first_ms", first_ms)
        .Add("total_ms", total_ms)
        .Add("cores", cores.CoresSinceBegin())
        .Print();
  }
}

}  // namespace curator::bench
