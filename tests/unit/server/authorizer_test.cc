#include "server/auth/authorizer.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "curator/v1/cluster_operations.pb.h"
#include "curator/v1/nodes.pb.h"
#include "curator/v1/server_status.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/descriptor_database.h"
#include "gtest/gtest.h"
#include "libclient/identity/node_id.h"
#include "metropolis/aaa.pb.h"
#include "metropolis/authorization.pb.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"
#include "tests/support/test_cluster.h"
#include "tests/unit/identity/forge.h"

namespace curatord {
namespace {

using curator::identity::Certificate;
using curator::identity::PrivateKey;
using curator::identity::testing::Forge;
using curator::identity::testing::ForgeKey;
using curator::identity::testing::Forgery;
using curator::identity::testing::KeyKind;
using google::protobuf::MethodDescriptor;
using testing_support::TestCluster;
using testing_support::TestNode;

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kInternal = absl::StatusCode::kInternal;

// Every method of every service of ours, the protocol's and our own.
std::vector<const MethodDescriptor*> AllMethods() {
  const google::protobuf::FileDescriptor* const files[] = {
      metropolis::node::core::curator::proto::api::WatchRequest::descriptor()->file(),
      metropolis::proto::api::GetNodesRequest::descriptor()->file(),
      metropolis::proto::api::EscrowRequest::descriptor()->file(),
      curator::v1::GetServerStatusRequest::descriptor()->file(),
      curator::v1::TransferLeadershipRequest::descriptor()->file(),
      curator::v1::ListNodesRequest::descriptor()->file(),
  };
  std::vector<const MethodDescriptor*> methods;
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(file->service(s)->method(m));
      }
    }
  }
  return methods;
}

// A service that is added to a file of ours is in AllMethods; this finds files.
TEST(Authorization, AllFilesWithServicesAreTested) {
  std::set<std::string> tested;
  for (const MethodDescriptor* method : AllMethods()) tested.insert(method->file()->name());
  google::protobuf::DescriptorDatabase* database =
      google::protobuf::DescriptorPool::internal_generated_database();
  std::vector<std::string> names;
  ASSERT_TRUE(database->FindAllFileNames(&names));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, "metropolis/") && !absl::StartsWith(name, "curator/")) continue;
    const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
    ASSERT_NE(file, nullptr) << name;
    EXPECT_TRUE(file->service_count() == 0 || tested.count(name) == 1) << name;
  }
}

TEST(Authorization, EveryMethodSaysWhoMayCallIt) {
  for (const MethodDescriptor* method : AllMethods()) {
    ASSERT_TRUE(method->options().HasExtension(metropolis::proto::ext::authorization))
        << method->full_name();
    const auto& option = method->options().GetExtension(metropolis::proto::ext::authorization);
    // Both at once would mean: let everybody in who holds something.
    EXPECT_FALSE(option.allow_unauthenticated() && option.need_size() > 0) << method->full_name();
    for (int permission : option.need()) {
      EXPECT_NE(permission, metropolis::proto::ext::PERMISSION_UNSPECIFIED) << method->full_name();
      EXPECT_TRUE(metropolis::proto::ext::Permission_IsValid(permission)) << method->full_name();
    }
  }
}

class AuthorizerTest : public testing::Test {
 protected:
  absl::StatusCode CodeFor(const std::string& pem, const std::string& method) const {
    return authorizer_.AuthorizePem(pem, method).status().code();
  }
  Caller CallerWith(const std::string& pem) const {
    auto caller = authorizer_.AuthorizePem(pem, "metropolis.proto.api.AAA.Escrow");
    EXPECT_TRUE(caller.ok()) << caller.status();
    return caller.ok() ? *caller : Caller{};
  }

  const TestCluster cluster_;
  const TestNode node_;
  const PrivateKey user_key_ = PrivateKey::Generate();
  const PrivateKey stranger_ = PrivateKey::Generate();
  const Authorizer authorizer_{cluster_.pki.ca};

