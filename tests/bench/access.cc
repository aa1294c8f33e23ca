#include "tests/bench/access.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libclient/core/endpoint.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/endpoint_channel.h"

namespace curator::bench {
namespace {

constexpr std::chrono::seconds kConnectTimeout{60};

std::string ContentsOf(const std::string& path) {
  std::ifstream file(path);
  if (!file) Fail(absl::StrCat("cannot read ", path));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

void Fail(absl::string_view what) {
  std::fprintf(stderr, "curator_bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::_Exit(EXIT_FAILURE);
}

std::string Actor::id() const { return identity::NodeIdFromPublicKey(key.public_key()); }

void WriteActors(const std::string& path, const std::vector<Actor>& actors) {
  std::ofstream file(path);
  for (const Actor& actor : actors) {
    file << absl::BytesToHexString(actor.key.ToRaw()) << ' '
         << absl::BytesToHexString(actor.join_key.ToRaw()) << ' '
         << absl::BytesToHexString(actor.certificate_der) << '\n';
  }
  if (!file.flush()) Fail(absl::StrCat("cannot write ", path));
}

ClusterCa Access::Ca() const { return Must(ClusterCa::FromPem(ContentsOf(ca_file)), ca_file); }

Identity Access::Owner() const {
  return Must(Identity::FromPem(ContentsOf(certificate_file), ContentsOf(key_file)),
              certificate_file);
}

std::vector<Actor> Access::Actors(size_t first, size_t count) const {
  std::ifstream file(actors_file);
  std::vector<Actor> actors;
  std::string line;
  for (size_t at = 0; actors.size() < count && std::getline(file, line); ++at) {
    if (at < first) continue;
    std::istringstream words(line);
    std::string key;
    std::string join_key;
    std::string certificate;
    words >> key >> join_key >> certificate;
    actors.push_back(
        {Must(identity::PrivateKey::FromRaw(absl::HexStringToBytes(key)), actors_file),
         Must(identity::PrivateKey::FromRaw(absl::HexStringToBytes(join_key)), actors_file),
         absl::HexStringToBytes(certificate)});
  }
  if (actors.size() < count) {
    Fail(absl::StrCat(actors_file, " has no ", count, " nodes from ", first, " on: seed more"));
  }
  return actors;
}

Identity IdentityOf(const Actor& actor, Role role) {
  switch (role) {
    case Role::kNode: {
      const auto certificate =
          Must(identity::Certificate::FromDer(actor.certificate_der), "the certificate of a node");
      return Must(Identity::FromPem(certificate.pem(), actor.key.ToPem()), actor.id());
    }
    case Role::kEphemeral:
      return Must(Identity::Ephemeral(actor.key), actor.id());
    case Role::kJoin:
      return Must(Identity::Ephemeral(actor.join_key), actor.id());
    case Role::kOwner:
      break;
  }
  Fail("the owner is no node");
}

Channels Connect(const std::string& address, const ClusterCa& ca,
                 const std::vector<Identity>& identities) {
  const core::Endpoint endpoint = Must(core::ParseEndpoint(address), "--address");
  Channels channels;
  for (const Identity& identity : identities) {
    net::ChannelOptions options;
    options.ca = ca;
    options.identity = identity;
    options.connect_timeout = absl::Seconds(30);
    channels.push_back(net::OpenChannel(endpoint, options).channel);
    channels.back()->GetState(/*try_to_connect=*/true);
  }
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  for (const auto& channel : channels) {
    if (!channel->WaitForConnected(deadline)) Fail(absl::StrCat("no connection to ", address));
  }
  return channels;
}

}  // namespace curator::bench
