#include "server/filter/syntax/lexer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace curatord::filter {
namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsHexDigit(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }
bool StartsIdentifier(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool ContinuesIdentifier(char c) { return StartsIdentifier(c) || IsDigit(c); }

// The length of the prefix of `text` whose characters all satisfy `predicate`.
template <typename Predicate>
size_t Span(absl::string_view text, Predicate predicate) {
  size_t length = 0;
  while (length < text.size() && predicate(text[length])) ++length;
  return length;
}

// What stands before the quote of a string or bytes literal at the start of `text`.
struct TextPrefix {
  bool found = false;
  TokenKind kind = TokenKind::kString;
  size_t length = 0;
};

TextPrefix FindTextPrefix(absl::string_view text) {
  TextPrefix prefix;
  const auto at = [text](size_t i) { return i < text.size() ? text[i] : '\0'; };
  if (at(0) == 'b' || at(0) == 'B') prefix = {false, TokenKind::kBytes, 1};
  if (at(prefix.length) == 'r' || at(prefix.length) == 'R') ++prefix.length;
  prefix.found = at(prefix.length) == '"' || at(prefix.length) == '\'';
  return prefix;
}

}  // namespace

absl::StatusOr<Token> Lexer::Next() {
  SkipSpaceAndComments();
  const absl::string_view rest = text_.substr(at_);
  if (rest.empty()) return Take(TokenKind::kEnd, 0);
  if (const TextPrefix prefix = FindTextPrefix(rest); prefix.found) {
    return Text(prefix.kind, prefix.length);
  }
  if (StartsIdentifier(rest[0])) {
    return Take(TokenKind::kIdentifier, Span(rest, ContinuesIdentifier));
  }
  if (IsDigit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && IsDigit(rest[1]))) return Number();
  if (rest[0] == '`') return QuotedIdentifier();
  return Punctuation();
}

void Lexer::SkipSpaceAndComments() {
  while (at_ < text_.size()) {
    if (absl::StrContains(" \t\n\r\f", text_[at_])) {
      ++at_;
    } else if (absl::StartsWith(text_.substr(at_), "//")) {
      at_ += Span(text_.substr(at_), [](char c) { return c != '\n'; });
    } else {
      return;
    }
  }
}

Token Lexer::Take(TokenKind kind, size_t length) {
  const Token token{kind, at_, text_.substr(at_, length)};
  at_ += length;
  return token;
}

Token Lexer::Number() {
  const absl::string_view rest = text_.substr(at_);
  const auto at = [rest](size_t i) { return i < rest.size() ? rest[i] : '\0'; };
  const auto with_suffix = [&](size_t length) {
    return at(length) == 'u' || at(length) == 'U' ? Take(TokenKind::kUint, length + 1)
                                                  : Take(TokenKind::kInt, length);
  };
  if (at(0) == '0' && (at(1) == 'x' || at(1) == 'X') && IsHexDigit(at(2))) {
    return with_suffix(2 + Span(rest.substr(2), IsHexDigit));
  }
  size_t length = Span(rest, IsDigit);
  bool is_double = false;
  if (at(length) == '.' && IsDigit(at(length + 1))) {
    is_double = true;
    length += 1 + Span(rest.substr(length + 1), IsDigit);
  }
  if (at(length) == 'e' || at(length) == 'E') {
    const size_t sign = at(length + 1) == '+' || at(length + 1) == '-' ? 1 : 0;
    if (IsDigit(at(length + 1 + sign))) {
      is_double = true;
      length += 1 + sign + Span(rest.substr(length + 1 + sign), IsDigit);
    }
  }
  return is_double ? Take(TokenKind::kDouble, length) : with_suffix(length);
}

absl::StatusOr<Token> Lexer::QuotedIdentifier() {
  const absl::string_view inside = text_.substr(at_ + 1);
  const size_t length =
      Span(inside, [](char c) { return ContinuesIdentifier(c) || absl::StrContains(".-/ ", c); });
  if (length == 0 || length == inside.size() || inside[length] != '`') {
    return source_.Error(at_, "a quoted name has letters, digits, _ . - / and spaces between `");
  }
  return Take(TokenKind::kQuotedIdentifier, length + 2);
}

absl::StatusOr<Token> Lexer::Text(TokenKind kind, size_t prefix) {
  const absl::string_view rest = text_.substr(at_);
  const bool raw =
      prefix > 0 && absl::ascii_tolower(static_cast<unsigned char>(rest[prefix - 1])) == 'r';
  const char quote = rest[prefix];
  const bool triple =
      rest.size() >= prefix + 3 && rest[prefix + 1] == quote && rest[prefix + 2] == quote;
  const absl::string_view closing = rest.substr(prefix, triple ? 3 : 1);
  size_t end = prefix + closing.size();
  while (end < rest.size() && !absl::StartsWith(rest.substr(end), closing)) {
    if (!triple && (rest[end] == '\n' || rest[end] == '\r')) break;
    // An escaped quote does not close. What escapes there are is literal.h's matter.
    if (rest[end] == '\\' && !raw) ++end;
    ++end;
  }
  if (end >= rest.size() || !absl::StartsWith(rest.substr(end), closing)) {
    return source_.Error(at_, "the literal that starts here does not end");
  }
  return Take(kind, end + closing.size());
}

absl::StatusOr<Token> Lexer::Punctuation() {
  constexpr struct {
    absl::string_view text;
    TokenKind kind;
  } kPunctuation[] = {
      {"&&", TokenKind::kAnd},         {"||", TokenKind::kOr},
      {"==", TokenKind::kEqual},       {"!=", TokenKind::kNotEqual},
      {"<=", TokenKind::kLessEqual},   {">=", TokenKind::kGreaterEqual},
      {"<", TokenKind::kLess},         {">", TokenKind::kGreater},
      {"!", TokenKind::kNot},          {".", TokenKind::kDot},
      {",", TokenKind::kComma},        {":", TokenKind::kColon},
      {"?", TokenKind::kQuestion},     {"(", TokenKind::kLeftParen},
      {")", TokenKind::kRightParen},   {"[", TokenKind::kLeftBracket},
      {"]", TokenKind::kRightBracket}, {"{", TokenKind::kLeftBrace},
      {"}", TokenKind::kRightBrace},   {"+", TokenKind::kPlus},
      {"-", TokenKind::kMinus},        {"*", TokenKind::kStar},
      {"/", TokenKind::kSlash},        {"%", TokenKind::kPercent},
  };
  const absl::string_view rest = text_.substr(at_);
  for (const auto& [text, kind] : kPunctuation) {
    if (absl::StartsWith(rest, text)) return Take(kind, text.size());
  }
  constexpr struct {
    char written;
    absl::string_view meant;
  } kMistakes[] = {{'=', "=="}, {'&', "&&"}, {'|', "||"}};
  for (const auto& [written, meant] : kMistakes) {
    if (rest[0] == written) {
      return source_.Error(at_, absl::StrCat("there is no operator ", rest.substr(0, 1),
                                             ", perhaps ", meant, " is meant"));
    }
  }
  return source_.Error(at_, absl::ascii_isprint(static_cast<unsigned char>(rest[0]))
                                ? absl::StrCat("unexpected character ", rest.substr(0, 1))
                                : "unexpected character");
}

}  // namespace curatord::filter
