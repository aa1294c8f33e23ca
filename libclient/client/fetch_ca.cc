#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "curator/client.h"
#include "libclient/core/backoff.h"
#include "libclient/core/call_outcome.h"
#include "libclient/core/endpoint.h"
#include "libclient/identity/tls_credentials.h"
#include "libclient/identity/verification.h"
#include "libclient/net/attempt.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/endpoint_channel.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/pause.h"
#include "libclient/net/search_error.h"
#include "metropolis/curator.pb.h"

namespace curator {
namespace {

namespace curator_api = ::metropolis::node::core::curator::proto::api;

constexpr absl::Duration kAttemptTimeout = absl::Seconds(5);

// Asks one endpoint until it offers a CA, is not to be trusted, or time is up.
class OfferRequest {
 public:
  OfferRequest(core::Endpoint endpoint, absl::string_view expected_sha256, core::Instant deadline,
               std::vector<std::stop_token> stops)
      : endpoint_(std::move(endpoint)),
        expected_sha256_(expected_sha256),
        deadline_(deadline),
        stops_(std::move(stops)) {
    report_.address = endpoint_.ToString();
  }

  absl::optional<OfferedCa> Run() {
    core::Backoff backoff;
    absl::BitGen random;
    while (!Stopped() && net::Now() < deadline_) {
      absl::optional<OfferedCa> offer = Attempt();
      if (offer.has_value() || !core::MayComeUp(report_.verdict)) return offer;
      const absl::Duration delay = backoff.Next(absl::Uniform<double>(random, 0, 1));
      net::PauseFor(std::min(delay, core::Until(deadline_, net::Now())), stops_);
    }
    return absl::nullopt;
  }

  const EndpointReport& report() const { return report_; }

 private:
  bool Stopped() const {
    for (const std::stop_token& stop : stops_) {
      if (stop.stop_requested()) return true;
    }
    return false;
  }

  absl::optional<OfferedCa> Attempt() {
    const core::Instant began_at = net::Now();
    ++report_.tries;
    net::ChannelOptions channel_options;  // no CA and no identity: nothing of ours is shown
    channel_options.connect_timeout = kAttemptTimeout;
    const net::EndpointChannel channel = net::OpenChannel(endpoint_, channel_options);
    net::AttemptOptions options;
    options.deadline = std::min(deadline_, core::After(began_at, kAttemptTimeout));
    options.stops = stops_;
    curator_api::GetCACertificateResponse response;
    const grpc::Status status = net::AttemptUnary(
        channel.channel, "/metropolis.node.core.curator.proto.api.CuratorLocal/GetCACertificate",
        options, curator_api::GetCACertificateRequest(), &response);
    report_.elapsed = core::Elapsed(began_at, net::Now());
    const identity::PeerRecord::Seen seen = channel.peer->Get();
    if (!status.ok()) {
      const std::string message = status.error_message();
      core::DialOutcome outcome =
          core::ClassifyDial({status.error_code(), message, ""}, seen.handshakes > 0);
      Judge(outcome.phase, outcome.verdict, std::move(outcome.detail));
      return absl::nullopt;
    }
    return Examine(response.identity_ca_certificate(), seen.leaf_pem);
  }

  // The CA must be the one asked for, and the leaf of this same connection its own.
  absl::optional<OfferedCa> Examine(const std::string& der, const std::string& leaf_pem) {
    absl::StatusOr<ClusterCa> ca = ClusterCa::FromDer(der);
    const absl::StatusOr<identity::Certificate> leaf = identity::Certificate::FromPem(leaf_pem);
    if (!ca.ok() || !leaf.ok()) {
      Judge(
          Phase::kIdentity, Verdict::kWrongCa,
          absl::StrCat("offers no usable CA: ", (ca.ok() ? leaf.status() : ca.status()).message()));
      return absl::nullopt;
    }
    if (!expected_sha256_.empty() && ca->sha256() != expected_sha256_) {
      Judge(Phase::kIdentity, Verdict::kWrongCa,
            absl::StrCat("its CA is SHA256:", ca->sha256(), ", not SHA256:", expected_sha256_));
      return absl::nullopt;
    }
    const identity::Verification own = identity::VerifyCaCertificate(ca->certificate());
    if (!own.ok()) {
      Judge(Phase::kIdentity, Verdict::kWrongCa, own.detail);
      return absl::nullopt;
    }
    const identity::Verification node =
        identity::VerifyNodeCertificate(*leaf, ca->certificate(), absl::Now());
    if (!node.ok()) {
      Judge(Phase::kIdentity,
            node.fault == identity::CertificateFault::kExpired ? Verdict::kExpired
                                                               : Verdict::kWrongCa,
            absl::StrCat("its own certificate is not of the CA it offers: ", node.detail));
      return absl::nullopt;
    }
    return OfferedCa{*std::move(ca), endpoint_.ToString(), node.name};
  }

  void Judge(Phase phase, Verdict verdict, std::string detail) {
    report_.phase = phase;
    report_.verdict = verdict;
    report_.detail = std::move(detail);
  }

  const core::Endpoint endpoint_;
  const std::string expected_sha256_;
  const core::Instant deadline_;
  const std::vector<std::stop_token> stops_;
  EndpointReport report_;
};

}  // namespace

absl::StatusOr<OfferedCa> FetchClusterCa(const std::vector<std::string>& endpoints,
                                         absl::string_view expected_sha256,
                                         const CallOptions& options) {
  const core::Instant began_at = net::Now();
  const core::Instant deadline = core::After(began_at, options.timeout);
  const std::stop_token stop = net::TokenOf(options.cancellation);
  std::stop_source found;  // the first good answer ends the others

  std::vector<OfferRequest> requests;
  for (const std::string& text : endpoints) {
    absl::StatusOr<core::Endpoint> endpoint = core::ParseEndpoint(text);
    if (!endpoint.ok()) {
      Error error;
      error.code = ErrorCode::kInvalidArgument;
      error.message = std::string(endpoint.status().message());
      return MakeError(error);
    }
    requests.emplace_back(*std::move(endpoint), expected_sha256, deadline,
                          std::vector<std::stop_token>{stop, found.get_token()});
  }
  if (requests.empty()) {
    Error error;
    error.code = ErrorCode::kInvalidArgument;
    error.message = "no endpoint is given";
    return MakeError(error);
  }

  struct First {
    absl::Mutex mutex;
    absl::optional<OfferedCa> offer ABSL_GUARDED_BY(mutex);
  } first;
  std::vector<std::thread> threads;
  threads.reserve(requests.size());
  for (OfferRequest& request : requests) {
    threads.emplace_back([&first, &found, &request] {
      absl::optional<OfferedCa> offer = request.Run();
      if (!offer.has_value()) return;
      {
        absl::MutexLock lock(&first.mutex);
        if (!first.offer.has_value()) first.offer = std::move(offer);
      }
      found.request_stop();
    });
  }
  for (std::thread& thread : threads) thread.join();

  absl::MutexLock lock(&first.mutex);
  if (first.offer.has_value()) return *std::move(first.offer);
  const absl::Duration waited = core::Elapsed(began_at, net::Now());
  if (stop.stop_requested()) return net::CancelledError(waited);
  std::vector<EndpointReport> reports;
  bool hopeless = true;
  for (const OfferRequest& request : requests) {
    reports.push_back(request.report());
    if (core::MayComeUp(request.report().verdict)) hopeless = false;
  }
  return net::NoLeaderError(std::move(reports), hopeless, waited);
}

}  // namespace curator
