// Ownership of OpenSSL's objects, and its error queue.
#ifndef LIBCLIENT_IDENTITY_OPENSSL_H_
#define LIBCLIENT_IDENTITY_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace curator::identity {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using EvpDigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;

// Restores the thread's error queue. What a failed call leaves there would make
// the next SSL_get_error on this thread, gRPC's included, report a broken
// connection: every function here that may fail holds one.
class ErrorQueueScope {
 public:
  ErrorQueueScope() { ERR_set_mark(); }
  ~ErrorQueueScope() { ERR_pop_to_mark(); }
  ErrorQueueScope(const ErrorQueueScope&) = delete;
  ErrorQueueScope& operator=(const ErrorQueueScope&) = delete;
};

// Reads from `text`, which must outlive it.
inline BioPtr ReadingBio(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

inline BioPtr WritingBio() { return BioPtr(BIO_new(BIO_s_mem())); }

inline std::string Written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

inline const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// "Ed25519", "RSA-2048", "ECDSA prime256v1": for messages.
std::string DescribeKeyType(const EVP_PKEY* key);

// The raw public half; empty if the key is not Ed25519.
std::string RawEd25519PublicKey(const EVP_PKEY* key);

// Null unless 32 bytes are given.
EvpKeyPtr Ed25519PublicKey(absl::string_view raw);

// Out of memory or without randomness: nothing that a caller could do anything
// about, nor anything that input could cause. Does not return.
[[noreturn]] void OutOfResources(const char* doing);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_OPENSSL_H_
