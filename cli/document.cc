#include "cli/document.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace curator::cli {

Value Value::Strings(const std::vector<std::string>& strings) {
  List list;
  list.reserve(strings.size());
  for (const std::string& string : strings) list.emplace_back(string);
  return list;
}

const Value* Value::Find(absl::string_view path) const {
  const Object* fields = object();
  if (fields == nullptr) return nullptr;
  const size_t dot = path.find('.');
  const absl::string_view first = path.substr(0, dot);
  for (const auto& [name, value] : *fields) {
    if (name != first) continue;
    return dot == absl::string_view::npos ? &value : value.Find(path.substr(dot + 1));
  }
  return nullptr;
}

std::string Value::Text() const {
  if (const bool* value = boolean()) return *value ? "yes" : "no";
  if (const int64_t* value = number()) return absl::StrCat(*value);
  if (const std::string* value = string()) return *value;
  if (const List* value = list()) {
    return absl::StrJoin(*value, ",", [](std::string* out, const Value& item) {
      absl::StrAppend(out, item.Text());
    });
  }
  if (const Object* value = object()) {
    return absl::StrJoin(*value, ",", [](std::string* out, const Field& field) {
      absl::StrAppend(out, field.first, "=", field.second.Text());
    });
  }
  return "";
}

const Value::List& Document::Rows() const {
  if (items.empty()) return rows;
  for (const auto& [name, value] : fields) {
    if (name == items && value.list() != nullptr) return *value.list();
  }
  return rows;
}

const Value::List& Document::TableRows() const { return rows.empty() ? Rows() : rows; }

}  // namespace curator::cli
