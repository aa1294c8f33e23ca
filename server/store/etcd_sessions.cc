#include "server/store/etcd_sessions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/store/etcd_outcome.h"
#include "server/store/grpc_deadline.h"

namespace curatord {
namespace {

constexpr absl::Duration kProbeTimeout = absl::Seconds(1);
constexpr absl::Duration kAuthenticateTimeout = absl::Seconds(5);
// How long the first good answer waits for others: to tell endpoints of different
// etcd clusters apart when we know none yet, and for a better one than that which
// has just failed.
constexpr absl::Duration kGraceForFirstContact = absl::Milliseconds(250);
constexpr absl::Duration kGrace = absl::Milliseconds(50);
constexpr absl::Duration kFirstSearchPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestSearchPause = absl::Seconds(1);

}  // namespace

// One round of questions, one to each endpoint. Shared with the calls, which may
// end after the round.
class EtcdSessions::Probes {
 public:
  struct Answer {
    std::shared_ptr<grpc::ClientContext> call;
    etcdserverpb::StatusResponse response;  // the call's until done
    bool done = false;
    grpc::Status status;
  };

  Probes(size_t count, uint64_t cluster_id, size_t avoid)
      : cluster_id_(cluster_id), avoid_(avoid), answers_(count), pending_(count) {}

  Answer& Prepare(size_t index) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    answers_[index].call = std::make_shared<grpc::ClientContext>();
    answers_[index].call->set_deadline(GrpcDeadlineAfter(kProbeTimeout));
    return answers_[index];
  }

  void OnAnswer(size_t index, grpc::Status status) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    answers_[index].done = true;
    answers_[index].status = std::move(status);
    --pending_;
  }

  // Until it is time to judge. The deadline of the calls bounds it.
  void AwaitEnough() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return pending_ == 0 || Any();
    };
    mutex_.Await(absl::Condition(&something));
    const auto enough = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return pending_ == 0 || (cluster_id_ != 0 && AnyBut(avoid_));
    };
    mutex_.AwaitWithTimeout(absl::Condition(&enough),
                            cluster_id_ == 0 ? kGraceForFirstContact : kGrace);
  }

  // As it stands now; answers that are not done are empty.
  std::vector<Answer> Answers() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    std::vector<Answer> answers(answers_.size());
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers_[i].done) answers[i] = answers_[i];
      answers[i].call = answers_[i].call;
    }
    return answers;
  }

  static bool Serves(const Answer& answer) {
    return answer.done && answer.status.ok() && answer.response.leader() != 0 &&
           !answer.response.islearner();
  }

 private:
  bool Usable(size_t index) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    const Answer& answer = answers_[index];
    return Serves(answer) &&
           (cluster_id_ == 0 || answer.response.header().cluster_id() == cluster_id_);
  }
  bool AnyBut(size_t avoided) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    for (size_t i = 0; i < answers_.size(); ++i) {
      if (i != avoided && Usable(i)) return true;
    }
    return false;
  }
  bool Any() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return AnyBut(answers_.size()); }

  // Constant after construction.
  const uint64_t cluster_id_;
  const size_t avoid_;

  mutable absl::Mutex mutex_;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mutex_);
  size_t pending_ ABSL_GUARDED_BY(mutex_);
};

EtcdSessions::EtcdSessions(std::vector<std::shared_ptr<const EtcdEndpoint>> endpoints,
                           EtcdUser user, std::function<void()> on_change)
    : endpoints_(std::move(endpoints)),
      user_(std::move(user)),
      on_change_(std::move(on_change)),
      must_authenticate_(!user_.name.empty()),
      avoid_(endpoints_.size()),
      causes_(endpoints_.size(), "not asked yet"),
      thread_([this] { Run(); }) {}

EtcdSessions::~EtcdSessions() {
  absl::flat_hash_set<std::shared_ptr<grpc::ClientContext>> calls;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    calls = calls_;
  }
  for (const auto& call : calls) call->TryCancel();
  thread_.join();
}

void EtcdSessions::Run() {
  absl::BitGen random;
  absl::Duration pause = kFirstSearchPause;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || current_ == nullptr;
      };
      mutex_.Await(absl::Condition(&wanted));
      if (stopping_) return;
    }
    EtcdSessionPtr found = Search();
    if (found != nullptr) {
      pause = kFirstSearchPause;
      {
        absl::MutexLock lock(&mutex_);
        causes_[found->index] = "";
        final_error_ = absl::OkStatus();
        current_ = std::move(found);
      }
      on_change_();
      continue;
    }
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause * absl::Uniform(random, 0.5, 1.0));
    pause = std::min(pause * 2, kLongestSearchPause);
  }
}

