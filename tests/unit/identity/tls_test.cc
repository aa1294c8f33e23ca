// Real handshakes on loopback: gRPC against gRPC, and each of ours against plain
// OpenSSL, which sees what is on the wire.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/openssl.h"
#include "libclient/identity/tls_credentials.h"
#include "metropolis/curator.grpc.pb.h"

namespace curator::identity {
namespace {

namespace api = ::metropolis::node::core::curator::proto::api;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr timeval kSocketTimeout = {10, 0};

Identity NodeOf(const Certificate& ca, const PrivateKey& ca_key, const PrivateKey& key) {
  return *Identity::FromPem(IssueNodeCertificate(ca, ca_key, key.public_key()).pem(), key.ToPem());
}

// Answers with nothing and remembers what certificates the caller sent.
class Witness final : public api::CuratorLocal::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetCACertificate(grpc::CallbackServerContext* context,
                                             const api::GetCACertificateRequest* /*request*/,
                                             api::GetCACertificateResponse* /*response*/) override {
    leaves_.clear();
    chains_.clear();
    for (const grpc::string_ref& leaf :
         context->auth_context()->FindPropertyValues("x509_pem_cert")) {
      leaves_.emplace_back(leaf.data(), leaf.size());
    }
    for (const grpc::string_ref& chain :
         context->auth_context()->FindPropertyValues("x509_pem_cert_chain")) {
      chains_.emplace_back(chain.data(), chain.size());
    }
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  // Of the last call; read after it has been answered.
  const std::vector<std::string>& leaves() const { return leaves_; }
  // What was sent beyond the leaf: on a server OpenSSL leaves that one out.
  const std::vector<std::string>& chains() const { return chains_; }

 private:
  std::vector<std::string> leaves_;
  std::vector<std::string> chains_;
};

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.RegisterService(&witness_);
    builder.AddListeningPort("127.0.0.1:0", MakeServerCredentials(server_node_), &port_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  std::shared_ptr<grpc::Channel> Connect(int port, const ChannelTrust& trust,
                                         const absl::optional<Identity>& identity) {
    record_ = std::make_shared<PeerRecord>();
    grpc::ChannelArguments arguments;
    arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, server_id());
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                     MakeChannelCredentials(trust, identity, record_), arguments);
  }

  grpc::Status Call(const ChannelTrust& trust, const absl::optional<Identity>& identity) {
    return CallOn(Connect(port_, trust, identity));
  }

  grpc::Status CallOn(const std::shared_ptr<grpc::Channel>& channel) {
    const auto stub = api::CuratorLocal::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    api::GetCACertificateResponse response;
    std::promise<grpc::Status> done;
    const api::GetCACertificateRequest request;
    stub->async()->GetCACertificate(&context, &request, &response, [&](grpc::Status status) {
      done.set_value(std::move(status));
    });
    return done.get_future().get();
  }

  ChannelTrust Pinned(std::string expected_node_id = "") const {
    ChannelTrust trust;
    trust.ca = *ClusterCa::FromDer(ca_.der());
    trust.expected_node_id = std::move(expected_node_id);
    return trust;
  }
  std::string server_id() const { return NodeIdFromPublicKey(server_key_.public_key()); }
  Identity User() const {
    const PrivateKey key = PrivateKey::Generate();
    return *Identity::FromPem(IssueUserCertificate(ca_, ca_key_, key.public_key(), "owner").pem(),
                              key.ToPem());
  }

  const PrivateKey ca_key_ = PrivateKey::Generate();
  const Certificate ca_ = IssueCaCertificate(ca_key_, "Metropolis Cluster CA");
  const PrivateKey server_key_ = PrivateKey::Generate();
  const Identity server_node_ = NodeOf(ca_, ca_key_, server_key_);
  Witness witness_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<PeerRecord> record_;
};

TEST_F(Tls, UserSendsExactlyItsOwnCertificate) {
  const Identity user = User();
  const grpc::Status status = Call(Pinned(server_id()), user);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(witness_.leaves(), ElementsAre(user.certificate_pem()));
  EXPECT_THAT(witness_.chains(), IsEmpty());
}

