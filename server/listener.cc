#include "server/listener.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "libclient/identity/tls_credentials.h"
#include "server/boot_clock.h"
#include "server/follower/not_leader.h"
#include "server/leader/heartbeats.h"
#include "server/leader/leader_services.h"
#include "server/leader/leadership.h"
#include "server/local/health_service.h"
#include "server/local/local_service.h"
#include "server/local/reflection_service.h"
#include "server/local/server_status_service.h"
#include "server/log.h"
#include "server/nodes/lifecycle.h"
#include "server/rpc/malformed_request.h"

namespace curatord {
namespace {

constexpr absl::Duration kPrepareStep = absl::Seconds(1);
constexpr absl::Duration kBindRetry = absl::Milliseconds(200);

void SetServerArguments(grpc::ServerBuilder* builder) {
  // Without this two processes share a port and each gets half of the calls.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Clients ping every second, also without streams; a stricter policy answers
  // GOAWAY "too many pings".
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  // A client whose host died is noticed, and its streams end.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  // A listing that nobody reads holds its nodes. Clients wait with what is above.
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
}

std::string MillisecondsSince(absl::Time started) {
  return absl::StrFormat("%.2f", absl::ToDoubleMilliseconds(absl::Now() - started));
}

}  // namespace

// Members are destroyed in the order: server, leadership (which joins its
// threads), then the services that its last callbacks may still use.
class Listener::Served {
 public:
  std::shared_ptr<Heartbeats> heartbeats;
  std::unique_ptr<AnsweredRequests> answered;
  std::shared_ptr<MemberStreams> streams;  // null on a follower
  std::unique_ptr<LeaderServices> leader_services;
  std::unique_ptr<NotLeader> not_leader;
  std::unique_ptr<LocalService> local;
  std::unique_ptr<ServerStatusService> status;
  std::unique_ptr<HealthService> health;
  std::unique_ptr<ReflectionService> reflection;
  std::unique_ptr<Leadership> leadership;
  std::unique_ptr<grpc::Server> server;

