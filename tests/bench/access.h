// Who the driver is and whom it talks to: the cluster's CA, the owner, and the
// nodes whose keys it has.
//
// What cannot go on ends the process with a message: a measurement that went
// partly wrong is none.
#ifndef TESTS_BENCH_ACCESS_H_
#define TESTS_BENCH_ACCESS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "grpcpp/channel.h"
#include "libclient/identity/key.h"

namespace curator::bench {

[[noreturn]] void Fail(absl::string_view what);

template <typename T>
T Must(absl::StatusOr<T> value, absl::string_view what) {
  if (!value.ok()) Fail(std::string(what) + ": " + value.status().ToString());
  return *std::move(value);
}

// A node that the driver speaks for. Of a stranger, who is in no store, the
// certificate is empty.
struct Actor {
  identity::PrivateKey key;
  identity::PrivateKey join_key;
  std::string certificate_der;

  std::string id() const;
};

// One line each, all in hex: key, join key (64 bytes), certificate.
void WriteActors(const std::string& path, const std::vector<Actor>& actors);

enum class Role {
  kOwner,
  kNode,       // the actor, with the certificate of the cluster
  kEphemeral,  // the actor's key and no more: to register and to commit
  kJoin,       // the actor's join key
};

struct Access {
  std::string address;  // of the server to load: host:port
  std::string ca_file;
  std::string certificate_file;  // the owner's
  std::string key_file;
  std::string actors_file;

  ClusterCa Ca() const;
  Identity Owner() const;
  // From `first` on; ends the process if there are fewer.
  std::vector<Actor> Actors(size_t first, size_t count) const;
};

Identity IdentityOf(const Actor& actor, Role role);

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

// A connection of its own each; returns when all stand.
Channels Connect(const std::string& address, const ClusterCa& ca,
                 const std::vector<Identity>& identities);

}  // namespace curator::bench

#endif  // TESTS_BENCH_ACCESS_H_