EtcdSessionPtr EtcdSessions::Search() {
  std::shared_ptr<Probes> probes;
  {
    absl::MutexLock lock(&mutex_);
    probes = std::make_shared<Probes>(endpoints_.size(), cluster_id_, avoid_);
  }
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    Probes::Answer& answer = probes->Prepare(i);
    const std::shared_ptr<grpc::ClientContext> call = answer.call;
    if (!AddCall(call)) {
      probes->OnAnswer(i, grpc::Status::CANCELLED);
      continue;
    }
    static const etcdserverpb::StatusRequest kRequest;
    endpoints_[i]->maintenance->async()->Status(
        call.get(), &kRequest, &answer.response,
        [probes, i](grpc::Status status) { probes->OnAnswer(i, std::move(status)); });
  }
  probes->AwaitEnough();
  const absl::optional<size_t> index = Judge(*probes);
  for (const Probes::Answer& answer : probes->Answers()) {
    answer.call->TryCancel();
    RemoveCall(answer.call);
  }
  if (!index.has_value()) return nullptr;

  auto session = std::make_shared<EtcdSession>();
  session->index = *index;
  session->endpoint = endpoints_[*index];
  bool authenticate;
  {
    absl::MutexLock lock(&mutex_);
    session->token = token_;
    authenticate = must_authenticate_ && token_.empty();
  }
  if (authenticate && !Authenticate(*index, &session->token)) return nullptr;
  return session;
}

absl::optional<size_t> EtcdSessions::Judge(const Probes& probes) {
  const std::vector<Probes::Answer> answers = probes.Answers();
  absl::MutexLock lock(&mutex_);
  std::set<uint64_t> clusters;
  for (const Probes::Answer& answer : answers) {
    if (answer.done && answer.status.ok()) clusters.insert(answer.response.header().cluster_id());
  }
  if (cluster_id_ == 0 && clusters.size() == 1) cluster_id_ = *clusters.begin();
  absl::optional<size_t> chosen;
  bool answered_by_others_alone = !clusters.empty() && !clusters.contains(cluster_id_);
  for (size_t i = 0; i < answers.size(); ++i) {
    const Probes::Answer& answer = answers[i];
    const uint64_t cluster = answer.response.header().cluster_id();
    if (!answer.done) {
      causes_[i] = "no answer yet";
    } else if (!answer.status.ok()) {
      causes_[i] = EtcdCauseText(answer.status);
      answered_by_others_alone = false;
    } else if (cluster != cluster_id_) {
      causes_[i] = absl::StrCat("it is of etcd cluster ", absl::Hex(cluster),
                                cluster_id_ == 0 ? "" : ", another than before");
    } else if (!Probes::Serves(answer)) {
      causes_[i] = answer.response.islearner() ? "it is a learner"
                                               : "it knows no leader: etcd has no quorum";
    } else if (!chosen.has_value() || *chosen == avoid_) {
      chosen = i;
    }
  }
  final_error_ = absl::OkStatus();
  if (cluster_id_ == 0 && clusters.size() > 1) {
    final_error_ = absl::DataLossError(
        absl::StrCat("the endpoints are of different etcd clusters: ", NoSession().message()));
  } else if (answered_by_others_alone) {
    final_error_ = absl::DataLossError(NoSession().message());
  }
  return chosen;
}

bool EtcdSessions::Authenticate(size_t index, std::string* token) {
  absl::StatusOr<std::string> password = ReadSmallFile(user_.password_file);
  if (!password.ok()) {
    absl::MutexLock lock(&mutex_);
    final_error_ =
        absl::UnauthenticatedError(absl::StrCat("password file ", password.status().message()));
    return false;
  }
  etcdserverpb::AuthenticateRequest request;
  etcdserverpb::AuthenticateResponse response;
  request.set_name(user_.name);
  absl::string_view secret = *password;
  while (absl::ConsumeSuffix(&secret, "\n") || absl::ConsumeSuffix(&secret, "\r")) {
  }
  request.set_password(std::string(secret));
  const grpc::Status status = Perform(
      kAuthenticateTimeout, [&](grpc::ClientContext* call, std::function<void(grpc::Status)> done) {
        endpoints_[index]->auth->async()->Authenticate(call, &request, &response, std::move(done));
      });
  const EtcdCause cause = ClassifyEtcd(status);
  absl::MutexLock lock(&mutex_);
  switch (cause) {
    case EtcdCause::kOk:
      token_ = response.token();
      *token = token_;
      return true;
    case EtcdCause::kAuthDisabled:
      // Users may be set up in a URL before etcd asks for them.
      must_authenticate_ = false;
      return true;
    case EtcdCause::kCredentialsRefused:
      final_error_ = absl::UnauthenticatedError(
          absl::StrCat("etcd refuses user \"", user_.name, "\": ", EtcdCauseText(status)));
      return false;
    default:
      causes_[index] = absl::StrCat("authentication: ", EtcdCauseText(status));
      avoid_ = index;
      return false;
  }
}

