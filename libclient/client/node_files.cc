#include "libclient/client/node_files.h"

#include <sys/types.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "curator/error.h"
#include "libclient/client/durable_file.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/verification.h"

namespace curator {
namespace {

constexpr char kNodeKey[] = "node.key";
constexpr char kJoinKey[] = "join.key";
constexpr char kUnlockKey[] = "unlock.key";
constexpr char kCa[] = "ca.pem";
constexpr char kCertificate[] = "node.pem";

constexpr size_t kUnlockKeySize = 32;
constexpr mode_t kSecret = 0600;
constexpr mode_t kPublic = 0644;

absl::Status Unusable(const std::string& data_dir, const char* name, std::string cause) {
  Error error;
  error.code = ErrorCode::kRefused;
  error.message = absl::StrCat(data_dir, "/", name, " cannot be used");
  error.cause = std::move(cause);
  error.hints.push_back("restore the directory from a backup");
  error.hints.push_back(
      "or delete the node in the cluster and start again with an empty directory");
  return MakeError(error);
}

template <typename T>
absl::Status ReadInto(const std::string& data_dir, const char* name,
                      absl::StatusOr<T> (*parse)(absl::string_view), absl::optional<T>& value) {
  absl::StatusOr<absl::optional<std::string>> contents =
      ReadFileIfPresent(absl::StrCat(data_dir, "/", name));
  if (!contents.ok()) return contents.status();
  if (!contents->has_value()) return absl::OkStatus();
  absl::StatusOr<T> parsed = parse(**contents);
  if (!parsed.ok()) return Unusable(data_dir, name, std::string(parsed.status().message()));
  value = *std::move(parsed);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ParseUnlockKey(absl::string_view contents) {
  if (contents.size() != kUnlockKeySize) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", kUnlockKeySize, " bytes, found ", contents.size()));
  }
  return std::string(contents);
}

// Why `certificate` does not make the key's owner a node of `ca`; empty if it does.
std::string Objection(const identity::Certificate& certificate, const identity::PrivateKey& key,
                      const ClusterCa& ca) {
  if (certificate.public_key() != key.public_key()) {
    return absl::StrCat("it is not the certificate of ", kNodeKey);
  }
  const identity::Verification verification =
      identity::VerifyNodeCertificate(certificate, ca.certificate(), absl::Now());
  return verification.ok() ? "" : absl::StrCat("as a node's certificate: ", verification.detail);
}

absl::Status CompleteKey(const std::string& data_dir, const char* name,
                         absl::optional<identity::PrivateKey>& key) {
  if (key.has_value()) return absl::OkStatus();
  const identity::PrivateKey generated = identity::PrivateKey::Generate();
  if (absl::Status status = WriteFileDurably(data_dir, name, generated.ToPem(), kSecret);
      !status.ok()) {
    return status;
  }
  key = generated;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoredNode> ReadStoredNode(const std::string& data_dir) {
  StoredNode node;
  absl::optional<identity::Certificate> certificate;
  for (const absl::Status& status :
       {ReadInto(data_dir, kNodeKey, &identity::PrivateKey::FromPem, node.node_key),
        ReadInto(data_dir, kJoinKey, &identity::PrivateKey::FromPem, node.join_key),
        ReadInto(data_dir, kUnlockKey, &ParseUnlockKey, node.unlock_key),
        ReadInto(data_dir, kCa, &ClusterCa::FromPem, node.ca),
        ReadInto(data_dir, kCertificate, &identity::Certificate::FromPem, certificate)}) {
    if (!status.ok()) return status;
  }
  if (!certificate.has_value()) {
    if (node.join_key.has_value() && !node.node_key.has_value()) {
      return Unusable(data_dir, kJoinKey,
                      absl::StrCat(kNodeKey, ", which comes first, is missing"));
    }
    return node;
  }
  // The unlock key has done its duty once the node is committed.
  const std::pair<const char*, bool> needed[] = {{kNodeKey, node.node_key.has_value()},
                                                 {kJoinKey, node.join_key.has_value()},
                                                 {kCa, node.ca.has_value()}};
  for (const auto& [name, present] : needed) {
    if (!present) {
      return Unusable(data_dir, kCertificate,
                      absl::StrCat(name, ", which comes first, is missing"));
    }
  }
  if (std::string objection = Objection(*certificate, *node.node_key, *node.ca);
      !objection.empty()) {
    return Unusable(data_dir, kCertificate, std::move(objection));
  }
  absl::StatusOr<Identity> joined = Identity::FromPem(certificate->pem(), node.node_key->ToPem());
  if (!joined.ok()) {
    return Unusable(data_dir, kCertificate, std::string(joined.status().message()));
  }
  node.identity = *std::move(joined);
  return node;
}

absl::Status CompleteKeys(const std::string& data_dir, StoredNode& node) {
  if (absl::Status status = CompleteKey(data_dir, kNodeKey, node.node_key); !status.ok()) {
    return status;
  }
  if (absl::Status status = CompleteKey(data_dir, kJoinKey, node.join_key); !status.ok()) {
    return status;
  }
  if (node.unlock_key.has_value()) return absl::OkStatus();
  const std::string unlock_key = identity::RandomBytes(kUnlockKeySize);
  if (absl::Status status = WriteFileDurably(data_dir, kUnlockKey, unlock_key, kSecret);
      !status.ok()) {
    return status;
  }
  node.unlock_key = unlock_key;
  return absl::OkStatus();
}

absl::Status StoreCa(const std::string& data_dir, const ClusterCa& ca, StoredNode& node) {
  if (absl::Status status = WriteFileDurably(data_dir, kCa, ca.pem(), kPublic); !status.ok()) {
    return status;
  }
  node.ca = ca;
  return absl::OkStatus();
}

absl::Status StoreCertificate(const std::string& data_dir, const std::string& certificate_der,
                              StoredNode& node) {
  Error error;
  error.code = ErrorCode::kUntrusted;
  error.message = "the cluster issued a certificate that cannot be used";
  const absl::StatusOr<identity::Certificate> certificate =
      identity::Certificate::FromDer(certificate_der);
  error.cause = certificate.ok() ? Objection(*certificate, *node.node_key, *node.ca)
                                 : std::string(certificate.status().message());
  if (!error.cause.empty()) return MakeError(error);
  absl::StatusOr<Identity> joined = Identity::FromPem(certificate->pem(), node.node_key->ToPem());
  if (!joined.ok()) return joined.status();
  if (absl::Status status = WriteFileDurably(data_dir, kCertificate, certificate->pem(), kPublic);
      !status.ok()) {
    return status;
  }
  node.identity = *std::move(joined);
  return absl::OkStatus();
}

}  // namespace curator
