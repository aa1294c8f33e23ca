// Formatters: a document becomes bytes for stdout. They never see an RPC and
// print nothing themselves.
#ifndef CLI_FORMAT_H_
#define CLI_FORMAT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/document.h"

namespace curator::cli {

enum class Format { kTable, kWide, kJson, kYaml, kJsonl, kName, kColumns };

struct OutputFormat {
  Format format = Format::kTable;
  std::vector<std::string> columns;  // kColumns
};

// "table", "columns=ID,STATE". Fails with exit code kUsage.
absl::StatusOr<OutputFormat> ParseOutputFormat(absl::string_view text);

// Formats for programs: errors are JSON as well, nothing else is written.
bool IsMachine(Format format);

struct FormatOptions {
  OutputFormat output;
  bool headers = true;
  bool color = false;
  std::string sort;  // "", "FIELD" or "-FIELD": a column's name or a field's path
};

// Fails with exit code kUsage for a column, a sort field or a name that the
// document does not have.
absl::StatusOr<std::string> Render(Document document, const FormatOptions& options);

// Documents that come one after another and are shown as they come: in tables
// one header above all, in JSON one line each, in YAML a stream of documents.
class StreamRenderer {
 public:
  explicit StreamRenderer(FormatOptions options);

  // Fails as Render does, and with exit code kUsage for --sort.
  absl::StatusOr<std::string> Next(Document document);

 private:
  const FormatOptions options_;
  bool first_ = true;
  std::vector<size_t> widths_;  // of the columns so far
};

// The document as machine formats show it: apiVersion, kind, fields.
Value Envelope(Document document);

std::string ToJson(const Value& value, bool pretty);
std::string ToYaml(const Value& value);
// Columns are at least as wide as `widths` says, where it is given, and it is
// told how wide they became.
std::string FormatTable(const std::vector<Column>& columns, const Value::List& rows, bool headers,
                        bool color, std::vector<size_t>* widths = nullptr);
std::string FormatBlocks(const std::vector<Column>& columns, const Value::List& rows, bool color);

// "4.2s", "3m", "2h", "5d"; "-" for null. Rounded for people.
std::string HumanMilliseconds(const Value& value);

}  // namespace curator::cli

#endif  // CLI_FORMAT_H_
