#include "server/filter/syntax/literal.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/filter/utf8.h"

namespace curatord::filter {
namespace {

constexpr uint64_t kLeastIntMagnitude = uint64_t{1} << 63;

absl::Status OutOfRange(const Source& source, const Token& token, absl::string_view type) {
  return source.Error(token.offset, absl::StrCat("the number does not fit into ", type));
}

absl::StatusOr<Value> IntLiteral(const Source& source, const Token& token, uint64_t magnitude,
                                 bool negative) {
  if (magnitude > kLeastIntMagnitude || (magnitude == kLeastIntMagnitude && !negative)) {
    return OutOfRange(source, token, "int");
  }
  return Value::Int(static_cast<int64_t>(negative ? uint64_t{0} - magnitude : magnitude));
}

// The escapes of one literal.
class Unescaper {
 public:
  Unescaper(const Source& source, size_t offset, absl::string_view text, bool is_bytes)
      : source_(source), offset_(offset), text_(text), is_bytes_(is_bytes) {}

  absl::StatusOr<std::string> Run() {
    while (at_ < text_.size()) {
      if (text_[at_] != '\\') {
        result_.push_back(text_[at_++]);
        continue;
      }
      if (absl::Status escape = Escape(); !escape.ok()) return escape;
    }
    return std::move(result_);
  }

 private:
  absl::Status Escape() {
    const size_t start = at_;
    ++at_;  // the lexer saw a character after the backslash
    const char kind = text_[at_++];
    switch (kind) {
      case 'a':
        return Byte('\a');
      case 'b':
        return Byte('\b');
      case 'f':
        return Byte('\f');
      case 'n':
        return Byte('\n');
      case 'r':
        return Byte('\r');
      case 't':
        return Byte('\t');
      case 'v':
        return Byte('\v');
      case '\\':
      case '?':
      case '"':
      case '\'':
      case '`':
        return Byte(kind);
      case 'x':
      case 'X':
        return Number(start, 16, 2);
      case 'u':
      case 'U':
        if (is_bytes_) return Error(start, "bytes have no \\u escapes");
        return Number(start, 16, kind == 'u' ? 4 : 8);
      case '0':
      case '1':
      case '2':
      case '3':
        --at_;
        return Number(start, 8, 3);
      default:
        return Error(start, "there is no such escape");
    }
  }

  // `digits` digits, of a byte in bytes and of a code point in a string.
  absl::Status Number(size_t start, uint32_t base, size_t digits) {
    uint32_t number = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const auto c = static_cast<unsigned char>(at_ < text_.size() ? text_[at_] : '\0');
      const bool is_digit = base == 16 ? absl::ascii_isxdigit(c) : c >= '0' && c <= '7';
      if (!is_digit) {
        return Error(start, absl::StrCat("the escape needs ", digits, " digits"));
      }
      number = number * base + static_cast<uint32_t>(absl::ascii_isdigit(c)
                                                         ? c - '0'
                                                         : absl::ascii_tolower(c) - 'a' + 10);
    }
    if (is_bytes_) return Byte(static_cast<char>(number));
    if (!IsCodePoint(number)) return Error(start, "the escape is no Unicode code point");
    AppendCodePoint(number, result_);
    return absl::OkStatus();
  }

  absl::Status Byte(char byte) {
    result_.push_back(byte);
    return absl::OkStatus();
  }

  absl::Status Error(size_t at, absl::string_view message) const {
    return source_.Error(offset_ + at, message);
  }

  const Source& source_;
  const size_t offset_;  // of text_ in the source
  const absl::string_view text_;
  const bool is_bytes_;
  size_t at_ = 0;
  std::string result_;
};

}  // namespace

absl::StatusOr<Value> NumberLiteral(const Source& source, const Token& token, bool negative) {
  if (token.kind == TokenKind::kDouble) {
    double number = 0;
    if (!absl::SimpleAtod(token.text, &number) || std::isinf(number)) {
      return OutOfRange(source, token, "double");
    }
    return Value::Double(negative ? -number : number);
  }
  absl::string_view digits = token.text;
  if (token.kind == TokenKind::kUint) digits.remove_suffix(1);
  uint64_t magnitude = 0;
  const bool hex = absl::StartsWithIgnoreCase(digits, "0x");
  const bool fits =
      hex ? absl::SimpleHexAtoi(digits, &magnitude) : absl::SimpleAtoi(digits, &magnitude);
  if (token.kind == TokenKind::kUint) {
    if (!fits) return OutOfRange(source, token, "uint");
    return Value::Uint(magnitude);
  }
  if (!fits) return OutOfRange(source, token, "int");
  return IntLiteral(source, token, magnitude, negative);
}

absl::StatusOr<Value> TextLiteral(const Source& source, const Token& token) {
  const size_t prefix = token.text.find_first_of("\"'");
  const absl::string_view letters = token.text.substr(0, prefix);
  const bool is_bytes = token.kind == TokenKind::kBytes;
  const bool raw = absl::StrContains(letters, 'r') || absl::StrContains(letters, 'R');
  const absl::string_view quoted = token.text.substr(prefix);
  const bool triple = quoted.size() >= 6 && quoted[1] == quoted[0] && quoted[2] == quoted[0];
  const size_t quotes = triple ? 3 : 1;
  const absl::string_view inside = quoted.substr(quotes, quoted.size() - 2 * quotes);
  std::string text(inside);
  if (!raw) {
    absl::StatusOr<std::string> unescaped =
        Unescaper(source, token.offset + prefix + quotes, inside, is_bytes).Run();
    if (!unescaped.ok()) return unescaped.status();
    text = *std::move(unescaped);
  }
  return is_bytes ? Value::Bytes(std::move(text)) : Value::String(std::move(text));
}

}  // namespace curatord::filter
