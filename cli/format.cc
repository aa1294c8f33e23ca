#include "cli/format.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

std::string ColumnNames(const Document& document) {
  return absl::StrJoin(document.columns, ", ", [](std::string* out, const Column& column) {
    absl::StrAppend(out, column.name);
  });
}

const Column* FindColumn(const Document& document, absl::string_view name) {
  for (const Column& column : document.columns) {
    if (absl::EqualsIgnoreCase(column.name, name)) return &column;
  }
  for (const Column& column : document.columns) {
    if (column.path == name) return &column;
  }
  return nullptr;
}

absl::Status SortRows(Document& document, absl::string_view sort, bool for_machines) {
  const bool descending = absl::ConsumePrefix(&sort, "-");
  const Column* column = FindColumn(document, sort);
  const std::string path = column != nullptr ? column->path : std::string(sort);
  Value::List* rows = &document.rows;
  for (auto& [name, value] : document.fields) {
    if ((rows->empty() || for_machines) && !document.items.empty() && name == document.items &&
        value.list() != nullptr) {
      rows = value.list();
    }
  }
  if (column == nullptr && !rows->empty() && rows->front().Find(path) == nullptr) {
    return Failure(ExitCode::kUsage, absl::StrCat("cannot sort by \"", sort, "\""), "",
                   {absl::StrCat("columns of this command: ", ColumnNames(document))});
  }
  // Rows without a value come last, whichever way the others are sorted.
  std::stable_sort(rows->begin(), rows->end(), [&](const Value& a, const Value& b) {
    const Value* left = a.Find(path);
    const Value* right = b.Find(path);
    const bool no_left = left == nullptr || left->is_null();
    const bool no_right = right == nullptr || right->is_null();
    if (no_left || no_right) return !no_left && no_right;
    if (left->number() != nullptr && right->number() != nullptr) {
      return descending ? *right->number() < *left->number() : *left->number() < *right->number();
    }
    const int order = left->Text().compare(right->Text());
    return descending ? order > 0 : order < 0;
  });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Column>> ChooseColumns(const Document& document,
                                                  const OutputFormat& output) {
  std::vector<Column> chosen;
  if (output.format == Format::kColumns) {
    for (const std::string& name : output.columns) {
      const Column* column = FindColumn(document, name);
      if (column == nullptr) {
        return Failure(ExitCode::kUsage, absl::StrCat("no column \"", name, "\""), "",
                       {absl::StrCat("columns of this command: ", ColumnNames(document))});
      }
      chosen.push_back(*column);
    }
    return chosen;
  }
  for (const Column& column : document.columns) {
    if (!column.wide || output.format == Format::kWide) chosen.push_back(column);
  }
  return chosen;
}

absl::StatusOr<std::string> FormatNames(const Document& document) {
  if (document.name.empty()) {
    return Failure(ExitCode::kUsage, "this command has no names to print", "",
                   {"use -o json or -o table"});
  }
  std::string out;
  if (document.changed.has_value()) {
    for (const std::string& name : *document.changed) absl::StrAppend(&out, name, "\n");
    return out;
  }
  const auto append = [&](const Value* name) {
    if (name != nullptr && !name->is_null()) absl::StrAppend(&out, name->Text(), "\n");
  };
  for (const Value& row : document.Rows()) append(row.Find(document.name));
  if (document.Rows().empty() && document.items.empty()) {
    append(Value(document.fields).Find(document.name));
  }
  return out;
}

// Each row as a document of its own.
std::vector<Value> Blocks(const Document& document) {
  std::vector<Value> blocks;
  for (const Value& row : document.Rows()) {
    Document single;
    single.kind = document.kind;
    if (row.object() != nullptr) single.fields = *row.object();
    blocks.push_back(Envelope(std::move(single)));
  }
  return blocks;
}

}  // namespace

absl::StatusOr<OutputFormat> ParseOutputFormat(absl::string_view text) {
  OutputFormat output;
  if (text == "table") return output;
  if (text == "wide") return OutputFormat{Format::kWide, {}};
  if (text == "json") return OutputFormat{Format::kJson, {}};
  if (text == "yaml") return OutputFormat{Format::kYaml, {}};
  if (text == "jsonl") return OutputFormat{Format::kJsonl, {}};
  if (text == "name") return OutputFormat{Format::kName, {}};
  if (absl::ConsumePrefix(&text, "columns=") && !text.empty()) {
    return OutputFormat{Format::kColumns, absl::StrSplit(text, ',', absl::SkipWhitespace())};
  }
  return Failure(ExitCode::kUsage, absl::StrCat("no output format \"", text, "\""), "",
                 {"formats: table, wide, json, yaml, jsonl, name, columns=A,B"});
}

