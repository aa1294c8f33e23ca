#include "tests/bench/crowd.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libclient/core/endpoint.h"
#include "libclient/net/endpoint_channel.h"
#include "libclient/net/leader_call.h"
#include "metropolis/management.grpc.pb.h"
#include "tests/bench/crowd_agent.h"
#include "tests/bench/report.h"

namespace curator::bench {
namespace {

namespace api = metropolis::proto::api;
namespace curator_api = metropolis::node::core::curator::proto::api;

constexpr char kLabel[] = "curator-bench-change";
constexpr absl::Duration kPatience = absl::Seconds(120);

// One for the connections of watchers: a new channel for each leader.
class SharedConnection {
 public:
  SharedConnection(ClusterCa ca, Identity identity, net::LeaderFinder* finder)
      : ca_(std::move(ca)), identity_(std::move(identity)), finder_(finder) {}

  // Null: nobody is believed to lead.
  std::shared_ptr<grpc::Channel> ToLeader() {
    const absl::optional<net::LeaderConnection> leader = finder_->believed_leader();
    if (!leader.has_value()) return nullptr;
    absl::MutexLock lock(&mutex_);
    if (channel_ == nullptr || dial_id_ != leader->dial_id) {
      net::ChannelOptions options;
      options.ca = ca_;
      options.identity = identity_;
      options.connect_timeout = absl::Seconds(30);
      channel_ = net::OpenChannel(leader->endpoint, options).channel;
      dial_id_ = leader->dial_id;
    }
    return channel_;
  }

 private:
  const ClusterCa ca_;
  const Identity identity_;
  net::LeaderFinder* const finder_;
  absl::Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
  uint64_t dial_id_ ABSL_GUARDED_BY(mutex_) = 0;
};

class Watcher;

// What all watchers share: the change they look for, and who may open a stream.
class Watchers {
 public:
  Watchers(int at_once, std::string changed_node, Schedule* schedule)
      : changed_node_(std::move(changed_node)), schedule_(schedule), slots_(at_once) {}

  const std::string& changed_node() const { return changed_node_; }
  Schedule* schedule() const { return schedule_; }

  void Enqueue(Watcher* watcher) {
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(watcher);
    OpenSome();
  }
  void FreeSlot() {
    absl::MutexLock lock(&mutex_);
    ++slots_;
    OpenSome();
  }

  void CaughtUp(int difference) { caught_up_ += difference; }
  void AwaitCaughtUp(int count) const {
    const core::Instant deadline = core::After(net::Now(), kPatience);
    while (caught_up_ < count) {
      if (net::Now() > deadline) {
        Fail(absl::StrCat(caught_up_.load(), " of ", count, " watchers have caught up"));
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
  }

  void Begin(int64_t change) {
    absl::MutexLock lock(&mutex_);
    change_ = change;
    arrivals_.clear();
  }
  void Arrived(int64_t change) {
    const core::Instant now = net::Now();
    absl::MutexLock lock(&mutex_);
    if (change == change_) arrivals_.push_back(now);
  }
  std::vector<core::Instant> AwaitArrivals(int count) {
    absl::MutexLock lock(&mutex_);
    const auto all = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return arrivals_.size() >= static_cast<size_t>(count);
    };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&all), kPatience)) {
      Fail(absl::StrCat("a change reached ", arrivals_.size(), " of ", count, " watchers"));
    }
    return arrivals_;
  }

 private:
  void OpenSome() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string changed_node_;
  Schedule* const schedule_;
  std::atomic<int> caught_up_{0};
  absl::Mutex mutex_;
  int slots_ ABSL_GUARDED_BY(mutex_);
  std::deque<Watcher*> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t change_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<core::Instant> arrivals_ ABSL_GUARDED_BY(mutex_);
};

class Watcher {
 public:
  Watcher(SharedConnection* connection, Watchers* all) : connection_(connection), all_(all) {
    all_->Enqueue(this);
  }

