// Cuts a filter into tokens.
#ifndef SERVER_FILTER_SYNTAX_LEXER_H_
#define SERVER_FILTER_SYNTAX_LEXER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/filter/syntax/source.h"

namespace curatord::filter {

enum class TokenKind : uint8_t {
  kEnd,
  kIdentifier,        // also keywords and reserved words
  kQuotedIdentifier,  // `in backticks`: a field name
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDot,
  kComma,
  kColon,
  kQuestion,
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kNot,
  kAnd,
  kOr,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t offset = 0;
  absl::string_view text;  // as written, with quotes and prefixes
};

class Lexer {
 public:
  // `source` must outlive the lexer and its tokens, and be well-formed UTF-8.
  explicit Lexer(const Source& source) : source_(source), text_(source.text()) {}

  // Past the last one: kEnd, for ever.
  absl::StatusOr<Token> Next();

 private:
  void SkipSpaceAndComments();
  Token Take(TokenKind kind, size_t length);
  Token Number();
  absl::StatusOr<Token> QuotedIdentifier();
  // `prefix` characters of [rRbB] stand before the quote.
  absl::StatusOr<Token> Text(TokenKind kind, size_t prefix);
  absl::StatusOr<Token> Punctuation();

  const Source& source_;
  const absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_SYNTAX_LEXER_H_