// gRPC would connect again by itself, to whoever is there then.
TEST_F(Tls, AChannelOfOneConnectionNeverMakesAnother) {
  for (const bool one_connection : {true, false}) {
    ChannelTrust trust = Pinned();
    trust.one_connection = one_connection;
    const auto channel = Connect(port_, trust, User());
    ASSERT_TRUE(CallOn(channel).ok());
    ASSERT_TRUE(CallOn(channel).ok());
    const int handshakes = record_->Get().handshakes;
    server_->Shutdown(std::chrono::system_clock::now());
    grpc::ServerBuilder builder;
    builder.RegisterService(&witness_);
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_),
                             MakeServerCredentials(NodeOf(ca_, ca_key_, PrivateKey::Generate())));
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    grpc::Status status = CallOn(channel);
    for (int i = 0; !one_connection && !status.ok() && i < 1000; ++i) {
      channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
      status = CallOn(channel);
    }
    EXPECT_EQ(status.ok(), !one_connection) << status.error_message();
    if (!one_connection) continue;
    // Also when asked again; and what was seen of the first is what is remembered.
    EXPECT_FALSE(CallOn(channel).ok());
    EXPECT_EQ(record_->Get().handshakes, handshakes);
    EXPECT_EQ(record_->Get().verification.name, server_id());
    TearDown();
    server_.reset();
    SetUp();
  }
}

TEST_F(Tls, NodeSendsExactlyItsOwnCertificate) {
  const PrivateKey key = PrivateKey::Generate();
  const Identity node = NodeOf(ca_, ca_key_, key);
  ASSERT_TRUE(Call(Pinned(), node).ok());
  EXPECT_THAT(witness_.leaves(), ElementsAre(node.certificate_pem()));
  EXPECT_THAT(witness_.chains(), IsEmpty());
}

TEST_F(Tls, PassesWithoutAnyCertificate) {
  const grpc::Status status = Call(Pinned(), absl::nullopt);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(witness_.leaves(), IsEmpty());
}

TEST_F(Tls, PassesWithAnEphemeralCertificate) {
  const Identity ephemeral = *Identity::Ephemeral(PrivateKey::Generate());
  const grpc::Status status = Call(Pinned(), ephemeral);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(witness_.leaves(), ElementsAre(ephemeral.certificate_pem()));
}

TEST_F(Tls, RecordsTheServerItAccepted) {
  ASSERT_TRUE(Call(Pinned(server_id()), absl::nullopt).ok());
  const PeerRecord::Seen seen = record_->Get();
  EXPECT_EQ(seen.handshakes, 1);
  EXPECT_TRUE(seen.verification.ok());
  EXPECT_EQ(seen.verification.name, server_id());
  EXPECT_EQ(seen.leaf_pem, server_node_.certificate_pem());
  EXPECT_EQ(seen.ca_sha256, ca_.sha256());
}

TEST_F(Tls, TrustOnFirstUsePassesAndRecordsWithAndWithoutIdentity) {
  for (const absl::optional<Identity>& identity :
       {absl::optional<Identity>(),
        absl::optional<Identity>(*Identity::Ephemeral(PrivateKey::Generate()))}) {
    const grpc::Status status = Call(ChannelTrust(), identity);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(record_->Get().leaf_pem, server_node_.certificate_pem());
    EXPECT_EQ(record_->Get().ca_sha256, absl::nullopt);
  }
}

TEST_F(Tls, RecordsAServerOfAnotherCluster) {
  ChannelTrust other;
  other.ca = *ClusterCa::FromDer(IssueCaCertificate(PrivateKey::Generate(), "other").der());
  EXPECT_EQ(Call(other, User()).error_code(), grpc::StatusCode::UNAVAILABLE);
  const PeerRecord::Seen seen = record_->Get();
  EXPECT_EQ(seen.verification.fault, CertificateFault::kWrongCa);
  EXPECT_EQ(seen.verification.name, server_id());
  EXPECT_EQ(seen.ca_sha256, absl::nullopt);
}

