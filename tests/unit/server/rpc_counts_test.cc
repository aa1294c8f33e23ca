#include "server/metrics/rpc_counts.h"

#include <string>

#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "gtest/gtest.h"
#include "server/rpc/services.h"

namespace curatord {
namespace {

std::string TextOf(const RpcCounts& counts) {
  std::string text;
  Samples samples("rpcs_total", &text);
  counts.Collect(&samples);
  return text;
}

TEST(RpcCounts, KnowsTheMethodsOfEveryService) {
  // A static library gives this program only what it mentions.
  ASSERT_NE(grpc::health::v1::HealthCheckRequest::descriptor(), nullptr);
  ASSERT_NE(grpc::reflection::v1alpha::ServerReflectionRequest::descriptor(), nullptr);
  RpcCounts counts;
  const RpcCounts::Row* other = counts.RowOf("/no.such.Service/Method");
  for (const ServedService& served : kServedServices) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        std::string(served.name));
    ASSERT_NE(service, nullptr) << served.name;
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string method = "/" + std::string(served.name) + "/" + service->method(i)->name();
      EXPECT_NE(counts.RowOf(method), other) << method;
    }
  }
}

TEST(RpcCounts, ShowsWhatWasCountedByMethodAndCode) {
  RpcCounts counts;
  EXPECT_EQ(TextOf(counts), "");
  RpcCounts::Count(counts.RowOf("/metropolis.proto.api.Management/GetNodes"), grpc::StatusCode::OK);
  RpcCounts::Count(counts.RowOf("/metropolis.proto.api.Management/GetNodes"), grpc::StatusCode::OK);
  RpcCounts::Count(counts.RowOf("/metropolis.proto.api.Management/GetNodes"),
                   grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(TextOf(counts),
            "rpcs_total{method=\"metropolis.proto.api.Management/GetNodes\",code=\"OK\"} 2\n"
            "rpcs_total{method=\"metropolis.proto.api.Management/GetNodes\","
            "code=\"UNAUTHENTICATED\"} 1\n");
}

// Whoever asks for methods that do not exist does not fill the scrape with their names.
TEST(RpcCounts, CountsUnknownMethodsAsOne) {
  RpcCounts counts;
  for (const char* method : {"/no.such.Service/A", "/no.such.Service/B", "", "nonsense"}) {
    RpcCounts::Count(counts.RowOf(method), grpc::StatusCode::UNIMPLEMENTED);
  }
  // Not one of the seventeen codes.
  RpcCounts::Count(counts.RowOf(""), static_cast<grpc::StatusCode>(99));
  RpcCounts::Count(counts.RowOf(""), grpc::StatusCode::DO_NOT_USE);
  EXPECT_EQ(TextOf(counts),
            "rpcs_total{method=\"other\",code=\"UNKNOWN\"} 2\n"
            "rpcs_total{method=\"other\",code=\"UNIMPLEMENTED\"} 4\n");
}

}  // namespace
}  // namespace curatord
