// has(), all(), exists(), exists_one(), filter() and map(): calls that are not
// functions, since their arguments are looked at and not evaluated first.
#ifndef SERVER_FILTER_SYNTAX_MACROS_H_
#define SERVER_FILTER_SYNTAX_MACROS_H_

#include "absl/status/statusor.h"
#include "server/filter/syntax/ast.h"
#include "server/filter/syntax/source.h"

namespace curatord::filter {

// Returns the macro that a call stands for, or the call itself.
absl::StatusOr<ExprPtr> ExpandMacro(const Source& source, ExprPtr call);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_SYNTAX_MACROS_H_
