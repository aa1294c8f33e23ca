#include "server/metrics/rpc_counts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "server/rpc/services.h"

namespace curatord {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;

// In the order of their numbers.
constexpr absl::string_view kCodeNames[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};
static_assert(std::size(kCodeNames) == RpcCounts::kCodes);

class CountingInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit CountingInterceptor(RpcCounts::Row* row) : row_(row) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      RpcCounts::Count(row_, methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  RpcCounts::Row* const row_;
};

class CountingFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CountingFactory(RpcCounts* counts) : counts_(counts) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new CountingInterceptor(counts_->RowOf(info->method()));
  }

 private:
  RpcCounts* const counts_;
};

}  // namespace

RpcCounts::RpcCounts() {
  for (const ServedService& served : kServedServices) {
    const google::protobuf::ServiceDescriptor* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
            std::string(served.name));
    if (service == nullptr) continue;
    for (int i = 0; i < service->method_count(); ++i) {
      rows_.emplace(absl::StrCat("/", served.name, "/", service->method(i)->name()),
                    std::make_unique<Row>());
    }
  }
}

RpcCounts::Row* RpcCounts::RowOf(absl::string_view method) {
  const auto it = rows_.find(method);
  return it != rows_.end() ? it->second.get() : &other_;
}

void RpcCounts::Count(Row* row, grpc::StatusCode code) {
  auto number = static_cast<size_t>(code);
  if (number >= kCodes) number = static_cast<size_t>(grpc::StatusCode::UNKNOWN);
  (*row)[number].fetch_add(1, std::memory_order_relaxed);
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
RpcCounts::NewInterceptorFactory() {
  return std::make_unique<CountingFactory>(this);
}

void RpcCounts::Collect(Samples* samples) const {
  const auto add_row = [samples](absl::string_view method, const Row& row) {
    for (size_t code = 0; code < kCodes; ++code) {
      const uint64_t count = row[code].load(std::memory_order_relaxed);
      if (count == 0) continue;
      samples->Add({{"method", std::string(method)}, {"code", std::string(kCodeNames[code])}},
                   static_cast<double>(count));
    }
  };
  for (const auto& [method, row] : rows_) add_row(method.substr(1), *row);
  add_row("other", other_);
}

}  // namespace curatord
