#include "server/nodes/register_ticket.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libclient/identity/key.h"
#include "metropolis/storage.pb.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

namespace v1 = curator::v1;

constexpr size_t kTicketBytes = 32;
constexpr size_t kSha256Bytes = 32;

absl::Status NoTicketYet() {
  return absl::NotFoundError("there is no register ticket yet: the first to ask for it makes it");
}

// The stored facts may be of a ticket that somebody has replaced without them.
v1::RegisterTicketFacts FactsOf(const DecisionView& view, const std::string& ticket) {
  v1::RegisterTicketFacts facts;
  const std::string sha256 = curator::identity::Sha256(ticket);
  const absl::optional<std::string> stored = view.Find(keys::kRegisterTicketFacts);
  if (!stored.has_value() || !facts.ParseFromString(*stored) || facts.sha256() != sha256) {
    facts.Clear();
    facts.set_sha256(sha256);
  }
  return facts;
}

// A new ticket with its facts; the ticket in `*ticket`.
std::vector<Operation> PutNewTicket(absl::Time now, std::string* ticket) {
  curator::storage::RegisterTicket message;
  message.set_opaque(curator::identity::RandomBytes(kTicketBytes));
  *ticket = message.SerializeAsString();
  v1::RegisterTicketFacts facts;
  facts.set_sha256(curator::identity::Sha256(*ticket));
  SetTime(now, facts.mutable_since());
  return {Operation::Put(std::string(keys::kRegisterTicket), *ticket),
          Operation::Put(std::string(keys::kRegisterTicketFacts), facts.SerializeAsString())};
}

}  // namespace

Operations DecideTicket(const DecisionView& view, absl::Time now,
                        metropolis::proto::api::GetRegisterTicketResponse* response) {
  if (absl::optional<std::string> ticket = view.Find(keys::kRegisterTicket); ticket.has_value()) {
    response->set_ticket(*std::move(ticket));
    return std::vector<Operation>{};
  }
  return PutNewTicket(now, response->mutable_ticket());
}

Operations DecideTicketRotation(const DecisionView& view,
                                const v1::RotateRegisterTicketRequest& request, absl::Time now,
                                v1::RotateRegisterTicketResponse* response) {
  if (request.replaces_sha256().size() != kSha256Bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "replaces_sha256 has ", request.replaces_sha256().size(), " bytes, 32 are needed"));
  }
  absl::optional<std::string> ticket = view.Find(keys::kRegisterTicket);
  if (!ticket.has_value()) return NoTicketYet();
  if (curator::identity::Sha256(*ticket) != request.replaces_sha256()) {
    *response->mutable_facts() = FactsOf(view, *ticket);
    response->set_ticket(*std::move(ticket));
    return std::vector<Operation>{};
  }
  std::vector<Operation> operations = PutNewTicket(now, response->mutable_ticket());
  response->mutable_facts()->ParseFromString(operations.back().value);
  response->set_replaced(true);
  return operations;
}

absl::StatusOr<v1::RegisterTicketFacts> DescribeTicket(const DecisionView& view) {
  const absl::optional<std::string> ticket = view.Find(keys::kRegisterTicket);
  if (!ticket.has_value()) return NoTicketYet();
  return FactsOf(view, *ticket);
}

}  // namespace curatord
