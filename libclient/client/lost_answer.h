// What to conclude from reading the state back after the answer to a change was
// lost, and how to say so.
#ifndef LIBCLIENT_CLIENT_LOST_ANSWER_H_
#define LIBCLIENT_CLIENT_LOST_ANSWER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libclient/net/leader_call.h"

namespace curator {

// Of the time of a change, for reading back.
inline constexpr absl::Duration kMaxReadBackReserve = absl::Seconds(3);

// Whether what `read` saw is how the request of `sent` ended: a later leader
// answered, and what was sent to an earlier one cannot be written any more.
bool IsSettled(const net::CallTrace& sent, const net::CallTrace& read);

// `unknown` is the kUnknownOutcome of the call, `as_it_is` what was read:
// "the node is still NEW, not approved".
absl::Status ReadBackFailed(const absl::Status& unknown, const absl::Status& why);
// Not settled: still unknown.
absl::Status MayYetArrive(const absl::Status& unknown, absl::string_view as_it_is);
// Settled, but the time is over: kTimeout, nothing was changed.
absl::Status NotInTime(const absl::Status& unknown, absl::string_view as_it_is);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_LOST_ANSWER_H_