  // At once, not gracefully. Returns when no call runs any more.
  void StopServing() {
    if (leadership != nullptr) leadership->Stop();
    if (leader_services != nullptr) leader_services->Stop();
    if (server != nullptr) {
      // Connections first: of a call that arrives between the two steps of a shutdown
      // gRPC itself says CANCELLED, which existing clients do not take for a reason to
      // ask the next leader. A cut connection they do.
      grpc_server_cancel_all_calls(server->c_server());
      server->Shutdown(std::chrono::system_clock::now());
    }
    server.reset();
  }
};

Listener::Listener(Store* store, ClusterState* state, const Authorizer* authorizer,
                   const Supervisor* supervisor, Election* election, ListenerOptions options)
    : store_(store),
      state_(state),
      authorizer_(authorizer),
      supervisor_(supervisor),
      election_(election),
      options_(std::move(options)) {}

Listener::~Listener() = default;

void Listener::Stop() {
  stopping_ = true;
  election_->WakeRoleWaiters();
}

absl::Status Listener::Run() {
  Published<Role>::Versioned role = election_->role().Get();
  while (!stopping_) {
    if (role.value.kind == Role::Kind::kNone) {
      stopped_at_.reset();
      role = election_->role().WaitForChange(role.version, absl::InfiniteDuration());
      continue;
    }
    std::unique_ptr<Served> served = Start(role.value, role.version);
    if (served != nullptr) {
      role = election_->role().WaitForChange(role.version, absl::InfiniteDuration());
      Retire(std::move(served));
    } else {
      role = election_->role().WaitForChange(role.version, kBindRetry);
    }
  }
  return absl::OkStatus();
}

void Listener::Retire(std::unique_ptr<Served> served) {
  const absl::Time started = absl::Now();
  stopped_at_ = BootTime();
  if (options_.metrics != nullptr) options_.metrics->StoppedServing();
  served->StopServing();
  LogInfo("stopped listening", {{"took_ms", MillisecondsSince(started)}});
  std::vector<std::future<void>> pending;
  for (std::future<void>& future : retired_) {
    if (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      pending.push_back(std::move(future));
    }
  }
  retired_ = std::move(pending);
  // A store call that hangs must not keep the next role from being served.
  retired_.push_back(
      std::async(std::launch::async, [last = std::move(served)]() mutable { last.reset(); }));
}

std::unique_ptr<Listener::Served> Listener::Start(const Role& role, uint64_t version) {
  auto served = std::make_unique<Served>();
  const absl::Time started = absl::Now();
  auto superseded = [this, version] {
    return stopping_ || election_->role().Get().version != version;
  };
  if (role.kind == Role::Kind::kLeader) {
    absl::Status known;
    do {
      known = state_->WaitForRevision(role.since_revision, absl::Now() + kPrepareStep);
      if (superseded()) return nullptr;
    } while (!known.ok());
    served->leadership = std::make_unique<Leadership>(store_, state_, role);
    absl::Status stated =
        served->leadership->WriteAndWait([options = &options_](const DecisionView& view) {
          return DecideOwnAddress(view, options->node_id, options->advertise_host,
                                  options->advertise_port, absl::Now());
        });
    if (!stated.ok()) {
      LogWarning("cannot lead yet", {{"error", stated.message()}});
      // A write of unknown outcome may yet arrive: only a new term is safe from it.
      election_->Resign(absl::IsNotFound(stated)
                            ? "this node is not in the cluster: was it deleted?"
                            : "its address could not be written");
      return nullptr;
    }
    served->heartbeats = std::make_shared<Heartbeats>(BootTime);
    served->answered = std::make_unique<AnsweredRequests>();
    served->streams = MemberStreams::Watch(state_);
    served->leader_services = std::make_unique<LeaderServices>(
        LeaderContext{served->leadership.get(), served->heartbeats.get(), authorizer_,
                      served->answered.get(), [this] { return election_->Candidates(); },
                      served->streams, options_.limits},
        state_);
  } else {
    served->not_leader = std::make_unique<NotLeader>(state_, role);
  }
  served->local = std::make_unique<LocalService>(state_, authorizer_, role, options_.node_id);
  served->status = std::make_unique<ServerStatusService>(
      served->leadership.get(), state_, authorizer_, supervisor_, role, options_.node_id);
  served->health = std::make_unique<HealthService>(authorizer_, role);
  served->reflection = std::make_unique<ReflectionService>(served->leadership.get(), state_,
                                                           served->streams.get(), authorizer_);

  grpc::ServerBuilder builder;
  SetServerArguments(&builder);
  builder.AddListeningPort(options_.listen_address,
                           curator::identity::MakeServerCredentials(options_.identity));
  builder.RegisterService(served->local.get());
  builder.RegisterService(served->status.get());
  builder.RegisterService(served->health.get());
  builder.RegisterService(served->reflection.get());
  if (served->leader_services != nullptr) {
    served->leader_services->RegisterWith(&builder);
  } else {
    builder.RegisterCallbackGenericService(served->not_leader.get());
  }
  // In the order in which they see a status on its way out.
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(NewMalformedRequestInterceptorFactory());
  if (options_.metrics != nullptr) {
    interceptors.push_back(options_.metrics->rpcs()->NewInterceptorFactory());
  }
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  served->server = builder.BuildAndStart();
  if (served->server == nullptr) {
    LogError("cannot listen",
             {{"address", options_.listen_address}, {"probably", "another process has the port"}});
    if (role.kind == Role::Kind::kLeader) election_->Resign("its port cannot be listened on");
    return nullptr;
  }
  if (options_.metrics != nullptr) {
    options_.metrics->Serving(
        role, served->heartbeats,
        stopped_at_.has_value() ? absl::make_optional(BootTime() - *stopped_at_) : absl::nullopt);
  }
  stopped_at_.reset();
  LogInfo("listening", {{"address", options_.listen_address},
                        {"role", role.kind == Role::Kind::kLeader ? "leader" : "follower"},
                        {"term", role.term},
                        {"took_ms", MillisecondsSince(started)}});
  if (options_.on_leader) {
    options_.on_leader(role.leader_id, state_->CuratorAddress(role.leader_id));
  }
  return served;
}

absl::Status TryListening(const std::string& listen_address) {
  grpc::ServerBuilder builder;
  SetServerArguments(&builder);
  builder.AddListeningPort(listen_address, grpc::InsecureServerCredentials());
  LocalService unused(nullptr, nullptr, Role{}, "");
  builder.RegisterService(&unused);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", listen_address));
  }
  server->Shutdown(std::chrono::system_clock::now());
  return absl::OkStatus();
}

}  // namespace curatord
