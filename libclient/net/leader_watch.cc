#include "libclient/net/leader_watch.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/error_info.h"
#include "libclient/identity/key.h"
#include "libclient/identity/leadership_proof.h"

namespace curator::net {
namespace {

// Of one stream. In years of a follower of the existing system's this may be reached,
// and costs a new connection.
constexpr int kMaxStatements = 64;
// Two node ids, a host name and a port.
constexpr size_t kMaxStatementBytes = 1024;

absl::string_view TextOf(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// "id@host:port,…"; what does not look like it is left out.
std::vector<core::LeaderView::Curator> CuratorsOf(absl::string_view text) {
  std::vector<core::LeaderView::Curator> curators;
  for (absl::string_view entry : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    if (curators.size() == core::kMaxCuratorsTold) break;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits('@', 1));
    if (parts.first.empty() || parts.second.empty()) continue;
    curators.push_back({std::string(parts.first), std::string(parts.second)});
  }
  return curators;
}

}  // namespace

LeaderWatch::LeaderWatch(const EndpointChannel& channel, const absl::optional<ClusterCa>& ca,
                         Sink sink)
    : channel_(channel),
      ca_(ca),
      nonce_(ca.has_value() ? identity::RandomBytes(identity::kNonceSize) : ""),
      sink_(std::move(sink)),
      stub_(metropolis::node::core::curator::proto::api::CuratorLocal::NewStub(channel.channel)) {
  if (!nonce_.empty()) context_.AddMetadata(core::kNonceMetadata, nonce_);
}

void LeaderWatch::Start() {
  stub_->async()->GetCurrentLeader(&context_, &request_, this);
  StartRead(&response_);
  StartCall();
}

void LeaderWatch::Cancel() { context_.TryCancel(); }

void LeaderWatch::OnReadDone(bool ok) {
  if (!ok) return;  // OnDone follows
  if (++statements_ > kMaxStatements) {
    sink_.on_said({}, "says again and again who leads");
    context_.TryCancel();
    return;
  }
  core::LeaderView::Statement statement = Read();
  std::string contradiction;
  if (response_.ByteSizeLong() > kMaxStatementBytes) {
    statement = core::LeaderView::Statement();
    contradiction = "says more than who leads and where";
  } else if (!response_.this_node_id().empty() && response_.this_node_id() != statement.node_id) {
    contradiction =
        absl::StrCat("does not call itself ", statement.node_id, ", of which its certificate is");
  } else if (statement.claims() && ca_.has_value()) {
    JudgeProof(&statement);
  }
  sink_.on_said(std::move(statement), std::move(contradiction));
  StartRead(&response_);
}

core::LeaderView::Statement LeaderWatch::Read() const {
  core::LeaderView::Statement statement;
  statement.node_id = channel_.peer->Get().verification.name;
  statement.leader_id = response_.leader_node_id();
  // A leader that has no address yet sends an empty host: it is where we are.
  if (!response_.leader_host().empty() && response_.leader_port() > 0 &&
      response_.leader_port() <= 65535) {
    core::Endpoint leader;
    leader.host = response_.leader_host();
    leader.port = response_.leader_port();
    statement.leader_address = leader.ToString();
  }
  const auto& metadata = context_.GetServerInitialMetadata();
  if (const auto term = metadata.find(core::kTermMetadata); term != metadata.end()) {
    if (!absl::SimpleAtoi(TextOf(term->second), &statement.term)) statement.term = 0;
  }
  if (const auto told = metadata.find(core::kCandidatesMetadata); told != metadata.end()) {
    statement.curators = CuratorsOf(TextOf(told->second));
  }
  return statement;
}

// Initial metadata come once for each stream, and the term with them: so the proof is
// looked at anew only where a curator says the same again.
void LeaderWatch::JudgeProof(core::LeaderView::Statement* statement) const {
  const auto& metadata = context_.GetServerInitialMetadata();
  const auto proof = metadata.find(core::kProofMetadata);
  if (proof == metadata.end()) return;
  statement->proof_fault = identity::FaultOfProof(TextOf(proof->second), nonce_, statement->node_id,
                                                  statement->term, ca_->certificate());
  statement->proof = statement->proof_fault.empty() ? core::LeaderView::Proof::kValid
                                                    : core::LeaderView::Proof::kWrong;
}

void LeaderWatch::OnDone(const grpc::Status& status) {
  // The owner may destroy this object as soon as it has heard of the end.
  const auto on_ended = sink_.on_ended;
  on_ended(status, channel_.peer->Get());
}

}  // namespace curator::net