TEST_F(Tls, RecordsAnotherNodeThanExpected) {
  const std::string expected = NodeIdFromPublicKey(PrivateKey::Generate().public_key());
  EXPECT_EQ(Call(Pinned(expected), User()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(record_->Get().verification.fault, CertificateFault::kWrongNode);
  EXPECT_EQ(record_->Get().ca_sha256, ca_.sha256());
}

struct SslCtxFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, SslCtxFree>;
using SslPtr = std::unique_ptr<SSL, SslFree>;

constexpr unsigned char kH2[] = {2, 'h', '2'};

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// Accepts one connection and counts the certificates its client sends; -1 if no
// handshake completes.
class CountingServer {
 public:
  explicit CountingServer(const Identity& node) : context_(SSL_CTX_new(TLS_server_method())) {
    const std::string key_pem = node.private_key_pem();
    SSL_CTX_use_certificate(context_.get(), node.certificate().get());
    const BioPtr bio = ReadingBio(key_pem);
    const EvpKeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER,
                       [](int /*verified*/, X509_STORE_CTX* /*store*/) { return 1; });
    SSL_CTX_set_alpn_select_cb(
        context_.get(),
        [](SSL* /*ssl*/, const unsigned char** out, unsigned char* size,
           const unsigned char* /*in*/, unsigned int /*in_size*/, void* /*arg*/) {
          *out = kH2 + 1;
          *size = 2;
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kSocketTimeout, sizeof(kSocketTimeout));
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    listen(socket_, 1);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    count_ = std::async(std::launch::async, [this] { return AcceptOne(); });
  }
  ~CountingServer() { close(socket_); }

  int port() const { return port_; }
  int Count() { return count_.get(); }

 private:
  int AcceptOne() {
    const int connection = accept(socket_, nullptr, nullptr);
    if (connection < 0) return -1;
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &kSocketTimeout, sizeof(kSocketTimeout));
    int count = -1;
    const SslPtr ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), connection);
    if (SSL_accept(ssl.get()) == 1) {
      // OpenSSL leaves the leaf out of the chain on this side.
      const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
      count = (SSL_get0_peer_certificate(ssl.get()) != nullptr ? 1 : 0) +
              (chain == nullptr ? 0 : sk_X509_num(chain));
    }
    close(connection);
    return count;
  }

  SslCtxPtr context_;
  int socket_ = -1;
  int port_ = 0;
  std::future<int> count_;
};

TEST_F(Tls, ClientPutsOneCertificateOnTheWire) {
  for (const Identity& identity : {User(), NodeOf(ca_, ca_key_, PrivateKey::Generate()),
                                   *Identity::Ephemeral(PrivateKey::Generate())}) {
    CountingServer server(server_node_);
    const auto channel = Connect(server.port(), Pinned(server_id()), identity);
    channel->GetState(/*try_to_connect=*/true);
    EXPECT_EQ(server.Count(), 1);
  }
}

TEST_F(Tls, ClientWithoutIdentityPutsNoCertificateOnTheWire) {
  CountingServer server(server_node_);
  const auto channel = Connect(server.port(), Pinned(server_id()), absl::nullopt);
  channel->GetState(/*try_to_connect=*/true);
  EXPECT_EQ(server.Count(), 0);
}

// Existing clients send no ephemeral certificate to a server that lists CAs.
TEST_F(Tls, ServerAsksForACertificateAndListsNoCaAndSendsOneOfItsOwn) {
  const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_alpn_protos(context.get(), kH2, sizeof(kH2));
  bool asked = false;
  SSL_CTX_set_client_cert_cb(context.get(), [](SSL* ssl, X509** /*x509*/, EVP_PKEY** /*key*/) {
    *static_cast<bool*>(SSL_get_app_data(ssl)) = true;
    return 0;
  });
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &kSocketTimeout, sizeof(kSocketTimeout));
  const sockaddr_in address = Loopback(port_);
  ASSERT_EQ(connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  {
    const SslPtr ssl(SSL_new(context.get()));
    SSL_set_app_data(ssl.get(), &asked);
    SSL_set_fd(ssl.get(), connection);
    ASSERT_EQ(SSL_connect(ssl.get()), 1);
    EXPECT_TRUE(asked);
    const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl.get());
    EXPECT_EQ(names == nullptr ? 0 : sk_X509_NAME_num(names), 0);
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(ssl.get())), 1);
    const unsigned char* alpn = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl.get(), &alpn, &size);
    EXPECT_EQ(absl::string_view(reinterpret_cast<const char*>(alpn), size), "h2");
  }
  close(connection);
}

}  // namespace
}  // namespace curator::identity
