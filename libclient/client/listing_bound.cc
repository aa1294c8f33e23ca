#include "libclient/client/listing_bound.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "curator/error.h"

namespace curator {
namespace {

// What a message, a node and a label count at least. Of what is taken in, about twice as
// much stands in memory, however it is cut.
constexpr size_t kMessageBytes = 64;
constexpr size_t kNodeBytes = 400;
constexpr size_t kLabelBytes = 48;
constexpr size_t kLongestQuote = 80;

size_t CostOf(const Node& node) {
  size_t bytes = kNodeBytes + node.id.size() + node.public_key.size() + node.address.size() +
                 node.version.size();
  for (const auto& [key, value] : node.labels) {
    bytes += std::max(kLabelBytes, key.size() + value.size());
  }
  return bytes;
}

std::string Quoted(absl::string_view text) {
  return absl::CHexEscape(text.substr(0, kLongestQuote));
}

}  // namespace

absl::Status ListingBound::TakeMessage(size_t bytes) {
  taken_ += kMessageBytes + bytes;
  return Check();
}

absl::Status ListingBound::Take(const Node& node) {
  taken_ += CostOf(node);
  return Check();
}

void ListingBound::GiveBack(const Node& node) { taken_ -= std::min(taken_, CostOf(node)); }

absl::Status ListingBound::Check() const {
  if (taken_ <= most_) return absl::OkStatus();
  Error error;
  error.code = ErrorCode::kRefused;
  error.message = absl::StrCat(what_, " is larger than ", most_ >> 20, " MiB");
  error.cause = "the cluster has more than this client takes in, or the server sends without end";
  error.hints = {"list fewer, by a filter", "or raise CallOptions::listing_bytes"};
  error.sent = true;
  return MakeError(error);
}

absl::Status OutOfOrder(absl::string_view id, absl::string_view after) {
  Error error;
  error.code = ErrorCode::kInternal;
  error.message = absl::StrCat("the list of nodes has ", Quoted(id), " behind ", Quoted(after));
  error.cause = "each node comes once, in the order of the ids: this server is broken, or lies";
  error.hints = {"look at the leader: cluster status"};
  error.sent = true;
  return MakeError(error);
}

}  // namespace curator
