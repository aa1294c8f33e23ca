// grpc.reflection.v1alpha: for whom, and what it tells.
#include <memory>
#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/descriptor_database.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "metropolis/storage.pb.h"
#include "server/rpc/services.h"
#include "server/store/keys.h"
#include "tests/cluster/test_curator.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using grpc::reflection::v1alpha::ServerReflection;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;
using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::MemoryStore;
using testing_support::Succeeded;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;

class ReflectionTest : public testing::Test {
 protected:
  ReflectionTest() { cluster_.WriteTo(&store_, {&node_, &other_}); }

  void Lead() {
    curator_.Start();
    curator_.WaitToServe(Role::Kind::kLeader);
  }
  void Follow() {
    curator::storage::LeaderElectionValue value;
    value.set_node_id(other_.id());
    store_.Put(std::string(keys::kLeaders) + "other", value.SerializeAsString());
    curator_.Start();
    curator_.WaitToServe(Role::Kind::kFollower);
  }

  // One stream, one request, one answer.
  ServerReflectionResponse Ask(const ServerReflectionRequest& request) {
    const Client client = curator_.ConnectAsOwner();
    auto stub = ServerReflection::NewStub(client.channel);
    Context context;
    auto stream = stub->ServerReflectionInfo(&context);
    ServerReflectionResponse response;
    EXPECT_TRUE(stream->Write(request) && stream->Read(&response));
    EXPECT_TRUE(stream->WritesDone());
    EXPECT_THAT(stream->Finish(), Succeeded());
    return response;
  }
  std::set<std::string> ListServices() {
    ServerReflectionRequest request;
    request.set_list_services("*");
    std::set<std::string> names;
    const ServerReflectionResponse response = Ask(request);
    for (const auto& service : response.list_services_response().service()) {
      names.insert(service.name());
    }
    return names;
  }
  ServerReflectionResponse AskForSymbol(const std::string& symbol) {
    ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    return Ask(request);
  }
  grpc::Status Refusal(absl::optional<curator::Identity> identity) {
    const Client client = curator_.ConnectAs(std::move(identity));
    auto stub = ServerReflection::NewStub(client.channel);
    Context context;
    auto stream = stub->ServerReflectionInfo(&context);
    ServerReflectionRequest request;
    request.set_list_services("*");
    stream->Write(request);
    ServerReflectionResponse response;
    EXPECT_FALSE(stream->Read(&response)) << response.ShortDebugString();
    return stream->Finish();
  }

  const TestCluster cluster_;
  const TestNode node_, other_;
  MemoryStore store_;
  TestCurator curator_{&cluster_, &node_, &store_};
};

TEST_F(ReflectionTest, RefusesWhoeverHasNoCertificateOfTheCluster) {
  Lead();
  EXPECT_THAT(Refusal(absl::nullopt), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  const TestCluster another;
  EXPECT_THAT(Refusal(another.OwnerIdentity()), HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

TEST_F(ReflectionTest, AFollowerRefusesThemAsWell) {
  Follow();
  EXPECT_THAT(Refusal(absl::nullopt), HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

TEST_F(ReflectionTest, ANodeMayAsk) {
  Lead();
  const Client client = curator_.ConnectAs(cluster_.NodeIdentity(node_));
  auto stub = ServerReflection::NewStub(client.channel);
  Context context;
  auto stream = stub->ServerReflectionInfo(&context);
  ServerReflectionRequest request;
  request.set_list_services("*");
  ServerReflectionResponse response;
  EXPECT_TRUE(stream->Write(request) && stream->Read(&response));
  context->TryCancel();
}

TEST_F(ReflectionTest, ListsWhatTheRoleServes) {
  Lead();
  std::set<std::string> expected;
  for (const ServedService& served : kServedServices) expected.emplace(served.name);
  EXPECT_EQ(ListServices(), expected);
}

TEST_F(ReflectionTest, AFollowerListsTheFewThatItServes) {
  Follow();
  EXPECT_EQ(ListServices(),
            (std::set<std::string>{"curator.v1.ServerStatus", "grpc.health.v1.Health",
                                   "grpc.reflection.v1alpha.ServerReflection",
                                   "metropolis.node.core.curator.proto.api.CuratorLocal"}));
}

// As a client does it that knows nothing: a pool of its own, from the answer alone.
TEST_F(ReflectionTest, TellsAServiceWithAllThatItNeeds) {
  Lead();
  const ServerReflectionResponse response = AskForSymbol("metropolis.proto.api.Management");
  google::protobuf::SimpleDescriptorDatabase database;
  for (const std::string& file : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto proto;
    ASSERT_TRUE(proto.ParseFromString(file));
    ASSERT_TRUE(database.Add(proto)) << proto.name();
  }
  google::protobuf::DescriptorPool pool(&database);
  const auto* service = pool.FindServiceByName("metropolis.proto.api.Management");
  ASSERT_NE(service, nullptr);
  ASSERT_NE(service->FindMethodByName("GetNodes"), nullptr);
  EXPECT_EQ(service->FindMethodByName("GetNodes")->output_type()->full_name(),
            "metropolis.proto.api.Node");
}

TEST_F(ReflectionTest, TellsTheExtensionOfItsMethods) {
  Lead();
  ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.MethodOptions");
  EXPECT_THAT(Ask(request).all_extension_numbers_response().extension_number(),
              testing::Contains(1000));
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_extension_number(1000);
  EXPECT_GT(Ask(request).file_descriptor_response().file_descriptor_proto_size(), 0);
}

TEST_F(ReflectionTest, SaysSoWhereThereIsNothingToTell) {
  Lead();
  // The second is part of the program, and of no service.
  for (const char* symbol : {"no.such.Service", "curator.storage.Node", ""}) {
    EXPECT_EQ(AskForSymbol(symbol).error_response().error_code(), grpc::StatusCode::NOT_FOUND)
        << symbol;
  }
  ServerReflectionRequest request;
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_extension_number(4711);
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Ask({}).error_response().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace curatord
