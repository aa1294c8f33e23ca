// What a command returns: a small typed tree, and how to show it to people. A
// command knows nothing of formats, a formatter nothing of commands.
#ifndef CLI_DOCUMENT_H_
#define CLI_DOCUMENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curator::cli {

// Of everything that curatorctl reads and writes for machines.
inline constexpr char kApiVersion[] = "curatorctl/v1";

// A JSON value whose objects keep the order of their fields. 64-bit values are
// strings by the contract of machine formats, so numbers are for *_ms and counts.
class Value {
 public:
  using List = std::vector<Value>;
  using Field = std::pair<std::string, Value>;
  using Object = std::vector<Field>;

  Value() : data_(nullptr) {}
  Value(std::nullptr_t) : data_(nullptr) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(int64_t{value}) {}
  Value(int64_t value) : data_(value) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(absl::string_view value) : data_(std::string(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}

  static Value Strings(const std::vector<std::string>& strings);

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const int64_t* number() const { return std::get_if<int64_t>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const List* list() const { return std::get_if<List>(&data_); }
  List* list() { return std::get_if<List>(&data_); }
  const Object* object() const { return std::get_if<Object>(&data_); }
  Object* object() { return std::get_if<Object>(&data_); }

  // The field at a dotted path ("ca.sha256"); nullptr if there is none.
  const Value* Find(absl::string_view path) const;

  // As one cell of a table: lists joined by commas, objects as k=v; null and
  // empty values are "".
  std::string Text() const;

 private:
  std::variant<std::nullptr_t, bool, int64_t, std::string, List, Object> data_;
};

// Null for a text that is not known.
inline Value OrNull(const std::string& text) { return text.empty() ? Value() : Value(text); }

enum class Tone { kPlain, kGood, kWarning, kBad };

struct Column {
  std::string name;   // header, "ADDRESS"
  std::string path;   // field of a row
  bool wide = false;  // only with -o wide or when asked for by name
  std::function<std::string(const Value&)> text =
      {};  // how people see the field; empty: Value::Text
  Tone (*tone)(absl::string_view text) = nullptr;
  size_t width = 0;  // at least; for rows that are shown before the next is known
};

// How people see a document. Machine formats do not depend on it, except that
// kBlocks writes each item as a document of its own.
enum class Layout {
  kTable,   // a header and one line per row
  kBlocks,  // "NAME: value" lines per row, a blank line between rows
  kLines,   // the first column of each row, without a header
  kText,    // `text`, in every format
};

struct Document {
  std::string kind;      // "NodeList"
  Value::Object fields;  // after apiVersion and kind
  std::string items;     // which field holds the rows; empty: `rows`, see below
  // Rows for people, where they are not those of `items`.
  Value::List rows;
  std::vector<Column> columns;
  Layout layout = Layout::kTable;
  std::string text;
  std::string name;  // path of what -o name prints, in a row or in the document
  // What -o name prints instead, of commands that change something: what they changed.
  absl::optional<std::vector<std::string>> changed;

  // Items, one by one: `items`, else `rows`.
  const Value::List& Rows() const;
  // What people see: `rows`, else `items`.
  const Value::List& TableRows() const;
};

// What came of a command that got as far as having something to show.
struct CommandResult {
  Document document;
  // Not OK: shown as an error after the document and decides the exit code
  // (some items failed, the condition is false).
  absl::Status status;
};

}  // namespace curator::cli

#endif  // CLI_DOCUMENT_H_
