// AnsweredRequests: what a leader has answered in its term, by the request id that
// its client gave (metadata curator-request-id), so that a request that is repeated
// because its answer was lost is carried out once and answered alike. One that is
// repeated while the first is under way waits for that one's answer. Across terms
// fencing does the rest.
//
// Not remembered: answers that say that nothing is known or nothing was done for a
// passing cause (UNAVAILABLE), requests without an id (existing clients), and those of
// whoever is no member of the cluster: a key that anybody can make could flush what is
// remembered of others, and what such keys may ask for may be repeated anyway.
//
// Thread-safe. Bounded: of all answers the oldest is forgotten first, and a node's own
// oldest once there are many of that node. So a node can flush no more than its share.
#ifndef SERVER_LEADER_ANSWERED_REQUESTS_H_
#define SERVER_LEADER_ANSWERED_REQUESTS_H_

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_context.h"
#include "server/auth/authorizer.h"
#include "server/rpc/unary_call.h"

namespace curatord {

class AnsweredRequests {
 public:
  // True: `call` repeats a request and is or will be answered like it. False: it is
  // new; its answer will be remembered.
  template <typename Response>
  bool AnswerAgain(const grpc::CallbackServerContext& context, const Caller& caller,
                   absl::string_view full_method,
                   const std::shared_ptr<UnaryCall<Response>>& call) {
    const std::string key = KeyOf(context, caller, full_method);
    if (key.empty()) return false;
    const std::string node = caller.kind == Caller::Kind::kNode ? caller.name : "";
    const bool repeated = Begin(key, [call](const absl::StatusOr<std::string>& answer) {
      if (!answer.ok()) {
        call->Settle(answer.status());
        return;
      }
      Response response;
      response.ParseFromString(*answer);
      call->Settle(std::move(response));
    });
    if (repeated) return true;
    call->OnSettled([this, key, node](const absl::StatusOr<Response>& answer) {
      if (answer.ok()) {
        Finish(key, node, answer->SerializeAsString());
      } else {
        Finish(key, node, answer.status());
      }
    });
    return false;
  }

  // True: a request with this key came before; `answer_again` is called now or when
  // that one is answered. False: it is the first, to be ended with Finish.
  bool Begin(const std::string& key,
             std::function<void(const absl::StatusOr<std::string>&)> answer_again)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // `node`: whose request it was; empty: a user's.
  void Finish(const std::string& key, const std::string& node,
              const absl::StatusOr<std::string>& answer) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Keys of answers, oldest first.
  using Ages = std::list<std::string>;
  struct Request {
    bool answered = false;
    absl::StatusOr<std::string> answer;
    std::vector<std::function<void(const absl::StatusOr<std::string>&)>> repeated;
    // Once answered:
    std::string node;
    Ages::iterator age;          // in ages_
    Ages::iterator age_of_node;  // in ages_of_node_, unless `node` is empty
  };

  // Empty: the request is not remembered.
  static std::string KeyOf(const grpc::CallbackServerContext& context, const Caller& caller,
                           absl::string_view full_method);

  void Remember(const std::string& key, Request* request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Request> requests_ ABSL_GUARDED_BY(mutex_);
  Ages ages_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Ages> ages_of_node_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of the answers
};

}  // namespace curatord

#endif  // SERVER_LEADER_ANSWERED_REQUESTS_H_
