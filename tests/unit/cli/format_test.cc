#include "cli/format.h"

#include <string>

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/cli/json.h"

namespace curator::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Tone GoodIfUp(absl::string_view text) { return text == "UP" ? Tone::kGood : Tone::kPlain; }

Document Nodes() {
  Document document;
  document.kind = "NodeList";
  document.fields = {
      {"leader", "n1"},
      {"items",
       Value::List{
           Value::Object{{"id", "n1"},
                         {"state", "UP"},
                         {"roles", Value::List{"a", "b"}},
                         {"labels", Value::Object{{"on", "1e3"}}},
                         {"age_ms", 4200}},
           Value::Object{{"id", "n22"},
                         {"state", "NEW"},
                         {"roles", Value::List{}},
                         {"labels", Value::Object{}},
                         {"age_ms", Value()}},
       }},
  };
  document.items = "items";
  document.columns = {{"ID", "id"},
                      {"STATE", "state", false, {}, GoodIfUp},
                      {"AGE", "age_ms", false, HumanMilliseconds},
                      {"LABELS", "labels", true},
                      {"ROLES", "roles"}};
  document.name = "id";
  return document;
}

std::string RenderAs(const char* format, FormatOptions options = {}) {
  options.output = *ParseOutputFormat(format);
  absl::StatusOr<std::string> text = Render(Nodes(), options);
  return text.ok() ? *text : text.status().ToString();
}

TEST(Format, Table) {
  EXPECT_EQ(RenderAs("table"),
            "ID   STATE  AGE   ROLES\n"
            "n1   UP     4.2s  a,b\n"
            "n22  NEW    -     -\n");
}

TEST(Format, RowsOfTheirOwnAreForPeopleOnly) {
  Document document = Nodes();
  document.rows = {Value::Object{{"id", "n2"}, {"state", "b"}},
                   Value::Object{{"id", "n1"}, {"state", "a"}}};
  FormatOptions options;
  options.sort = "STATE";
  options.output = *ParseOutputFormat("columns=ID,STATE");
  EXPECT_EQ(*Render(document, options), "ID  STATE\nn1  a\nn2  b\n");
  options.output = *ParseOutputFormat("name");
  EXPECT_EQ(*Render(document, options), "n22\nn1\n");
  options.output = *ParseOutputFormat("jsonl");
  EXPECT_THAT(*Render(document, options), HasSubstr("\"age_ms\":4200"));
}

TEST(Format, WideAddsColumns) {
  EXPECT_EQ(RenderAs("wide"),
            "ID   STATE  AGE   LABELS  ROLES\n"
            "n1   UP     4.2s  on=1e3  a,b\n"
            "n22  NEW    -     -       -\n");
}

TEST(Format, WithoutHeadersWidthsAreThoseOfTheCells) {
  FormatOptions options;
  options.headers = false;
  EXPECT_EQ(RenderAs("columns=STATE,labels", options), "UP   on=1e3\nNEW  -\n");
}

TEST(Format, ColorDoesNotChangeWidths) {
  FormatOptions options;
  options.color = true;
  EXPECT_THAT(RenderAs("columns=STATE,ID", options), HasSubstr("\x1b[32mUP\x1b[0m     n1\n"));
  EXPECT_THAT(RenderAs("json", options), Not(HasSubstr("\x1b")));
}

std::vector<std::string> StreamAs(const char* format, FormatOptions options = {}) {
  options.output = *ParseOutputFormat(format);
  StreamRenderer renderer(options);
  std::vector<std::string> out;
  for (const char* id : {"n1", "n22"}) {
    Document document;
    document.kind = "NodeEvent";
    document.fields = {{"type", "ADDED"}};
    document.rows = {Value::Object{{"type", "ADDED"}, {"id", id}}};
    document.columns = {{"EVENT", "type", false, {}, nullptr, 7}, {"ID", "id"}};
    document.name = "id";
    const absl::StatusOr<std::string> text = renderer.Next(std::move(document));
    out.push_back(text.ok() ? *text : text.status().ToString());
  }
  return out;
}

TEST(Format, StreamHasOneHeaderAndSteadyColumns) {
  EXPECT_THAT(StreamAs("table"),
              testing::ElementsAre("EVENT    ID\nADDED    n1\n", "ADDED    n22\n"));
  EXPECT_THAT(StreamAs("name"), testing::ElementsAre("n1\n", "n22\n"));
  FormatOptions options;
  options.headers = false;
  EXPECT_EQ(StreamAs("columns=id", options).front(), "n1\n");
}

TEST(Format, StreamOfJsonIsALineEachAndOfYamlADocument) {
  const std::string line =
      "{\"apiVersion\":\"curatorctl/v1\",\"kind\":\"NodeEvent\",\"type\":\"ADDED\"}\n";
  EXPECT_THAT(StreamAs("json"), testing::ElementsAre(line, line));
  EXPECT_THAT(StreamAs("jsonl"), testing::ElementsAre(line, line));
  EXPECT_THAT(StreamAs("yaml").back(), testing::StartsWith("---\napiVersion: "));
}

