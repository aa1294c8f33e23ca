// Makes an expression of the text of a filter, and expands its macros.
#ifndef SERVER_FILTER_SYNTAX_PARSER_H_
#define SERVER_FILTER_SYNTAX_PARSER_H_

#include "absl/status/statusor.h"
#include "server/filter/syntax/ast.h"
#include "server/filter/syntax/source.h"

namespace curatord::filter {

// kInvalidArgument, with the column, for what is not CEL, is too long or too deep.
absl::StatusOr<ExprPtr> Parse(const Source& source);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_SYNTAX_PARSER_H_
