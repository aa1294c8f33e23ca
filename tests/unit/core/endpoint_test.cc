#include "libclient/core/endpoint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::core {
namespace {

TEST(Endpoint, ParsesEveryFormPeopleWrite) {
  const struct {
    const char* text;
    const char* canonical;
  } cases[] = {
      {"10.0.1.5", "10.0.1.5:7835"},
      {"10.0.1.5:80", "10.0.1.5:80"},
      {"curator.Example.org", "curator.example.org:7835"},
      {"curator.example.org:1", "curator.example.org:1"},
      {"[fd00::7]:65535", "[fd00::7]:65535"},
      {"[fd00::7]", "[fd00::7]:7835"},
      {"fd00::7", "[fd00::7]:7835"},
      {"::1", "[::1]:7835"},
      {"[fe80::1%eth0]:7835", "[fe80::1%eth0]:7835"},
      {"  localhost ", "localhost:7835"},
      {"my_host", "my_host:7835"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(c.text);
    ASSERT_TRUE(endpoint.ok()) << c.text << ": " << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), c.canonical) << c.text;
    const absl::StatusOr<Endpoint> again = ParseEndpoint(endpoint->ToString());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *endpoint);
  }
}

TEST(Endpoint, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "is empty"},
      {"  ", "is empty"},
      {"host:", "port is not a number"},
      {"host:0", "port is not a number"},
      {"host:65536", "port is not a number"},
      {"host:-1", "port is not a number"},
      {"host:+1", "port is not a number"},
      {"host:80x", "port is not a number"},
      {"[fd00::7", "no closing bracket"},
      {"[fd00::7]7835", "text after the bracket"},
      {"[host]:1", "no IPv6 address"},
      {"fd00:::7:1", "needs brackets"},
      {"ho st", "neither"},
      {"https://host", "is a URL"},
      {"-host", "neither"},
      {"a..b", "neither"},
      {":7835", "neither"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(c.text);
    ASSERT_FALSE(endpoint.ok()) << c.text;
    EXPECT_THAT(std::string(endpoint.status().message()), testing::HasSubstr(c.why)) << c.text;
  }
}

}  // namespace
}  // namespace curator::core
