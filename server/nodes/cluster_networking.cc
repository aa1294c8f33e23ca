#include "server/nodes/cluster_networking.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace curatord {
namespace {

using metropolis::proto::common::NodeClusterNetworking;

constexpr size_t kWireGuardKeyBytes = 32;
// Longest text of a prefix: an IPv6 address and "/128".
constexpr size_t kLongestPrefix = INET6_ADDRSTRLEN + 4;

struct IpPrefix {
  std::string address;  // 4 or 16 bytes
  int bits = 0;

  int max_bits() const { return static_cast<int>(address.size()) * 8; }
  bool IsSingle() const { return bits == max_bits(); }
  // No bit is set behind the first `bits`.
  bool IsCanonical() const { return Masked(bits) == address; }
  std::string Masked(int keep) const {
    std::string masked = address;
    for (size_t i = 0; i < masked.size(); ++i) {
      const int kept = std::clamp(keep - static_cast<int>(i) * 8, 0, 8);
      masked[i] = static_cast<char>(masked[i] & (0xff << (8 - kept)));
    }
    return masked;
  }
  bool IsWithin(const IpPrefix& other) const {
    return address.size() == other.address.size() && bits >= other.bits &&
           Masked(other.bits) == other.address;
  }
  std::string ToString() const {
    char text[INET6_ADDRSTRLEN];
    ::inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof(text));
    return absl::StrCat(text, "/", bits);
  }
};

// Pods and nodes have their addresses here.
IpPrefix ClusterNetwork() { return {std::string("\x0a\xc0\x00\x00", 4), 11}; }  // 10.192.0.0/11

absl::optional<IpPrefix> ParseIpPrefix(absl::string_view text) {
  const size_t slash = text.find('/');
  if (text.size() > kLongestPrefix || slash == absl::string_view::npos) return absl::nullopt;
  absl::optional<std::string> address = ParseIpAddress(text.substr(0, slash));
  const absl::string_view bits = text.substr(slash + 1);
  // Digits alone, without leading zeros: one text for one prefix.
  const bool number = !bits.empty() && bits.size() <= 3 &&
                      std::all_of(bits.begin(), bits.end(), absl::ascii_isdigit) &&
                      (bits.size() == 1 || bits[0] != '0');
  if (!address.has_value() || !number) return absl::nullopt;
  IpPrefix prefix{*std::move(address), 0};
  if (!absl::SimpleAtoi(bits, &prefix.bits) || prefix.bits > prefix.max_bits()) {
    return absl::nullopt;
  }
  return prefix;
}

absl::Status CheckWireGuardKey(const std::string& key) {
  std::string raw;
  // Written one way only: keys of different nodes are compared as text.
  if (key.size() > 2 * kWireGuardKeyBytes || !absl::Base64Unescape(key, &raw) ||
      raw.size() != kWireGuardKeyBytes || absl::Base64Escape(raw) != key) {
    return absl::InvalidArgumentError(
        absl::StrCat("wireguard_pubkey ", Quoted(key), " is not the base64 of 32 bytes"));
  }
  return absl::OkStatus();
}

// The prefixes as they are stored, each once.
absl::StatusOr<std::vector<std::string>> CheckPrefixes(const NodeClusterNetworking& asked,
                                                       const std::string& external_address) {
  if (asked.prefixes_size() > kMaxClusterPrefixes) {
    return absl::InvalidArgumentError(absl::StrCat(asked.prefixes_size(), " prefixes, at most ",
                                                   kMaxClusterPrefixes, " are allowed"));
  }
  const absl::optional<std::string> external = ParseIpAddress(external_address);
  std::vector<std::string> prefixes;
  for (const auto& sent : asked.prefixes()) {
    const absl::optional<IpPrefix> prefix = ParseIpPrefix(sent.cidr());
    if (!prefix.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("prefix ", Quoted(sent.cidr()), " is no ADDRESS/BITS"));
    }
    if (!prefix->IsCanonical()) {
      return absl::InvalidArgumentError(
          absl::StrCat("prefix ", Quoted(sent.cidr()),
                       " is not canonical: it has bits set behind the first ", prefix->bits));
    }
    const bool own_address = prefix->IsSingle() && prefix->address == external;
    if (!own_address && !prefix->IsWithin(ClusterNetwork())) {
      return absl::InvalidArgumentError(
          absl::StrCat("prefix ", Quoted(sent.cidr()), " is neither inside ",
                       ClusterNetwork().ToString(), " nor the node's address ", external_address));
    }
    std::string text = prefix->ToString();
    if (std::find(prefixes.begin(), prefixes.end(), text) == prefixes.end()) {
      prefixes.push_back(std::move(text));
    }
  }
  return prefixes;
}

}  // namespace

absl::optional<std::string> ParseIpAddress(absl::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return absl::nullopt;
  char bytes[sizeof(in6_addr)];
  if (::inet_pton(AF_INET, terminated.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) return std::string(bytes, 16);
  return absl::nullopt;
}

Operations DecideClusterNetworking(
    const DecisionView& view, const std::string& node_id,
    const metropolis::node::core::curator::proto::api::UpdateNodeClusterNetworkingRequest&
        request) {
  if (!request.has_clusternet()) return absl::InvalidArgumentError("clusternet is not set");
  const NodeClusterNetworking& asked = request.clusternet();
  if (absl::Status key = CheckWireGuardKey(asked.wireguard_pubkey()); !key.ok()) return key;
  const curator::storage::Node* known = view.FindNode(node_id);
  if (known == nullptr) return NoSuchNode(node_id);
  if (known->status().external_address().empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", node_id, " has not told its address: UpdateNodeStatus comes first"));
  }
  absl::StatusOr<std::vector<std::string>> prefixes =
      CheckPrefixes(asked, known->status().external_address());
  if (!prefixes.ok()) return prefixes.status();
  // The search goes through all nodes. A key that the node has already was found to be
  // its own when it was accepted.
  if (known->clusternet().wireguard_pubkey() != asked.wireguard_pubkey()) {
    const curator::storage::Node* const other =
        view.FindNodeIf(asked.wireguard_pubkey(), [&](const curator::storage::Node& node) {
          return node.clusternet().wireguard_pubkey() == asked.wireguard_pubkey() &&
                 node.id() != node_id;
        });
    if (other != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("wireguard_pubkey is the one of node ", other->id()));
    }
  }
  curator::storage::Node node = *known;
  NodeClusterNetworking* const clusternet = node.mutable_clusternet();
  clusternet->set_wireguard_pubkey(asked.wireguard_pubkey());
  clusternet->clear_prefixes();
  for (std::string& prefix : *prefixes) clusternet->add_prefixes()->set_cidr(std::move(prefix));
  if (clusternet->SerializeAsString() == known->clusternet().SerializeAsString()) {
    return std::vector<Operation>{};
  }
  return std::vector<Operation>{PutNode(node)};
}

}  // namespace curatord