bool IsMachine(Format format) {
  return format == Format::kJson || format == Format::kYaml || format == Format::kJsonl;
}

Value Envelope(Document document) {
  Value::Object out{{"apiVersion", kApiVersion}, {"kind", std::move(document.kind)}};
  out.insert(out.end(), std::make_move_iterator(document.fields.begin()),
             std::make_move_iterator(document.fields.end()));
  return out;
}

absl::StatusOr<std::string> Render(Document document, const FormatOptions& options) {
  if (document.layout == Layout::kText) return document.text;
  if (!options.sort.empty()) {
    const Format format = options.output.format;
    if (absl::Status status =
            SortRows(document, options.sort, IsMachine(format) || format == Format::kName);
        !status.ok()) {
      return status;
    }
  }
  const bool blocks = document.layout == Layout::kBlocks;
  std::string out;
  switch (options.output.format) {
    case Format::kJson:
      if (!blocks) {
        out = ToJson(Envelope(std::move(document)), true);
        out.push_back('\n');
        return out;
      }
      for (const Value& block : Blocks(document)) {
        absl::StrAppend(&out, ToJson(block, true), "\n");
      }
      return out;
    case Format::kYaml:
      if (!blocks) return ToYaml(Envelope(std::move(document)));
      for (const Value& block : Blocks(document)) {
        absl::StrAppend(&out, out.empty() ? "" : "---\n", ToYaml(block));
      }
      return out;
    case Format::kJsonl:
      if (blocks) {
        for (const Value& block : Blocks(document)) {
          absl::StrAppend(&out, ToJson(block, false), "\n");
        }
        return out;
      }
      if (document.items.empty())
        return absl::StrCat(ToJson(Envelope(std::move(document)), false), "\n");
      for (const Value& row : document.Rows()) absl::StrAppend(&out, ToJson(row, false), "\n");
      return out;
    case Format::kName:
      return FormatNames(document);
    case Format::kTable:
    case Format::kWide:
    case Format::kColumns:
      break;
  }
  absl::StatusOr<std::vector<Column>> columns = ChooseColumns(document, options.output);
  if (!columns.ok()) return columns.status();
  if (blocks && options.output.format != Format::kColumns) {
    return FormatBlocks(*columns, document.TableRows(), options.color);
  }
  const bool headers = options.headers && document.layout != Layout::kLines;
  return FormatTable(*columns, document.TableRows(), headers, options.color);
}

StreamRenderer::StreamRenderer(FormatOptions options) : options_(std::move(options)) {}

absl::StatusOr<std::string> StreamRenderer::Next(Document document) {
  if (!options_.sort.empty()) {
    return Failure(ExitCode::kUsage, "what is shown as it comes cannot be sorted", "",
                   {"leave out --sort"});
  }
  const bool first = std::exchange(first_, false);
  switch (options_.output.format) {
    case Format::kJson:
    case Format::kJsonl:
      return absl::StrCat(ToJson(Envelope(std::move(document)), false), "\n");
    case Format::kYaml:
      return absl::StrCat("---\n", ToYaml(Envelope(std::move(document))));
    case Format::kName:
      return FormatNames(document);
    case Format::kTable:
    case Format::kWide:
    case Format::kColumns:
      break;
  }
  absl::StatusOr<std::vector<Column>> columns = ChooseColumns(document, options_.output);
  if (!columns.ok()) return columns.status();
  return FormatTable(*columns, document.Rows(), options_.headers && first, options_.color,
                     &widths_);
}

std::string HumanMilliseconds(const Value& value) {
  if (value.number() == nullptr) return "-";
  const int64_t ms = *value.number();
  if (ms < 1000) return absl::StrCat(ms, "ms");
  if (ms < 10'000) return absl::StrFormat("%.1fs", static_cast<double>(ms) / 1000);
  if (ms < 120'000) return absl::StrCat(ms / 1000, "s");
  if (ms < 7'200'000) return absl::StrCat(ms / 60000, "m");
  if (ms < int64_t{48} * 3600 * 1000) return absl::StrCat(ms / 3600000, "h");
  return absl::StrCat(ms / (int64_t{24} * 3600 * 1000), "d");
}

}  // namespace curator::cli
