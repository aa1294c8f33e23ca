#include "tests/unit/filter/filter_fixture.h"

namespace curatord::filter {
namespace {

using ::testing::HasSubstr;

TEST(FilterOperators, HaveThePrecedenceOfCel) {
  for (const char* text : {
           "1 + 2 * 3 == 7",
           "(1 + 2) * 3 == 9",
           "10 - 3 - 2 == 5",
           "100 / 10 / 2 == 5",
           "7 % 4 * 2 == 6",
           "-2 * 3 == -6",
           "!false && true",
           "true || false && false",
           "!(true && false)",
           "1 < 2 == true",
           "1 + 1 in [2]",
           "true ? true : false ? false : false",
           "(false ? 1 : true ? 2 : 3) == 2",
           "false || 1 == 1 ? true : false",
           "--1 == 1",
           "- -1 == 1",
           "!!true",
           "-9223372036854775808 < 0",
           "[1, 2][0] + 1 == 2",
           "{'a': 1}.a + 1 == 2",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterOperators, CompareValuesOfOneType) {
  for (const char* text : {
           "1 == 1 && 1 != 2 && 1 < 2 && 2 <= 2 && 3 > 2 && 2 >= 2",
           "1u < 2u && 18446744073709551615u > 1u",
           "1.5 < 2.0 && .5 == 0.5 && 1e3 == 1000.0 && 1.5E-1 == 0.15",
           "'a' < 'b' && 'a' < 'aa' && '' < 'a' && 'B' < 'a'",
           "b'a' < b'b' && b'\\xff' > b'a'",
           "false < true",
           "[1, 2] == [1, 2] && [1, 2] != [2, 1] && [] == []",
           "{'a': 1, 'b': 2} == {'b': 2, 'a': 1} && {'a': 1} != {'a': 2}",
           "null == null",
           "timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-01T00:00:01Z')",
           "duration('1h') == duration('60m') && duration('1s') < duration('1.5s')",
           "type(1) == int && type(1) != uint",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterOperators, CompareNumbersOfAllTypesOnceTheyAreKnown) {
  for (const char* text : {
           "dyn(1) == 1u && dyn(1u) == 1.0 && dyn(1.0) == 1",
           "dyn(1) != 1.5 && dyn(-1) != 18446744073709551615u",
           "dyn(-1) < 0u && dyn(1) < 1.5 && dyn(2u) > 1.5 && dyn(-0.5) < 0u",
           "dyn(9223372036854775807) >= 9223372036854775808.0",
           "dyn(9007199254740993) == 9007199254740992.0",
           "dyn(9007199254740992.0) in [9007199254740993, 1, 2, 3, 4, 5, 6, 7]",
           "dyn(1) != 'a' && dyn([1]) == [1.0]",
           "!(0.0 / 0.0 == 0.0 / 0.0) && 0.0 / 0.0 != 0.0 / 0.0",
           "!(dyn(1) < 0.0 / 0.0) && !(dyn(1) >= 0.0 / 0.0) && !(dyn(1u) <= 0.0 / 0.0)",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
  EXPECT_EQ(Outcome("dyn(1) < 'a'"), "column 8: no such overload: (int, string)");
}

TEST(FilterOperators, NeverWrap) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"9223372036854775807 + 1 > 0", "column 21: int overflow"},
      {"-9223372036854775808 - 1 < 0", "column 22: int overflow"},
      {"4611686018427387904 * 2 > 0", "int overflow"},
      {"-9223372036854775808 / -1 > 0", "int overflow"},
      {"-9223372036854775808 % -1 == 0", "int overflow"},
      {"-(-9223372036854775808) > 0", "int overflow"},
      {"1 / 0 == 0", "division by zero"},
      {"1 % 0 == 0", "modulus by zero"},
      {"1u / 0u == 0u", "division by zero"},
      {"1u % 0u == 0u", "modulus by zero"},
      {"18446744073709551615u + 1u > 0u", "uint overflow"},
      {"0u - 1u > 0u", "uint overflow"},
      {"9223372036854775808u * 2u > 0u", "uint overflow"},
  };
  for (const auto& c : cases) EXPECT_THAT(Outcome(c.text), HasSubstr(c.error)) << c.text;
}

TEST(FilterOperators, ComputeAsCelDoes) {
  for (const char* text : {
           "7 / 2 == 3 && -7 / 2 == -3 && 7 % 2 == 1 && -7 % 2 == -1",
           "7u / 2u == 3u && 7u % 4u == 3u && 3u * 4u == 12u && 5u - 5u == 0u",
           "1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308 && 1.0 / -0.0 < -1e308",
           "0.5 + 0.25 == 0.75 && 1.5 * 2.0 == 3.0 && 1.0 - 0.5 == 0.5 && -(1.5) == -1.5",
           "'a' + 'b' == 'ab' && b'a' + b'\\xff' == b'a\\xff'",
           "[1] + [2, 3] == [1, 2, 3] && [] + [1] == [1]",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterOperators, AndAndOrAbsorbErrors) {
  const struct {
    const char* text;
    const char* outcome;
  } cases[] = {
      {"false && 1 / 0 == 0", "false"},
      {"1 / 0 == 0 && false", "false"},
      {"true || 1 / 0 == 0", "true"},
      {"1 / 0 == 0 || true", "true"},
      {"1 / 0 == 0 && true", "column 3: division by zero"},
      {"true && 1 / 0 == 0", "column 11: division by zero"},
      {"1 / 0 == 0 || false", "column 3: division by zero"},
      {"1 / 0 == 0 || false || true", "true"},
      {"1 / 0 == 0 && 1 % 0 == 0", "column 3: division by zero"},
      {"dyn(1) && false", "false"},
      {"dyn('a') || true", "true"},
      {"dyn(1) && true", "column 1: expected bool, not int"},
      {"true ? true : 1 / 0 == 0", "true"},
      {"false ? 1 / 0 == 0 : true", "true"},
      {"1 / 0 == 0 ? true : true", "column 3: division by zero"},
      {"!(1 / 0 == 0)", "column 5: division by zero"},
  };
  for (const auto& c : cases) EXPECT_EQ(Outcome(c.text), c.outcome) << c.text;
}

TEST(FilterOperators, InLooksIntoListsAndKeys) {
  for (const char* text : {
           "1 in [1, 2] && !(3 in [1, 2]) && !(1 in [])",
           "'a' in {'a': 1} && !('b' in {'a': 1})",
           "dyn(1u) in [1] && dyn(1.0) in {1: 'x'} && !(dyn(1.5) in [1, 2])",
           "5 in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] && !(11 in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])",
           "'h' in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']",
           "dyn(5u) in [1, 2, 3, 4, 5, 6, 7, 8] && !(dyn('5') in [1, 2, 3, 4, 5, 6, 7, 8])",
           "1.5 in [0.5, 1.5] && [1] in [[0], [1]] && null in [null]",
           "node.id in ['metropolis-abc', 'metropolis-def']",
           "node.state in [NODE_STATE_NEW, NODE_STATE_UP]",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterOperators, RejectOperandsOfOtherTypes) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"1 + 1u == 2", "compile: column 3: + does not take (int, uint)"},
      {"1 == 'a'", "compile: column 3: == does not take (int, string)"},
      {"1 < 1.0", "compile: column 3: < does not take (int, double)"},
      {"1 && true", "compile: column 1: && takes bool, not int"},
      {"!1", "compile: column 1: ! does not take (int)"},
      {"-'a' == ''", "compile: column 1: - does not take (string)"},
      {"-1u == 1u", "compile: column 1: - does not take (uint)"},
      {"1 ? true : false", "compile: column 1: ?: takes bool, not int"},
      {"true ? 1 : 'a'", "compile: column 6: ?: takes two values of one type, not int and string"},
      {"'a' in [1]", "compile: column 5: in does not take (string, list(int))"},
      {"'a' in 'abc'", "compile: column 5: in does not take (string, string)"},
      {"[1]['a'] == 1", "compile: column 4: [] does not take (list(int), string)"},
      {"{'a': 1}[1] == 1", "compile: column 9: [] does not take (map(string, int), int)"},
      {"1 == null", "compile: column 3: == does not take (int, null)"},
      {"1 + 1", "compile: column 1: the filter is of type int, not bool"},
      {"'true'", "compile: column 1: the filter is of type string, not bool"},
  };
  for (const auto& c : cases) EXPECT_EQ(Outcome(c.text), c.error) << c.text;
}

}  // namespace
}  // namespace curatord::filter
