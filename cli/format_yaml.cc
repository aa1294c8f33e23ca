// YAML of the same tree as JSON. Strings are quoted, so that "on", "1e3" and
// "null" read back as the strings they are.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/format.h"

namespace curator::cli {
namespace {

// Our own field names are plain words; label keys may be anything, such as "on".
bool IsPlainKey(absl::string_view key) {
  static constexpr absl::string_view kWordsOfYaml[] = {"y",   "n",    "yes",   "no",   "on",
                                                       "off", "true", "false", "null", "nan"};
  if (key.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(key.front()))) return false;
  for (const char c : key) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return std::none_of(std::begin(kWordsOfYaml), std::end(kWordsOfYaml),
                      [key](absl::string_view word) { return absl::EqualsIgnoreCase(key, word); });
}

void Emit(YAML::Emitter& out, const Value& value) {
  if (const bool* boolean = value.boolean()) {
    out << *boolean;
  } else if (const int64_t* number = value.number()) {
    out << *number;
  } else if (const std::string* string = value.string()) {
    out << YAML::DoubleQuoted << *string;
  } else if (const Value::List* list = value.list()) {
    if (list->empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Value& item : *list) Emit(out, item);
    out << YAML::EndSeq;
  } else if (const Value::Object* object = value.object()) {
    if (object->empty()) out << YAML::Flow;
    out << YAML::BeginMap;
    for (const auto& [name, field] : *object) {
      out << YAML::Key;
      if (!IsPlainKey(name)) out << YAML::DoubleQuoted;
      out << name << YAML::Value;
      Emit(out, field);
    }
    out << YAML::EndMap;
  } else {
    out << YAML::Null;
  }
}

}  // namespace

std::string ToYaml(const Value& value) {
  YAML::Emitter out;
  Emit(out, value);
  return absl::StrCat(absl::string_view(out.c_str(), out.size()), "\n");
}

}  // namespace curator::cli
