#include "server/listener.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/error_info.h"
#include "libclient/identity/tls_credentials.h"
#include "server/boot_clock.h"
#include "server/follower/not_leader.h"
#include "server/leader/admission.h"
#include "server/leader/heartbeats.h"
#include "server/leader/leader_services.h"
#include "server/leader/leadership.h"
#include "server/listener/listening_sockets.h"
#include "server/listener/payments.h"
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
constexpr absl::Duration kBetweenReservations = absl::Seconds(5);
constexpr absl::Duration kBindRetry = absl::Milliseconds(200);

void SetServerArguments(grpc::ServerBuilder* builder) {
  // Clients ping every second, also without streams; a stricter policy answers
  // GOAWAY "too many pings".
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  // A client whose host died is noticed, and its streams end.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              static_cast<int>(absl::ToInt64Milliseconds(kHandshakeTimeout)));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                              static_cast<int>(absl::ToInt64Milliseconds(kConnectionIdleTimeout)));
  builder->SetMaxReceiveMessageSize(kLongestRequest);
  // A small message may be a long one: refused at its header.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
}

int64_t Descriptors() {
  rlimit limit{};
  constexpr rlim_t kEnough = 1 << 20;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<int64_t>(std::min(limit.rlim_cur, kEnough));
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

  Role role;

  // At once, not gracefully. Returns when no call runs any more.
  void StopServer() {
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
      options_(std::move(options)),
      accept_loop_(options_.listen_address, ConnectionBounds::For(options_.limits, Descriptors())) {
  buffers_.Resize(static_cast<size_t>(options_.limits.buffers_mib) << 20);
  if (options_.metrics != nullptr) options_.metrics->ObserveConnections(accept_loop_.connections());
}

Listener::~Listener() = default;

void Listener::Stop() {
  stopping_ = true;
  election_->WakeRoleWaiters();
}

void Listener::Rebuild() {
  rebuild_ = true;
  election_->WakeRoleWaiters();
}

absl::Status Listener::Run() {
  Published<Role>::Versioned role = election_->role().Get();
  while (!stopping_) {
    if (role.value.kind == Role::Kind::kNone) {
      accept_loop_.Close();
      stopped_at_.reset();
      role = election_->role().WaitForChange(role.version, absl::InfiniteDuration());
      continue;
    }
    std::unique_ptr<Served> served = Start(role.value, role.version);
    if (served != nullptr) {
      const Role last = served->role;
      role = WaitForOther(role.version, served.get());
      // Whoever looks for a leader is to be refused here at once, and go elsewhere.
      if (stopping_ || role.value.kind == Role::Kind::kNone) accept_loop_.Close();
      Retire(std::move(served));
      // A leadership that cannot be served any more has resigned. It does not begin again:
      // what it wrote last may still be under way.
      while (!stopping_ && last.kind == Role::Kind::kLeader && role.value == last) {
        role = election_->role().WaitForChange(role.version, absl::InfiniteDuration());
      }
    } else {
      role = election_->role().WaitForChange(role.version, kBindRetry);
    }
  }
  accept_loop_.Close();
  return absl::OkStatus();
}

Published<Role>::Versioned Listener::WaitForOther(uint64_t version, Served* served) {
  for (;;) {
    Published<Role>::Versioned role =
        election_->role().WaitForChange(version, kBetweenReservations);
    if (stopping_ || !(role.value == served->role)) return role;
    version = role.version;
    ReserveConnections(served->role.leader_id);  // curators come and go
    if (rebuild_.exchange(false) && !RebuildServer(served)) return role;
  }
}

void Listener::Retire(std::unique_ptr<Served> served) {
  const absl::Time started = absl::Now();
  if (served->leadership != nullptr) served->leadership->Stop();
  if (served->leader_services != nullptr) served->leader_services->Stop();
  StopServer(served.get());
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

void Listener::StopServer(Served* served) {
  stopped_at_ = BootTime();
  if (options_.metrics != nullptr) options_.metrics->StoppedServing();
  // Until the server is gone: it may still hand a connection on.
  const std::unique_ptr<AcceptLoop::Acceptor> acceptor = accept_loop_.Pause();
  served->StopServer();
}

bool Listener::RebuildServer(Served* served) {
  accept_loop_.Close();
  StopServer(served);
  return StartServer(served);
}

void Listener::CannotListen(const Role& role, const absl::Status& why) {
  LogError("cannot listen", {{"address", options_.listen_address},
                             {"error", why.message()},
                             {"probably", "another process has the port"}});
  accept_loop_.Close();
  if (role.kind == Role::Kind::kLeader) election_->Resign("its port cannot be listened on");
}

void Listener::ReserveConnections(const std::string& leader_id) {
  absl::flat_hash_set<PeerAddress> addresses;
  const auto add = [&addresses](const std::string& address) {
    const absl::StatusOr<curator::core::Endpoint> endpoint = curator::core::ParseEndpoint(address);
    if (!endpoint.ok()) return;
    if (const auto ip = PeerAddress::FromIp(endpoint->host)) addresses.insert(*ip);
  };
  add(OwnEndpoint(options_.listen_address).ToString());
  for (const ClusterState::Curator& other :
       state_->Curators(leader_id, curator::core::kMaxCuratorsTold)) {
    add(other.address);
  }
  accept_loop_.connections()->Reserve(std::move(addresses));
}

std::unique_ptr<Listener::Served> Listener::Start(const Role& role, uint64_t version) {
  auto served = std::make_unique<Served>();
  served->role = role;
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
  }
  served->local = std::make_unique<LocalService>(state_, authorizer_, role, options_.node_id);
  served->status = std::make_unique<ServerStatusService>(
      served->leadership.get(), state_, authorizer_, supervisor_, role, options_.node_id);
  served->health = std::make_unique<HealthService>(authorizer_, role);
  served->reflection = std::make_unique<ReflectionService>(served->leadership.get(), state_,
                                                           served->streams.get(), authorizer_);

  if (!StartServer(served.get())) return nullptr;
  LogInfo("listening", {{"address", options_.listen_address},
                        {"role", role.kind == Role::Kind::kLeader ? "leader" : "follower"},
                        {"term", role.term},
                        {"took_ms", MillisecondsSince(started)}});
  if (options_.on_leader) {
    options_.on_leader(role.leader_id, state_->CuratorAddress(role.leader_id));
  }
  return served;
}

bool Listener::StartServer(Served* served) {
  rebuild_ = false;  // that is this
  ReserveConnections(served->role.leader_id);
  if (absl::Status open = accept_loop_.Open(); !open.ok()) {
    CannotListen(served->role, open);
    return false;
  }
  grpc::ServerBuilder builder;
  SetServerArguments(&builder);
  builder.SetResourceQuota(buffers_);
  std::unique_ptr<AcceptLoop::Acceptor> acceptor =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          curator::identity::MakeServerCredentials(options_.identity));
  builder.RegisterService(served->local.get());
  builder.RegisterService(served->status.get());
  builder.RegisterService(served->health.get());
  builder.RegisterService(served->reflection.get());
  const bool leads = served->leader_services != nullptr;
  if (leads) {
    served->leader_services->RegisterWith(&builder);
  } else {
    // Unlike the others it can be registered once only.
    served->not_leader = std::make_unique<NotLeader>(state_, served->role);
    builder.RegisterCallbackGenericService(served->not_leader.get());
  }
  // In the order in which they see a status on its way out.
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(NewMalformedRequestInterceptorFactory());
  if (options_.metrics != nullptr) {
    interceptors.push_back(options_.metrics->rpcs()->NewInterceptorFactory());
  }
  interceptors.push_back(NewPaymentInterceptorFactory(
      accept_loop_.connections(),
      [this](const grpc::ServerContextBase& context) {
        const absl::optional<Caller> member = authorizer_->Member(context);
        return member.has_value() && CheckNotRevoked(*member, *state_).ok();
      },
      leads));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  served->server = builder.BuildAndStart();
  if (served->server == nullptr) {
    CannotListen(served->role, absl::InternalError("the server does not start"));
    return false;
  }
  accept_loop_.Serve(std::move(acceptor));
  if (options_.metrics != nullptr) {
    options_.metrics->Serving(
        served->role, served->heartbeats,
        stopped_at_.has_value() ? absl::make_optional(BootTime() - *stopped_at_) : absl::nullopt);
  }
  stopped_at_.reset();
  return true;
}

}  // namespace curatord
