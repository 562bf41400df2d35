// What comes over the wire: lines, objects, watch events.
#include <gtest/gtest.h>

#include <random>

#include "common/base/retry.h"
#include "kubernetes/node-agent/api_client.h"
#include "kubernetes/node-agent/budget.h"
#include "kubernetes/node-agent/line_splitter.h"
#include "kubernetes/node-agent/object_meta.h"

namespace nvccd::agent {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> split(LineSplitter& splitter, std::string_view data) {
  std::vector<std::string> lines;
  const auto fed = splitter.feed(data, [&](std::string_view line) -> Result<> {
    lines.emplace_back(line);
    return {};
  });
  EXPECT_TRUE(fed);
  return lines;
}

TEST(Lines, AreTheSameHoweverTheyAreCut) {
  const std::string text = "one\n\ntwo\r\n{\"three\": 3}\nrest";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    LineSplitter splitter;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += size)
      for (auto& line : split(splitter, std::string_view(text).substr(at, size)))
        lines.push_back(std::move(line));
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "{\"three\": 3}"})) << size;
  }
}

TEST(Lines, OneThatIsTooLongIsRefusedBeforeItIsComplete) {
  const auto ignore = [](std::string_view) -> Result<> { return {}; };
  LineSplitter splitter;
  const std::string piece(LineSplitter::longest_line / 2, 'x');
  EXPECT_TRUE(splitter.feed(piece, ignore));
  EXPECT_TRUE(splitter.feed(piece, ignore));
  EXPECT_FALSE(splitter.feed("x", ignore));
}

TEST(Lines, ManyThatAreNotTooLongMayComeInOnePiece) {
  LineSplitter splitter;
  std::string piece;
  while (piece.size() < 2 * LineSplitter::longest_line)
    piece += std::string(1000, 'x') + "\n";
  EXPECT_GT(split(splitter, piece).size(), 4000U);
}

TEST(Objects, NodesAreReadWithTheirLabels) {
  const auto list = parse_list(
      R"({"kind":"NodeList","metadata":{"resourceVersion":"42"},"items":[{"metadata":{"name":"node1",)"
      R"("resourceVersion":"41","labels":{"a":"1"}},"spec":{}},{"metadata":{"name":"node2"}}]})");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->resource_version, "42");
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(list->items[0].labels, (Labels{{"a", "1"}}));
  EXPECT_TRUE(list->items[1].labels.empty());
  EXPECT_TRUE(parse_list(R"({"metadata":{"resourceVersion":"1"},"items":null})")) << "Go's empty list";
}

TEST(Objects, WhatNodeFeatureDiscoveryWritesIsKnown) {
  const auto node = parse_object(
      R"({"metadata":{"name":"n","annotations":{"a":"b","nfd.node.kubernetes.io/feature-labels":)"
      R"("cpu-cpuid.ADX,nvidia.com/cc.mode.state","gpu.nfd.node.kubernetes.io/feature-labels":"nvidia.com/x",)"
      R"("nfd.node.kubernetes.io/extended-resources":"nvidia.com/y"}}})");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->nfd_labels, (std::set<std::string, std::less<>>{"cpu-cpuid.ADX", "nvidia.com/cc.mode.state",
                                                                  "nvidia.com/x"}));
}

TEST(Objects, WhatIsNotAsItShouldBeIsAnErrorAndNeverAGuess) {
  for (const char* text :
       {"", "null", "[]", "7", "{", "{}", R"({"metadata":7})", R"({"metadata":{"name":7}})",
        R"({"metadata":{"name":"n","labels":[]}})", R"({"metadata":{"name":"n","annotations":[]}})",
        R"({"metadata":{"name":"n","labels":{"a":null}}})"}) {
    EXPECT_FALSE(parse_object(text)) << text;
    EXPECT_FALSE(parse_list(text)) << text;
    EXPECT_FALSE(parse_watch_event(text)) << text;
    EXPECT_EQ(status_message(text), "");
  }
  EXPECT_FALSE(parse_watch_event(R"({"type":"MODIFIED","object":{"metadata":{"name":"n"}}})"))
      << "without a version";
}

TEST(Objects, WatchEventsAreUnderstood) {
  auto event =
      parse_watch_event(R"({"type":"DELETED","object":{"metadata":{"name":"n","resourceVersion":"5"}}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, WatchEvent::Kind::deleted);
  event = parse_watch_event(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6"}}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, WatchEvent::Kind::bookmark);
  EXPECT_EQ(event->object.resource_version, "6");
  event = parse_watch_event(
      R"({"type":"BOOKMARK","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)"
      R"({"resourceVersion":"7","creationTimestamp":null}}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->object.resource_version, "7");
  event = parse_watch_event(R"({"type":"ERROR","object":{"code":410,"message":"too old"}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->status, 410);
}

TEST(Objects, NoBytesMakeAParserMisbehave) {
  const std::string seed =
      R"({"type":"MODIFIED","object":{"metadata":{"name":"n","resourceVersion":"5","labels":{"a":"b"}}}})";
  std::minstd_rand random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string text = seed;
    for (int changes = 0; changes < 1 + i % 4; ++changes) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, 1 + random() % 5);
      else
        text[at] = static_cast<char>(random());
      if (text.empty()) text = "x";
    }
    (void)parse_watch_event(text);
    (void)parse_list(text);
    (void)status_message(text);
  }
}

TEST(Objects, VersionsAreComparedAsNumbers) {
  EXPECT_TRUE(is_older("9", "10"));
  EXPECT_FALSE(is_older("10", "9"));
  EXPECT_FALSE(is_older("10", "10"));
  EXPECT_FALSE(is_older("abc", "10")) << "a server may have others";
  EXPECT_FALSE(is_older("", "10"));
}

TEST(Urls, HoldNothingThatMeansSomethingElse) {
  EXPECT_EQ(url_encoded("metadata.name=node-1"), "metadata.name%3Dnode-1");
  EXPECT_EQ(url_encoded("../x?y&z #\n"), "..%2Fx%3Fy%26z%20%23%0A");
}

TEST(Budget, ManyAtOnceThenOneNowAndThen) {
  Budget budget(20, 60s);
  const Duration start = 1000h;
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(budget.take(start));
  EXPECT_FALSE(budget.take(start));
  EXPECT_FALSE(budget.take(start + 59s));
  EXPECT_TRUE(budget.take(start + 61s));
  EXPECT_FALSE(budget.take(start + 62s));
  EXPECT_TRUE(budget.take(start + 24h));
}

TEST(Backoff, GrowsToHalfAMinuteAndStartsAnewAfterASuccess) {
  Backoff backoff;
  EXPECT_LE(backoff.next(), 500ms);
  for (int i = 0; i < 20; ++i)
    EXPECT_LE(backoff.next(), 30s);
  EXPECT_GE(backoff.next(), 15s);
  backoff.reset();
  EXPECT_LE(backoff.next(), 500ms);
}

}  // namespace
}  // namespace nvccd::agent