  const std::string node_pem_ =
      IssueNodeCertificate(cluster_.pki.ca, cluster_.pki.ca_key, node_.public_key()).pem();
  const std::string user_pem_ =
      IssueUserCertificate(cluster_.pki.ca, cluster_.pki.ca_key, user_key_.public_key(), "owner")
          .pem();
  const std::string ephemeral_pem_ = IssueEphemeralCertificate(stranger_).pem();
};

// Who may call what, as protocol section 2 has it.
TEST_F(AuthorizerTest, LetsInWhomTheTableNames) {
  const std::string curator = "metropolis.node.core.curator.proto.api.Curator.";
  const std::string local = "metropolis.node.core.curator.proto.api.CuratorLocal.";
  const std::string management = "metropolis.proto.api.Management.";
  // By what a node gets; a user gets in everywhere.
  const std::map<std::string, absl::StatusCode> for_cluster_members = {
      {curator + "Watch", kOk},
      {curator + "GetConsensusStatus", kOk},
      {management + "GetClusterInfo", kOk},
      {management + "GetNodes", kOk},
      {curator + "UpdateNodeStatus", kOk},
      {curator + "Heartbeat", kOk},
      {curator + "UpdateNodeClusterNetworking", kOk},
      {curator + "IssueCertificate", kOk},
      {"curator.v1.Nodes.List", kOk},
      {"curator.v1.ServerStatus.Get", kOk},
      {management + "GetRegisterTicket", kPermissionDenied},
      {management + "ApproveNode", kPermissionDenied},
      {management + "UpdateNodeRoles", kPermissionDenied},
      {management + "DecommissionNode", kPermissionDenied},
      {management + "DeleteNode", kPermissionDenied},
      {management + "UpdateNodeLabels", kPermissionDenied},
      {management + "ConfigureCluster", kPermissionDenied},
      {"curator.v1.ClusterOperations.TransferLeadership", kPermissionDenied},
      {"curator.v1.ClusterOperations.GetDecommission", kOk},
      {"curator.v1.ClusterOperations.ReportDecommission", kOk},
      {"curator.v1.ClusterOperations.DescribeRegisterTicket", kPermissionDenied},
      {"curator.v1.ClusterOperations.RotateRegisterTicket", kPermissionDenied},
  };
  const std::set<std::string> for_everybody = {
      curator + "RegisterNode",          curator + "CommitNode",     curator + "JoinNode",
      "metropolis.proto.api.AAA.Escrow", local + "GetCurrentLeader", local + "GetCACertificate",
  };
  const std::string foreign_node_pem =
      IssueNodeCertificate(TestCluster().pki.ca, TestCluster().pki.ca_key, node_.public_key())
          .pem();
  for (const MethodDescriptor* descriptor : AllMethods()) {
    const std::string& method = descriptor->full_name();
    SCOPED_TRACE(method);
    if (for_everybody.count(method) == 1) {
      for (const std::string& pem : {std::string(), ephemeral_pem_, node_pem_, user_pem_,
                                     foreign_node_pem, std::string("garbage")}) {
        EXPECT_EQ(CodeFor(pem, method), kOk);
      }
      continue;
    }
    auto for_node = for_cluster_members.find(method);
    ASSERT_NE(for_node, for_cluster_members.end()) << "a method that the table does not have";
    EXPECT_EQ(CodeFor(node_pem_, method), for_node->second);
    EXPECT_EQ(CodeFor(user_pem_, method), kOk);
    for (const std::string& pem :
         {std::string(), ephemeral_pem_, foreign_node_pem, std::string("garbage")}) {
      EXPECT_EQ(CodeFor(pem, method), kUnauthenticated);
    }
  }
}

// Whoever decides whether the node's certificate still counts goes by these.
TEST_F(AuthorizerTest, TellsTheCertificateOfANodeAndWhetherItMatters) {
  auto member = authorizer_.AuthorizePem(node_pem_, "metropolis.proto.api.Management.GetNodes");
  ASSERT_TRUE(member.ok()) << member.status();
  EXPECT_TRUE(member->must_be_member);
  EXPECT_EQ(member->certificate, Certificate::FromPem(node_pem_)->der());
  EXPECT_FALSE(CallerWith(node_pem_).must_be_member) << "anybody may call it";
}

