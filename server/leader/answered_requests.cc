#include "server/leader/answered_requests.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libclient/core/error_info.h"

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
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(curator::core::kRequestIdMetadata);
  if (found == metadata.end() || found->second.empty() ||
      found->second.size() > kLongestRequestId || caller.public_key.empty()) {
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

void AnsweredRequests::Finish(const std::string& key, const absl::StatusOr<std::string>& answer) {
  std::vector<std::function<void(const absl::StatusOr<std::string>&)>> repeated;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = requests_.find(key);
    if (it == requests_.end() || it->second.answered) return;
    repeated.swap(it->second.repeated);
    if (absl::IsUnavailable(answer.status())) {
      requests_.erase(it);
    } else {
      it->second.answered = true;
      it->second.answer = answer;
      bytes_ += BytesOf(key, answer);
      answered_.push_back(key);
      while (answered_.size() > kMaxAnswers || bytes_ > kMaxBytes) {
        const auto oldest = requests_.find(answered_.front());
        bytes_ -= BytesOf(oldest->first, oldest->second.answer);
        requests_.erase(oldest);
        answered_.pop_front();
      }
    }
  }
  for (const auto& answer_again : repeated) answer_again(answer);
}

}  // namespace curatord