  void Open() {
    const std::shared_ptr<grpc::Channel> channel = connection_->ToLeader();
    if (channel == nullptr) {
      OnEnded();
    } else {
      new Stream(this, channel);
    }
  }

 private:
  // Deletes itself when the stream has ended.
  class Stream final : public grpc::ClientReadReactor<curator_api::WatchEvent> {
   public:
    Stream(Watcher* watcher, const std::shared_ptr<grpc::Channel>& channel)
        : watcher_(watcher), stub_(curator_api::Curator::NewStub(channel)) {
      curator_api::WatchRequest request;
      request.mutable_nodes_in_cluster();
      stub_->async()->Watch(&context_, &request, this);
      StartRead(&event_);
      StartCall();
    }

    void OnReadDone(bool ok) override {
      if (!ok) return;
      watcher_->OnEvent(event_);
      // Not kept: the first event holds all nodes, and clearing it takes time later.
      event_ = curator_api::WatchEvent();
      StartRead(&event_);
    }
    void OnDone(const grpc::Status&) override {
      Watcher* const watcher = watcher_;
      delete this;
      watcher->OnEnded();
    }

   private:
    Watcher* const watcher_;
    const std::unique_ptr<curator_api::Curator::Stub> stub_;
    grpc::ClientContext context_;
    curator_api::WatchEvent event_;
  };

  void OnEvent(const curator_api::WatchEvent& event) {
    for (const auto& node : event.nodes()) {
      if (node.id() != all_->changed_node()) continue;
      for (const auto& pair : node.labels().pairs()) {
        int64_t change = 0;
        if (pair.key() == kLabel && absl::SimpleAtoi(pair.value(), &change)) {
          all_->Arrived(change);
        }
      }
    }
    if (!caught_up_ && event.progress() == curator_api::WatchEvent::PROGRESS_LAST_BACKLOGGED) {
      caught_up_ = true;
      all_->CaughtUp(1);
      all_->FreeSlot();
    }
  }

  void OnEnded() {
    if (std::exchange(caught_up_, false)) {
      all_->CaughtUp(-1);
    } else {
      all_->FreeSlot();
    }
    all_->schedule()->Within(kReconnectJitter, [this] { all_->Enqueue(this); });
  }

  SharedConnection* const connection_;
  Watchers* const all_;
  bool caught_up_ = false;  // of one stream after the other
};

void Watchers::OpenSome() {
  for (; slots_ > 0 && !waiting_.empty(); --slots_) {
    // Elsewhere: the caller may hold what the stream needs.
    schedule_->At(net::Now(), [watcher = waiting_.front()] { watcher->Open(); });
    waiting_.pop_front();
  }
}

class Crowd {
 public:
  Crowd(const Access& access, const CrowdOptions& options)
      : options_(options), finder_(FinderFor(access, options)) {
    if (absl::Status found = finder_.WaitForLeader(Soon(), std::stop_token()).status();
        !found.ok()) {
      Fail(found.ToString());
    }
    for (const Actor& actor : access.Actors(0, static_cast<size_t>(options.agents))) {
      agents_.push_back(std::make_unique<CrowdAgent>(actor, access.Ca(), options.heartbeat_interval,
                                                     &finder_, &schedule_));
      agents_.back()->Connect();
    }
    watchers_ = std::make_unique<Watchers>(options.watchers_at_once,
                                           access.Actors(0, 1).front().id(), &schedule_);
    for (int i = 0; i < options.watcher_connections; ++i) {
      connections_.push_back(
          std::make_unique<SharedConnection>(access.Ca(), access.Owner(), &finder_));
    }
    for (int i = 0; i < options.watchers; ++i) {
      each_watcher_.push_back(std::make_unique<Watcher>(
          connections_[static_cast<size_t>(i % options.watcher_connections)].get(),
          watchers_.get()));
    }
  }

  void AwaitCaughtUp() { watchers_->AwaitCaughtUp(options_.watchers); }

