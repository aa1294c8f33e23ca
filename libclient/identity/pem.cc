#include "libclient/identity/pem.h"

#include <openssl/pem.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libclient/identity/openssl.h"

namespace curator::identity {

std::vector<PemBlock> ReadPem(absl::string_view text) {
  ErrorQueueScope errors;
  std::vector<PemBlock> blocks;
  const BioPtr bio = ReadingBio(text);
  if (bio == nullptr) return blocks;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) return blocks;
    PemBlock block;
    block.type = name;
    block.data.assign(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    blocks.push_back(std::move(block));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<size_t>(size));
  }
}

std::string WritePem(const std::string& type, absl::string_view data) {
  ErrorQueueScope errors;
  const BioPtr bio = WritingBio();
  if (bio == nullptr || PEM_write_bio(bio.get(), type.c_str(), "", Bytes(data),
                                      static_cast<long>(data.size())) <= 0) {
    OutOfResources("writing PEM");
  }
  return Written(bio.get());
}

std::string DescribeBlocks(const std::vector<PemBlock>& blocks) {
  if (blocks.empty()) return "no PEM block";
  return absl::StrJoin(blocks, " and ", [](std::string* out, const PemBlock& block) {
    absl::StrAppend(out, "a ", block.type);
  });
}

}  // namespace curator::identity
