#include "tests/unit/filter/filter_fixture.h"

namespace curatord::filter {
namespace {

TEST(FilterLiterals, NumbersInAllForms) {
  for (const char* text : {
           "0 == -0 && 007 == 7 && 0x1F == 31 && 0XaB == 171 && -0x10 == -16",
           "9223372036854775807 > 0 && 0x7fffffffffffffff == 9223372036854775807",
           "-9223372036854775808 == -0x8000000000000000",
           "18446744073709551615u == 0xFFFFFFFFFFFFFFFFU && 1u == 1U",
           "1.5 == 15e-1 && 1e2 == 1.0E+2 && .5e1 == 5.0 && 1e-400 == 0.0",
           "type(1) == int && type(1u) == uint && type(1.0) == double && type(1e0) == double",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterLiterals, StringsInAllForms) {
  const struct {
    const char* literal;
    const char* bytes;  // as a bytes literal with escapes
  } cases[] = {
      {"'a\"b'", "b'a\\x22b'"},
      {"\"a'b\"", "b'a\\x27b'"},
      {"'''a'b''c\nd'''", "b'a\\x27b\\x27\\x27c\\x0ad'"},
      {"\"\"\"a\"b\"\"c\"\"\"", "b'a\\x22b\\x22\\x22c'"},
      {"''", "b''"},
      {"''''''", "b''"},
      {"'\\a\\b\\f\\n\\r\\t\\v'", "b'\\x07\\x08\\x0c\\x0a\\x0d\\x09\\x0b'"},
      {"'\\\\\\?\\\"\\'\\`'", "b'\\x5c\\x3f\\x22\\x27\\x60'"},
      {"'\\x41\\X42\\103'", "b'ABC'"},
      {"'\\u00e4\\U0001F431'", "b'\\xc3\\xa4\\xf0\\x9f\\x90\\xb1'"},
      {"'\\xe4\\344'", "b'\\xc3\\xa4\\xc3\\xa4'"},
      {"'\u00e4'", "b'\u00e4'"},
      {"r'\\n\\x41'", "b'\\x5cn\\x5cx41'"},
      {"R\"\\\"", "b'\\x5c'"},
      {"r'''\\'a'''", "b'\\x5c\\x27a'"},
      {"string(br'\\xff')", "b'\\x5cxff'"},
      {"string(B'a')", "b'a'"},
      {"'// no comment'", "b'\\x2f/ no comment'"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Outcome(std::string("bytes(") + c.literal + ") == " + c.bytes), "true") << c.literal;
  }
}

TEST(FilterLiterals, AreRejectedWithTheColumn) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"1 == 9223372036854775808", "column 6: the number does not fit into int"},
      {"-9223372036854775809 == 1", "column 2: the number does not fit into int"},
      {"18446744073709551616u == 1u", "column 1: the number does not fit into uint"},
      {"1e999 == 1.0", "column 1: the number does not fit into double"},
      {"0x10000000000000000 == 1", "column 1: the number does not fit into int"},
      {"'abc", "column 1: the literal that starts here does not end"},
      {"node.id == 'abc\n'", "line 1, column 12: the literal that starts here does not end"},
      {"'''a''", "column 1: the literal that starts here does not end"},
      {"'\\", "column 1: the literal that starts here does not end"},
      {"'\\'", "column 1: the literal that starts here does not end"},
      {"'a\\q' == ''", "column 3: there is no such escape"},
      {"'\\x4' == ''", "column 2: the escape needs 2 digits"},
      {"'\\u12' == ''", "column 2: the escape needs 4 digits"},
      {"'\\08' == ''", "column 2: the escape needs 3 digits"},
      {"'\\400' == ''", "column 2: there is no such escape"},
      {"'\\uD800' == ''", "column 2: the escape is no Unicode code point"},
      {"'\\U00110000' == ''", "column 2: the escape is no Unicode code point"},
      {"b'\\u0041' == b''", "column 3: bytes have no \\u escapes"},
      {"'\xff' == ''", "column 2: the filter is not valid UTF-8"},
      {"'\xed\xa0\x80' == ''", "column 2: the filter is not valid UTF-8"},
      {"'\xc0\x80' == ''", "column 2: the filter is not valid UTF-8"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Outcome(c.text), std::string("compile: ") + c.error) << c.text;
  }
}

TEST(FilterSyntax, IsThatOfCel) {
  for (const char* text : {
           "[1, 2,] == [1, 2] && {'a': 1,} == {'a': 1}",
           "// first\ntrue // last",
           "\t\n\r\f true",
           "{'for': 1}.for == 1 && {'a-b': 1}.`a-b` == 1",
           "[[1], []].all(x, x == [1] || x == [])",
           "{1: 'a', 1u + 1u: 'b', true: 'c', 'd': 'd'}['d'] == 'd'",
           "node.labels.pairs.exists(in_, in_.key == 'rack')",
           "common.NodeRoles{kubernetes_worker: common.NodeRoles.KubernetesWorker{}} != node.roles",
           "has(metropolis.proto.common.NodeStatus{external_address: 'x'}.external_address)",
           "google.protobuf.Duration{seconds: 5} == duration('5s')",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterSyntax, ErrorsNameTheColumn) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "column 1: expected an operand, found the end"},
      {"  ", "column 3: expected an operand, found the end"},
      {"1 +", "column 4: expected an operand, found the end"},
      {"node.id = 'a'", "column 9: there is no operator =, perhaps == is meant"},
      {"true & true", "column 6: there is no operator &, perhaps && is meant"},
      {"true | true", "column 6: there is no operator |, perhaps || is meant"},
      {"true true", "column 6: expected an operator or the end, found true"},
      {"(true", "column 6: expected \")\", found the end"},
      {"[true", "column 6: expected \",\" or \"]\", found the end"},
      {"{1: 2", "column 6: expected \",\" or \"}\", found the end"},
      {"{1}", "column 3: expected \":\", found }"},
      {"[1][2", "column 6: expected \"]\", found the end"},
      {"true ? false", "column 13: expected \":\", found the end"},
      {"node.", "column 6: expected the name of a field, found the end"},
      {"node.in", "column 6: expected the name of a field, found in"},
      {"node.'a'", "column 6: expected the name of a field, found 'a'"},
      {"size(1,)", "column 8: expected an argument, found )"},
      {"size(1 2)", "column 8: expected \",\" or \")\", found 2"},
      {"!-1 == 1", "column 2: expected an operand, found -"},
      {"for == 1", "column 1: \"for\" is a reserved word"},
      {"in == 1", "column 1: expected an operand, found in"},
      {"a ; b", "column 3: unexpected character ;"},
      {"node.id == \u201ca\u201d", "column 12: unexpected character"},
      {"1 ++ 1", "column 4: expected an operand, found +"},
      {"`a`", "column 1: expected an operand, found `a`"},
      {"node.`a", "column 6: a quoted name has letters, digits, _ . - / and spaces between `"},
      {"[1].all(x)", "column 5: all() takes a variable and one expression"},
      {"[1].all(1, true)", "column 9: the first argument of all() must be the name of a variable"},
      {"[1].map(x, x, x, x)", "column 5: map() takes a variable and one or two expressions"},
      {"has(1, 2)", "column 1: has() takes one field selection, as in has(a.b)"},
      {"common.NodeStatus{foo: 1} == node.status", "column 1: no field \"foo\" in NodeStatus"},
      {"common.NodeStatus{external_address: 1} == node.status",
       "column 37: field \"external_address\" is of type string, not int"},
      {"common.NodeStatus{external_address: '', external_address: ''} == node.status",
       "column 59: field \"external_address\" is set twice"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Outcome(c.text), std::string("compile: ") + c.error) << c.text;
  }
}

}  // namespace
}  // namespace curatord::filter
