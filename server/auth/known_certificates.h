// KnownCertificates: whom certificates name that were verified, so that signatures are
// checked once for a certificate and not once for a call (0.4 ms of CPU). What changes,
// the time and what the cluster says of a node, is looked at for each call all the same.
#ifndef SERVER_AUTH_KNOWN_CERTIFICATES_H_
#define SERVER_AUTH_KNOWN_CERTIFICATES_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "server/auth/caller.h"

namespace curatord {

// Bounded, thread-safe. What was not asked for lately is forgotten, so a flood of
// certificates costs others a verification now and then.
class KnownCertificates {
 public:
  struct Validity {
    absl::Time from = absl::InfinitePast();
    absl::Time until = absl::InfiniteFuture();
  };

  // None if it is not known, or not valid at `now`.
  absl::optional<Caller> Find(absl::string_view leaf_pem, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Remember(absl::string_view leaf_pem, const Caller& caller, const Validity& validity)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Known {
    Caller caller;
    Validity validity;
  };
  using Generation = absl::flat_hash_map<std::string, Known>;

  void Insert(std::string leaf_pem, Known known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  // Two generations: when the young one is full, it becomes the old one, whose rest is
  // forgotten. Who is found in the old one becomes young.
  Generation young_ ABSL_GUARDED_BY(mutex_);
  Generation old_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_AUTH_KNOWN_CERTIFICATES_H_