absl::StatusOr<EtcdSessionPtr> EtcdSessions::Await(absl::Time deadline) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return current_ != nullptr || !final_error_.ok();
  };
  mutex_.AwaitWithDeadline(absl::Condition(&settled), deadline);
  if (current_ != nullptr) return current_;
  if (!final_error_.ok()) return final_error_;
  return NoSession();
}

EtcdSessionPtr EtcdSessions::Current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

absl::Status EtcdSessions::NoSession() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    parts.push_back(absl::StrCat(endpoints_[i]->address, ": ", causes_[i]));
  }
  return absl::UnavailableError(
      absl::StrCat("no etcd endpoint can be used: ", absl::StrJoin(parts, "; ")));
}

void EtcdSessions::Pause(absl::Time until) const {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(&stopping_), until);
}

void EtcdSessions::OnFailure(const EtcdSessionPtr& session, absl::string_view cause) {
  {
    absl::MutexLock lock(&mutex_);
    if (current_ != session) return;
    current_ = nullptr;
    avoid_ = session->index;
    causes_[avoid_] = std::string(cause);
  }
  on_change_();
}

void EtcdSessions::OnTokenRefused(const EtcdSessionPtr& session) {
  {
    absl::MutexLock lock(&mutex_);
    if (current_ != session) return;
    current_ = nullptr;
    token_.clear();
    must_authenticate_ = !user_.name.empty();
  }
  on_change_();
}

absl::Status EtcdSessions::CheckHeader(const etcdserverpb::ResponseHeader& header,
                                       absl::string_view address) {
  const uint64_t cluster_id = header.cluster_id();
  for (uint64_t seen = raft_term_.load();
       seen < header.raft_term() && !raft_term_.compare_exchange_weak(seen, header.raft_term());) {
  }
  absl::MutexLock lock(&mutex_);
  if (cluster_id == cluster_id_) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("etcd ", address, " is now of etcd cluster ",
                                          absl::Hex(cluster_id), ", it was of ",
                                          absl::Hex(cluster_id_)));
}

EtcdSessions::Health EtcdSessions::Ask(const EtcdEndpoint& endpoint, absl::Duration timeout,
                                       uint64_t* raft_term) {
  const etcdserverpb::StatusRequest request;
  Probes::Answer answer;
  answer.status =
      Perform(timeout, [&](grpc::ClientContext* call, std::function<void(grpc::Status)> done) {
        endpoint.maintenance->async()->Status(call, &request, &answer.response, std::move(done));
      });
  answer.done = true;
  if (!answer.status.ok()) return Health::kSilent;
  *raft_term = answer.response.raftterm();
  return Probes::Serves(answer) ? Health::kServes : Health::kDoesNotServe;
}

grpc::Status EtcdSessions::Perform(
    absl::Duration timeout,
    const std::function<void(grpc::ClientContext*, std::function<void(grpc::Status)>)>& start) {
  const auto call = std::make_shared<grpc::ClientContext>();
  call->set_deadline(GrpcDeadlineAfter(timeout));
  if (!AddCall(call)) return grpc::Status::CANCELLED;
  absl::Notification done;
  grpc::Status result;
  start(call.get(), [&](grpc::Status status) {
    result = std::move(status);
    done.Notify();
  });
  done.WaitForNotification();
  RemoveCall(call);
  return result;
}

bool EtcdSessions::AddCall(const std::shared_ptr<grpc::ClientContext>& call) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return false;
  calls_.insert(call);
  return true;
}

void EtcdSessions::RemoveCall(const std::shared_ptr<grpc::ClientContext>& call) {
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
}

}  // namespace curatord