TEST_F(AuthorizerTest, RefusesMethodsThatSayNothing) {
  for (const char* method :
       {"grpc.health.v1.Health.NoSuchMethod",
        "grpc.reflection.v1alpha.ServerReflection.NoSuchMethod",
        "google.longrunning.Operations.GetOperation", "metropolis.proto.api.Management.Nothing",
        "metropolis.proto.api.Management", "", "/metropolis.proto.api.Management/GetNodes"}) {
    for (const std::string& pem : {std::string(), ephemeral_pem_, node_pem_, user_pem_}) {
      EXPECT_EQ(CodeFor(pem, method), kInternal) << method;
    }
  }
}

// The standard services, whose methods have no such option.
TEST_F(AuthorizerTest, AnybodyMayCheckTheHealth) {
  for (const char* method : {"grpc.health.v1.Health.Check", "grpc.health.v1.Health.Watch"}) {
    for (const std::string& pem : {std::string(), ephemeral_pem_, node_pem_, user_pem_}) {
      EXPECT_EQ(CodeFor(pem, method), kOk) << method;
    }
  }
}

TEST_F(AuthorizerTest, NodesAndUsersAloneMayReadTheSchema) {
  const char* method = "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo";
  for (const std::string& pem : {std::string(), ephemeral_pem_}) {
    EXPECT_EQ(CodeFor(pem, method), kUnauthenticated);
  }
  for (const std::string& pem : {node_pem_, user_pem_}) EXPECT_EQ(CodeFor(pem, method), kOk);
}

// A method that is known to the generated pool and has no such option.
TEST_F(AuthorizerTest, RefusesAKnownMethodWithoutTheOption) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("server_test/no_option.proto");
  file.set_package("server_test");
  file.add_message_type()->set_name("Empty");
  auto* service = file.add_service();
  service->set_name("Open");
  auto* method = service->add_method();
  method->set_name("Call");
  method->set_input_type(".server_test.Empty");
  method->set_output_type(".server_test.Empty");
  const std::string encoded = file.SerializeAsString();
  google::protobuf::DescriptorPool::InternalAddGeneratedFile(encoded.data(),
                                                             static_cast<int>(encoded.size()));
  ASSERT_NE(
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName("server_test.Open.Call"),
      nullptr);
  EXPECT_EQ(CodeFor(user_pem_, "server_test.Open.Call"), kInternal);
  EXPECT_EQ(CodeFor("", "server_test.Open.Call"), kInternal);
}

TEST_F(AuthorizerTest, TellsWhoCalls) {
  const Caller node = CallerWith(node_pem_);
  EXPECT_EQ(node.kind, Caller::Kind::kNode);
  EXPECT_EQ(node.name, node_.id());
  EXPECT_EQ(node.public_key, node_.public_key());

  const Caller user = CallerWith(user_pem_);
  EXPECT_EQ(user.kind, Caller::Kind::kUser);
  EXPECT_EQ(user.name, "owner");
  EXPECT_EQ(user.public_key, user_key_.public_key());

  const Caller ephemeral = CallerWith(ephemeral_pem_);
  EXPECT_EQ(ephemeral.kind, Caller::Kind::kEphemeral);
  EXPECT_EQ(ephemeral.name, "");
  EXPECT_EQ(ephemeral.public_key, stranger_.public_key());

  const Caller nobody = CallerWith("");
  EXPECT_EQ(nobody.kind, Caller::Kind::kAnonymous);
  EXPECT_EQ(nobody.public_key, "");
}

