// Tables and blocks for people: columns as wide as their widest cell, two
// spaces between them, no trailing blanks, "-" for what is not known.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/format.h"

namespace curator::cli {
namespace {

// Characters as a terminal counts them, near enough: UTF-8 continuation bytes
// take no place.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// What a server sends must not be able to move the cursor or forge a line.
std::string Printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

std::string Cell(const Column& column, const Value& row) {
  const Value* field = row.Find(column.path);
  std::string text;
  if (column.text) {
    text = column.text(field != nullptr ? *field : Value());
  } else if (field != nullptr) {
    text = field->Text();
  }
  return text.empty() ? "-" : Printable(std::move(text));
}

void AppendTinted(std::string* out, const Column& column, absl::string_view text, bool color) {
  const Tone tone = color && column.tone != nullptr ? column.tone(text) : Tone::kPlain;
  switch (tone) {
    case Tone::kPlain:
      absl::StrAppend(out, text);
      return;
    case Tone::kGood:
      absl::StrAppend(out, "\x1b[32m", text, "\x1b[0m");
      return;
    case Tone::kWarning:
      absl::StrAppend(out, "\x1b[33m", text, "\x1b[0m");
      return;
    case Tone::kBad:
      absl::StrAppend(out, "\x1b[31m", text, "\x1b[0m");
      return;
  }
}

}  // namespace

std::string FormatTable(const std::vector<Column>& columns, const Value::List& rows, bool headers,
                        bool color, std::vector<size_t>* known_widths) {
  std::vector<std::vector<std::string>> cells;
  cells.reserve(rows.size());
  std::vector<size_t> own_widths;
  std::vector<size_t>& widths = known_widths != nullptr ? *known_widths : own_widths;
  widths.resize(columns.size(), 0);
  for (size_t i = 0; i < columns.size(); ++i) {
    widths[i] = std::max({widths[i], columns[i].width, headers ? Width(columns[i].name) : 0});
  }
  for (const Value& row : rows) {
    std::vector<std::string>& line = cells.emplace_back();
    line.reserve(columns.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      line.push_back(Cell(columns[i], row));
      widths[i] = std::max(widths[i], Width(line.back()));
    }
  }
  std::string out;
  const auto pad = [&](size_t column, absl::string_view text) {
    if (column + 1 < columns.size()) out.append(widths[column] - Width(text) + 2, ' ');
  };
  if (headers) {
    for (size_t i = 0; i < columns.size(); ++i) {
      absl::StrAppend(&out, columns[i].name);
      pad(i, columns[i].name);
    }
    out.push_back('\n');
  }
  for (const std::vector<std::string>& line : cells) {
    for (size_t i = 0; i < columns.size(); ++i) {
      AppendTinted(&out, columns[i], line[i], color);
      pad(i, line[i]);
    }
    out.push_back('\n');
  }
  return out;
}

std::string FormatBlocks(const std::vector<Column>& columns, const Value::List& rows, bool color) {
  size_t width = 0;
  for (const Column& column : columns) width = std::max(width, Width(column.name));
  std::string out;
  for (const Value& row : rows) {
    if (!out.empty()) out.push_back('\n');
    for (const Column& column : columns) {
      absl::StrAppend(&out, column.name, ":");
      out.append(width - Width(column.name) + 2, ' ');
      AppendTinted(&out, column, Cell(column, row), color);
      out.push_back('\n');
    }
  }
  return out;
}

}  // namespace curator::cli
