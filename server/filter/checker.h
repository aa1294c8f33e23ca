// Finds out the types of an expression and what its names mean.
#ifndef SERVER_FILTER_CHECKER_H_
#define SERVER_FILTER_CHECKER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "server/filter/syntax/ast.h"
#include "server/filter/syntax/source.h"
#include "server/filter/type.h"

namespace curatord::filter {

struct Checked {
  Type type;
  int slots = 0;  // how many variables of macros can be alive at once
};

// Completes `expr`, over a variable `variable` of the type of `message`.
// kInvalidArgument, with the column, for unknown names, fields and functions, and for
// operands of types that no overload takes. What is dyn is checked when evaluated.
absl::StatusOr<Checked> Check(const Source& source, const google::protobuf::Descriptor& message,
                              absl::string_view variable, Expr& expr);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_CHECKER_H_
