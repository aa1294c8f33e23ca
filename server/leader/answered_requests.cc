#include "server/leader/answered_requests.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libclient/core/error_info.h"
#include "server/limits.h"

namespace curatord {
namespace {

// A client that sends more has not read what the id is for.
constexpr size_t kLongestRequestId = 128;

size_t BytesOf(const std::string& key, const absl::StatusOr<std::string>& answer) {
  return key.size() + (answer.ok() ? answer->size() : answer.status().message().size());
}

}  // namespace

// The caller is part of the key: an id that was guessed answers nothing to others.
std::string AnsweredRequests::KeyOf(const grpc::CallbackServerContext& context,
                                    const Caller& caller, absl::string_view full_method) {
  if (caller.kind != Caller::Kind::kNode && caller.kind != Caller::Kind::kUser) return "";
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(curator::core::kRequestIdMetadata);
  if (found == metadata.end() || found->second.empty() ||
      found->second.size() > kLongestRequestId) {
    return "";
  }
  // A read that is repeated had better see what is true now.
  const google::protobuf::MethodDescriptor* const method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
          std::string(full_method));
  if (method == nullptr ||
      method->options().idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS) {
    return "";
  }
  return absl::StrCat(full_method, " ",
                      absl::string_view(found->second.data(), found->second.size()), " ",
                      caller.public_key);
}

bool AnsweredRequests::Begin(const std::string& key,
                             std::function<void(const absl::StatusOr<std::string>&)> answer_again) {
  absl::StatusOr<std::string> answer;
  {
    absl::MutexLock lock(&mutex_);
    const auto [it, first] = requests_.try_emplace(key);
    if (first) return false;
    if (!it->second.answered) {
      it->second.repeated.push_back(std::move(answer_again));
      return true;
    }
    answer = it->second.answer;
  }
  answer_again(answer);
  return true;
}

void AnsweredRequests::Finish(const std::string& key, const std::string& node,
                              const absl::StatusOr<std::string>& answer) {
  std::vector<std::function<void(const absl::StatusOr<std::string>&)>> repeated;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = requests_.find(key);
    if (it == requests_.end() || it->second.answered) return;
    repeated.swap(it->second.repeated);
    // Nothing was done, for a cause that may pass.
    if (absl::IsUnavailable(answer.status()) || absl::IsResourceExhausted(answer.status())) {
      requests_.erase(it);
    } else {
      it->second.answered = true;
      it->second.answer = answer;
      it->second.node = node;
      Remember(key, &it->second);
    }
  }
  for (const auto& answer_again : repeated) answer_again(answer);
}

void AnsweredRequests::Remember(const std::string& key, Request* request) {
  bytes_ += BytesOf(key, request->answer);
  request->age = ages_.insert(ages_.end(), key);
  if (!request->node.empty()) {
    Ages& of_node = ages_of_node_[request->node];
    request->age_of_node = of_node.insert(of_node.end(), key);
    if (of_node.size() > kAnswersRememberedOfANode) Forget(std::string(of_node.front()));
  }
  while (ages_.size() > kAnswersRemembered || bytes_ > kAnswerBytesRemembered) {
    Forget(std::string(ages_.front()));
  }
}

void AnsweredRequests::Forget(const std::string& key) {
  const auto it = requests_.find(key);
  const Request& request = it->second;
  bytes_ -= BytesOf(key, request.answer);
  ages_.erase(request.age);
  if (!request.node.empty()) {
    const auto of_node = ages_of_node_.find(request.node);
    of_node->second.erase(request.age_of_node);
    if (of_node->second.empty()) ages_of_node_.erase(of_node);
  }
  requests_.erase(it);
}

}  // namespace curatord
