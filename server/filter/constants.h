// Does once what would else be done for each message.
#ifndef SERVER_FILTER_CONSTANTS_H_
#define SERVER_FILTER_CONSTANTS_H_

#include "absl/status/status.h"
#include "server/filter/syntax/ast.h"
#include "server/filter/syntax/source.h"
#include "server/filter/work.h"

namespace curatord::filter {

// Evaluates the calls, lists and maps of a checked expression that have only literals,
// and compiles the literal regular expressions: a bad one is kInvalidArgument. Where an
// evaluation fails, the failure is left to the message: && or || may absorb it there.
absl::Status FoldConstants(const Source& source, Expr& expr, Work& work);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_CONSTANTS_H_