TEST(Format, StreamCannotBeSorted) {
  FormatOptions options;
  options.sort = "id";
  EXPECT_THAT(StreamAs("table", options).front(), HasSubstr("cannot be sorted"));
}

TEST(Format, Json) {
  EXPECT_EQ(RenderAs("json"), R"({
  "apiVersion": "curatorctl/v1",
  "kind": "NodeList",
  "leader": "n1",
  "items": [
    {
      "id": "n1",
      "state": "UP",
      "roles": [
        "a",
        "b"
      ],
      "labels": {
        "on": "1e3"
      },
      "age_ms": 4200
    },
    {
      "id": "n22",
      "state": "NEW",
      "roles": [],
      "labels": {},
      "age_ms": null
    }
  ]
}
)");
}

TEST(Format, JsonLinesAreOneItemEach) {
  EXPECT_EQ(RenderAs("jsonl"),
            R"({"id":"n1","state":"UP","roles":["a","b"],"labels":{"on":"1e3"},"age_ms":4200})"
            "\n"
            R"({"id":"n22","state":"NEW","roles":[],"labels":{},"age_ms":null})"
            "\n");
}

TEST(Format, YamlReadsBackAsWritten) {
  EXPECT_EQ(RenderAs("yaml"), R"(apiVersion: "curatorctl/v1"
kind: "NodeList"
leader: "n1"
items:
  - id: "n1"
    state: "UP"
    roles:
      - "a"
      - "b"
    labels:
      "on": "1e3"
    age_ms: 4200
  - id: "n22"
    state: "NEW"
    roles: []
    labels: {}
    age_ms: ~
)");
}

TEST(Format, Name) { EXPECT_EQ(RenderAs("name"), "n1\nn22\n"); }

TEST(Format, SortsByColumnOrFieldWithUnknownLast) {
  FormatOptions options;
  options.headers = false;
  options.sort = "-ID";
  EXPECT_EQ(RenderAs("name", options), "n22\nn1\n");
  for (const char* sort : {"AGE", "-AGE", "age_ms"}) {
    options.sort = sort;
    EXPECT_EQ(RenderAs("name", options), "n1\nn22\n") << sort;
  }
}

TEST(Format, RefusesColumnsAndFieldsThereAreNot) {
  FormatOptions options;
  options.output = *ParseOutputFormat("columns=NONE");
  EXPECT_EQ(ExitCodeOf(Render(Nodes(), options).status()), ExitCode::kUsage);
  options.output = *ParseOutputFormat("table");
  options.sort = "none";
  EXPECT_EQ(ExitCodeOf(Render(Nodes(), options).status()), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(ParseOutputFormat("xml").status()), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(ParseOutputFormat("columns=").status()), ExitCode::kUsage);
}

TEST(Format, BlocksAreADocumentEach) {
  Document document = Nodes();
  document.kind = "Node";
  document.layout = Layout::kBlocks;
  FormatOptions options;
  EXPECT_EQ(*Render(document, options),
            "ID:     n1\nSTATE:  UP\nAGE:    4.2s\nROLES:  a,b\n"
            "\n"
            "ID:     n22\nSTATE:  NEW\nAGE:    -\nROLES:  -\n");
  options.output = *ParseOutputFormat("jsonl");
  EXPECT_THAT(*Render(document, options),
              HasSubstr(R"({"apiVersion":"curatorctl/v1","kind":"Node","id":"n22")"));
}

TEST(Format, CellsCannotForgeLinesOrMoveTheCursor) {
  Document document = Nodes();
  document.fields[1].second.list()->front().object()->front().second = Value("a\nb\x1b[2J");
  EXPECT_THAT(*Render(document, {}), HasSubstr("a?b?[2J"));
}

TEST(Format, JsonIsValidForAnyBytes) {
  for (int first = 0; first < 256; ++first) {
    for (const char* rest : {"", "\x80", "\xa0\x80", "\xbf\xbf\xbf", "x"}) {
      const std::string text = std::string(1, static_cast<char>(first)) + rest;
      google::protobuf::Struct json;
      EXPECT_TRUE(ParseJson(ToJson(Value::Object{{text, text}}, false), &json)) << first << rest;
    }
  }
}

TEST(Format, SpansForPeople) {
  EXPECT_EQ(HumanMilliseconds(Value(999)), "999ms");
  EXPECT_EQ(HumanMilliseconds(Value(4200)), "4.2s");
  EXPECT_EQ(HumanMilliseconds(Value(119000)), "119s");
  EXPECT_EQ(HumanMilliseconds(Value(180000)), "3m");
  EXPECT_EQ(HumanMilliseconds(Value(int64_t{3} * 3600000)), "3h");
  EXPECT_EQ(HumanMilliseconds(Value(int64_t{72} * 3600000)), "3d");
  EXPECT_EQ(HumanMilliseconds(Value()), "-");
}

}  // namespace
}  // namespace curator::cli
