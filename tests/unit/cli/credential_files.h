// A folder with owner-key.pem, owner.pem and ca.pem of a cluster of its own.
#ifndef TESTS_UNIT_CLI_CREDENTIAL_FILES_H_
#define TESTS_UNIT_CLI_CREDENTIAL_FILES_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "cli/files.h"
#include "curator/credentials.h"
#include "gtest/gtest.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"

namespace curator::cli {

class CredentialFiles {
 public:
  CredentialFiles()
      : ca_key_(identity::PrivateKey::Generate()),
        ca_(identity::IssueCaCertificate(ca_key_, "test cluster")) {
    char name[] = "/tmp/credential-files.XXXXXX";
    const char* made = mkdtemp(name);
    folder_ = made != nullptr ? made : "";
    EXPECT_FALSE(folder_.empty());
    const identity::PrivateKey key = identity::PrivateKey::Generate();
    Write("owner-key.pem", key.ToPem());
    Write("owner.pem",
          identity::IssueUserCertificate(ca_, ca_key_, key.public_key(), "owner").pem());
    Write("ca.pem", ca_.pem());
  }
  ~CredentialFiles() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  CredentialFiles(const CredentialFiles&) = delete;
  CredentialFiles& operator=(const CredentialFiles&) = delete;

  const std::string& folder() const { return folder_; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  ClusterCa ca() const { return *ClusterCa::FromDer(ca_.der()); }
  void Write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(WriteFileAtomically(path(name), text, 0600).ok());
  }

 private:
  const identity::PrivateKey ca_key_;
  const identity::Certificate ca_;
  std::string folder_;
};

}  // namespace curator::cli

#endif  // TESTS_UNIT_CLI_CREDENTIAL_FILES_H_
