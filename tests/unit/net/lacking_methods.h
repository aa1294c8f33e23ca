// What a server does not offer: UNIMPLEMENTED, as gRPC itself says it, and counted.
#ifndef TESTS_UNIT_NET_LACKING_METHODS_H_
#define TESTS_UNIT_NET_LACKING_METHODS_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/generic/async_generic_service.h"

namespace curator::testing_support {

// Calls by method: "/package.Service/Method".
class MethodCounts {
 public:
  void Add(const std::string& method) {
    absl::MutexLock lock(&mutex_);
    ++counts_[method];
  }
  int Of(const std::string& method) const {
    absl::MutexLock lock(&mutex_);
    const auto it = counts_.find(method);
    return it == counts_.end() ? 0 : it->second;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
};

// For one server, as gRPC demands.
class LackingMethods final : public grpc::CallbackGenericService {
 public:
  explicit LackingMethods(MethodCounts* counts) : counts_(counts) {}

 private:
  class Refusal final : public grpc::ServerGenericBidiReactor {
   public:
    Refusal() { Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")); }

   private:
    void OnDone() override { delete this; }
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    counts_->Add(context->method());
    return new Refusal();
  }

  MethodCounts* const counts_;
};

}  // namespace curator::testing_support

#endif  // TESTS_UNIT_NET_LACKING_METHODS_H_
