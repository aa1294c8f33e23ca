// What number, string and bytes literals mean.
#ifndef SERVER_FILTER_SYNTAX_LITERAL_H_
#define SERVER_FILTER_SYNTAX_LITERAL_H_

#include "absl/status/statusor.h"
#include "server/filter/syntax/lexer.h"
#include "server/filter/syntax/source.h"
#include "server/filter/value.h"

namespace curatord::filter {

// A minus is part of an int or double literal: the least int has no positive
// counterpart. Errors name the column.
absl::StatusOr<Value> NumberLiteral(const Source& source, const Token& token, bool negative);

// Strings and bytes, raw or with escapes, in single or triple quotes.
absl::StatusOr<Value> TextLiteral(const Source& source, const Token& token);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_SYNTAX_LITERAL_H_