TEST_F(AuthorizerTest, CountsACertificateThatQualifiesAsBothForANodes) {
  const auto ca_key = curator::identity::testing::ForgeKey(KeyKind::kEd25519);
  const PrivateKey ca_private =
      *PrivateKey::FromPem(curator::identity::testing::PrivateKeyPem(ca_key.get()));
  const Certificate ca = IssueCaCertificate(ca_private, "Test CA");
  const auto key = ForgeKey(KeyKind::kEd25519);
  const std::string public_key =
      *curator::identity::PublicKeyFromPem(curator::identity::testing::PublicKeyPem(key.get()));
  Forgery both;
  both.key = key.get();
  both.signer = ca_key.get();
  both.issuer = &ca;
  both.common_name = curator::identity::NodeIdFromPublicKey(public_key);
  both.dns_name = both.common_name;
  both.extended_key_usage = "serverAuth,clientAuth";
  const Authorizer authorizer(ca);
  auto caller =
      authorizer.AuthorizePem(Forge(both).pem(), "metropolis.proto.api.Management.GetNodes");
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->kind, Caller::Kind::kNode);
  EXPECT_EQ(
      authorizer.AuthorizePem(Forge(both).pem(), "metropolis.proto.api.Management.ApproveNode")
          .status()
          .code(),
      kPermissionDenied);
}

// Signed by the right CA, and wrong in one respect each: nobody's certificate.
TEST_F(AuthorizerTest, TakesNoCertificateThatIsNotQuiteRight) {
  const auto ca_key = ForgeKey(KeyKind::kEd25519);
  const Certificate ca = IssueCaCertificate(
      *PrivateKey::FromPem(curator::identity::testing::PrivateKeyPem(ca_key.get())), "Test CA");
  const Authorizer authorizer(ca);
  const auto key = ForgeKey(KeyKind::kEd25519);
  const std::string id = curator::identity::NodeIdFromPublicKey(
      *curator::identity::PublicKeyFromPem(curator::identity::testing::PublicKeyPem(key.get())));
  const std::string method = "metropolis.proto.api.Management.GetNodes";
  auto good = [&] {
    Forgery forgery;
    forgery.key = key.get();
    forgery.signer = ca_key.get();
    forgery.issuer = &ca;
    forgery.common_name = id;
    forgery.dns_name = id;
    return forgery;
  };
  ASSERT_TRUE(authorizer.AuthorizePem(Forge(good()).pem(), method).ok());

  std::map<std::string, Forgery> wrong;
  (wrong["expired"] = good()).not_after = absl::UnixEpoch() + absl::Hours(1);
  (wrong["not valid yet"] = good()).not_before =
      absl::FromCivil(absl::CivilYear(2099), absl::UTCTimeZone());
  (wrong["a CA"] = good()).basic_constraints = "critical,CA:TRUE";
  (wrong["another id"] = good()).common_name = TestNode().id();
  (wrong["no DNS name"] = good()).dns_name = "";
  (wrong["no key usage of either"] = good()).extended_key_usage = "";
  const auto rsa = ForgeKey(KeyKind::kRsa);
  (wrong["RSA"] = good()).key = rsa.get();
  const auto ecdsa = ForgeKey(KeyKind::kEcdsa);
  (wrong["ECDSA"] = good()).key = ecdsa.get();
  const auto other_ca = ForgeKey(KeyKind::kEd25519);
  (wrong["signed by another"] = good()).signer = other_ca.get();
  Forgery& user = wrong["a user without a name"] = good();
  user.common_name = user.dns_name = "";
  user.extended_key_usage = "clientAuth";
  for (const char* what : {"expired", "not valid yet"}) {
    EXPECT_TRUE(absl::StrContains(
        authorizer.AuthorizePem(Forge(wrong[what]).pem(), method).status().message(),
        "by this curator's clock"))
        << what;
  }
  for (const auto& [what, forgery] : wrong) {
    EXPECT_EQ(authorizer.AuthorizePem(Forge(forgery).pem(), method).status().code(),
              kUnauthenticated)
        << what;
    // Nor does it prove a key: only what is signed by itself does.
    auto caller = authorizer.AuthorizePem(Forge(forgery).pem(), "metropolis.proto.api.AAA.Escrow");
    ASSERT_TRUE(caller.ok());
    EXPECT_EQ(caller->kind, Caller::Kind::kAnonymous) << what;
  }
}

}  // namespace
}  // namespace curatord
