#include "cli/commands/matching_nodes.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = NodeEvent::Kind;

class MatchingEventsTest : public ::testing::Test {
 protected:
  MatchingEvents Events(const std::vector<std::string>& ids, const std::string& filter) {
    return MatchingEvents(
        ids, filter,
        [this](const std::string& asked) -> absl::StatusOr<NodeList> {
          asked_.push_back(asked);
          if (!list_status_.ok()) return list_status_;
          NodeList list;
          for (const std::string& id : matching_) {
            list.nodes.emplace_back();
            list.nodes.back().id = id;
          }
          return list;
        },
        [this](const NodeEvent& event) {
          const std::string id = event.node.has_value()       ? event.node->id
                                 : event.previous.has_value() ? event.previous->id
                                                              : "";
          shown_.push_back(absl::StrCat(ToString(event.kind), id.empty() ? "" : " ", id));
          return emit_status_;
        });
  }
  static NodeEvent Event(Kind kind, const std::string& id = "") {
    NodeEvent event;
    event.kind = kind;
    Node node;
    node.id = id;
    if (kind == Kind::kAdded || kind == Kind::kModified) event.node = node;
    if (kind == Kind::kDeleted || kind == Kind::kModified) event.previous = node;
    return event;
  }
  // What is shown of these events, one after the other.
  std::vector<std::string> Shown(MatchingEvents& events, const std::vector<NodeEvent>& told) {
    shown_.clear();
    for (const NodeEvent& event : told) EXPECT_TRUE(events.OnEvent(event).ok());
    return shown_;
  }

  std::vector<std::string> matching_;  // ids of which the filter holds now
  absl::Status list_status_, emit_status_;
  std::vector<std::string> asked_;
  std::vector<std::string> shown_;
};

TEST_F(MatchingEventsTest, WithoutAFilterNothingIsAskedOrHeldBack) {
  MatchingEvents events = Events({"a", "b"}, "");
  EXPECT_THAT(Shown(events, {Event(Kind::kAdded, "a"), Event(Kind::kAdded, "c")}),
              ElementsAre("ADDED a"));
  EXPECT_THAT(Shown(events, {Event(Kind::kSynced), Event(Kind::kDeleted, "a")}),
              ElementsAre("SYNCED", "DELETED a"));
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(MatchingEventsTest, OneListingDecidesAboutAllUntilItIsInStep) {
  MatchingEvents events = Events({}, "f");
  matching_ = {"a", "c"};
  EXPECT_THAT(
      Shown(events, {Event(Kind::kAdded, "a"), Event(Kind::kAdded, "b"), Event(Kind::kAdded, "c")}),
      IsEmpty());
  EXPECT_THAT(Shown(events, {Event(Kind::kSynced)}), ElementsAre("ADDED a", "ADDED c", "SYNCED"));
  EXPECT_THAT(asked_, ElementsAre("f"));
}

TEST_F(MatchingEventsTest, AChangeIsShownThatBeginsOrEndsTheMatch) {
  MatchingEvents events = Events({}, "f");
  Shown(events, {Event(Kind::kAdded, "a"), Event(Kind::kSynced)});
  EXPECT_THAT(Shown(events, {Event(Kind::kModified, "a")}), IsEmpty());
  matching_ = {"a"};
  EXPECT_THAT(Shown(events, {Event(Kind::kModified, "a")}), ElementsAre("MODIFIED a"));
  matching_ = {};
  EXPECT_THAT(Shown(events, {Event(Kind::kModified, "a")}), ElementsAre("MODIFIED a"));
  EXPECT_THAT(Shown(events, {Event(Kind::kModified, "a")}), IsEmpty());
  EXPECT_THAT(asked_.back(), R"(node.id == "a" && (f))");
}

TEST_F(MatchingEventsTest, ADeletionIsShownOfWhatMatched) {
  matching_ = {"a"};
  MatchingEvents events = Events({}, "f");
  Shown(events, {Event(Kind::kAdded, "a"), Event(Kind::kAdded, "b"), Event(Kind::kSynced)});
  EXPECT_THAT(Shown(events, {Event(Kind::kDeleted, "a"), Event(Kind::kDeleted, "b")}),
              ElementsAre("DELETED a"));
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(MatchingEventsTest, AfterAnOutageTheDifferenceIsDecidedAtOnce) {
  matching_ = {"a"};
  MatchingEvents events = Events({}, "f");
  Shown(events, {Event(Kind::kAdded, "a"), Event(Kind::kSynced)});
  matching_ = {"c"};
  EXPECT_THAT(Shown(events, {Event(Kind::kLeaderChanged), Event(Kind::kReconnected),
                             Event(Kind::kAdded, "b"), Event(Kind::kAdded, "c"),
                             Event(Kind::kDeleted, "a"), Event(Kind::kSynced)}),
              ElementsAre("LEADER_CHANGED", "RECONNECTED", "ADDED c", "DELETED a", "SYNCED"));
  EXPECT_THAT(asked_, ElementsAre("f", "f"));
}

TEST_F(MatchingEventsTest, FailuresAreTold) {
  list_status_ = absl::InvalidArgumentError("no filter");
  MatchingEvents events = Events({}, "f");
  EXPECT_TRUE(events.OnEvent(Event(Kind::kAdded, "a")).ok());
  EXPECT_THAT(std::string(events.OnEvent(Event(Kind::kSynced)).message()), HasSubstr("no filter"));
  emit_status_ = absl::UnavailableError("closed pipe");
  MatchingEvents unfiltered = Events({}, "");
  EXPECT_FALSE(unfiltered.OnEvent(Event(Kind::kAdded, "a")).ok());
}

}  // namespace
}  // namespace curator::cli