  void MakeChanges(int count) {
    std::vector<float> all;
    std::vector<float> last;
    for (int i = 0; i < count; ++i) {
      ++change_;
      watchers_->Begin(change_);
      api::UpdateNodeLabelsRequest request;
      request.set_id(watchers_->changed_node());
      auto* pair = request.add_upsert();
      pair->set_key(kLabel);
      pair->set_value(absl::StrCat(change_));
      api::UpdateNodeLabelsResponse response;
      const core::Instant began = net::Now();
      Call("metropolis.proto.api.Management.UpdateNodeLabels", request, &response);
      float latest = 0;
      for (const core::Instant at : watchers_->AwaitArrivals(options_.watchers)) {
        all.push_back(static_cast<float>(absl::ToDoubleMilliseconds(core::Elapsed(began, at))));
        latest = std::max(latest, all.back());
      }
      last.push_back(latest);
    }
    Report report("fan-out");
    report.Add("watchers", options_.watchers).Add("changes", count);
    AddLatencies(std::move(all), &report);
    report.Add("until_all_ms", last).Print();
  }

  void AwaitHealthy() {
    const core::Instant began = net::Now();
    while (!AllHealthy()) {
      if (core::Elapsed(began, net::Now()) > kPatience) Fail("not all agents are healthy");
      absl::SleepFor(absl::Milliseconds(100));
    }
    Report("healthy")
        .Add("agents", options_.agents)
        .Add("ms", absl::ToDoubleMilliseconds(core::Elapsed(began, net::Now())))
        .Print();
  }

 private:
  static net::FinderOptions FinderFor(const Access& access, const CrowdOptions& options) {
    net::FinderOptions finder(access.Ca());
    for (const std::string& address : options.curators) {
      finder.seeds.push_back(Must(core::ParseEndpoint(address), "--curator"));
    }
    finder.identity = access.Owner();
    return finder;
  }

  static core::Instant Soon() { return core::After(net::Now(), kPatience); }

  void Call(absl::string_view method, const google::protobuf::Message& request,
            google::protobuf::Message* response) {
    net::CallContext context;
    context.deadline = Soon();
    const absl::Status status = net::CallLeader(finder_, context, method, request, response);
    if (!status.ok()) Fail(status.ToString());
  }

  bool AllHealthy() {
    const absl::optional<net::LeaderConnection> leader = finder_.believed_leader();
    if (!leader.has_value()) return false;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    api::GetNodesRequest request;
    request.set_filter("node.health == HEALTH_HEALTHY");
    const auto stub = api::Management::NewStub(leader->channel);
    const auto reader = stub->GetNodes(&context, request);
    std::set<std::string> healthy;
    for (api::Node node; reader->Read(&node);) healthy.insert(node.id());
    if (!reader->Finish().ok()) return false;
    return std::all_of(agents_.begin(), agents_.end(),
                       [&](const auto& agent) { return healthy.count(agent->id()) > 0; });
  }

  const CrowdOptions options_;
  Schedule schedule_;
  net::LeaderFinder finder_;
  std::vector<std::unique_ptr<CrowdAgent>> agents_;
  std::unique_ptr<Watchers> watchers_;
  std::vector<std::unique_ptr<SharedConnection>> connections_;
  std::vector<std::unique_ptr<Watcher>> each_watcher_;
  int64_t change_ = 0;
};

}  // namespace

void RunCrowd(const Access& access, const CrowdOptions& options) {
  Crowd crowd(access, options);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    int count = 0;
    words >> command >> count;
    if (command == "changes") {
      crowd.MakeChanges(count);
    } else if (command == "healthy") {
      crowd.AwaitHealthy();
    } else if (command == "caught-up") {
      crowd.AwaitCaughtUp();
      Report("caught-up").Add("watchers", options.watchers).Print();
    } else {
      Fail(absl::StrCat("no command ", line));
    }
  }
  // Thousands of streams that need not end one by one.
  std::_Exit(EXIT_SUCCESS);
}

}  // namespace curator::bench
