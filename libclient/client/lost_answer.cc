#include "libclient/client/lost_answer.h"

#include "absl/strings/str_cat.h"
#include "curator/error.h"

namespace curator {

bool IsSettled(const net::CallTrace& sent, const net::CallTrace& read) {
  return sent.sent_term != 0 && read.leader.term > sent.sent_term;
}

absl::Status ReadBackFailed(const absl::Status& unknown, const absl::Status& why) {
  Error error = DescribeError(unknown);
  absl::StrAppend(&error.cause, "; reading it back failed: ", why.message());
  return MakeError(error);
}

absl::Status MayYetArrive(const absl::Status& unknown, absl::string_view as_it_is) {
  Error error = DescribeError(unknown);
  absl::StrAppend(&error.cause, "; ", as_it_is, ", but the request may yet arrive");
  return MakeError(error);
}

absl::Status NotInTime(const absl::Status& unknown, absl::string_view as_it_is) {
  Error error = DescribeError(unknown);
  error.code = ErrorCode::kTimeout;
  error.message = absl::StrCat("not done in time: ", as_it_is);
  error.hints = {"try again: this request cannot arrive any more"};
  return MakeError(error);
}

}  // namespace curator
