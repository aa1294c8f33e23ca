// JSON (RFC 8259). Bytes that are not UTF-8 become U+FFFD: the output parses,
// whatever a server sent.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/format.h"

namespace curator::cli {
namespace {

constexpr size_t kManyItems = 1000;

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if none.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;   // overlong
    if (first == 0xed) high = 0x9f;  // surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;   // overlong
    if (first == 0xf4) high = 0x8f;  // beyond U+10FFFF
  } else {
    return 0;
  }
  if (text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool IsPlain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

void AppendString(std::string* out, absl::string_view text) {
  out->push_back('"');
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain])) ++plain;
    out->append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const size_t length = SequenceLength(text);
    const char c = text[0];
    if (length == 0) {
      out->append("\xef\xbf\xbd");
    } else if (length > 1) {
      out->append(text.data(), length);
    } else if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '\t') {
      out->append("\\t");
    } else if (c == '\r') {
      out->append("\\r");
    } else {
      absl::StrAppendFormat(out, "\\u%04x", static_cast<unsigned char>(c));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out->push_back('"');
}

void AppendNewline(std::string* out, bool pretty, int depth) {
  if (!pretty) return;
  out->push_back('\n');
  out->append(static_cast<size_t>(depth) * 2, ' ');
}

void AppendValue(std::string* out, const Value& value, bool pretty, int depth) {
  if (const bool* boolean = value.boolean()) {
    out->append(*boolean ? "true" : "false");
  } else if (const int64_t* number = value.number()) {
    absl::StrAppend(out, *number);
  } else if (const std::string* string = value.string()) {
    AppendString(out, *string);
  } else if (const Value::List* list = value.list()) {
    out->push_back('[');
    const size_t begin = out->size();
    bool first = true;
    for (const Value& item : *list) {
      if (!first) out->push_back(',');
      AppendNewline(out, pretty, depth + 1);
      AppendValue(out, item, pretty, depth + 1);
      if (first && list->size() >= kManyItems) {
        // They are much alike. Growing step by step would copy tens of megabytes.
        out->reserve(begin + (out->size() - begin) * (list->size() + list->size() / 4));
      }
      first = false;
    }
    if (!list->empty()) AppendNewline(out, pretty, depth);
    out->push_back(']');
  } else if (const Value::Object* object = value.object()) {
    out->push_back('{');
    bool first = true;
    for (const auto& [name, field] : *object) {
      if (!first) out->push_back(',');
      first = false;
      AppendNewline(out, pretty, depth + 1);
      AppendString(out, name);
      out->append(pretty ? ": " : ":");
      AppendValue(out, field, pretty, depth + 1);
    }
    if (!object->empty()) AppendNewline(out, pretty, depth);
    out->push_back('}');
  } else {
    out->append("null");
  }
}

}  // namespace

std::string ToJson(const Value& value, bool pretty) {
  std::string out;
  AppendValue(&out, value, pretty, 0);
  return out;
}

}  // namespace curator::cli
