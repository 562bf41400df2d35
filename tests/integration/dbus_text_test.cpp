#include "daemon/bus/text.h"

#include <gtest/gtest.h>

namespace nvccd::dbus {
namespace {

TEST(BusText, ValidTextStaysAsItIs) {
  for (const char* text :
       {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xa7", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(to_utf8(text), text);
}

TEST(BusText, EveryByteThatIsNotUtf8IsReplaced) {
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(to_utf8("a\xff"
                    "b"),
            "a" + r + "b");
  EXPECT_EQ(to_utf8("\xc3"), r) << "cut off";
  EXPECT_EQ(to_utf8("\xe2\x82"), r + r) << "cut off";
  EXPECT_EQ(to_utf8("\xc0\xaf"), r + r) << "overlong";
  EXPECT_EQ(to_utf8("\xe0\x80\xaf"), r + r + r) << "overlong";
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), r + r + r) << "half of a surrogate pair";
  EXPECT_EQ(to_utf8("\xf4\x90\x80\x80"), r + r + r + r) << "beyond the last code point";
  EXPECT_EQ(to_utf8("\x80\xc3\xa4"), r + "\xc3\xa4");
}

TEST(BusText, AnExcerptIsShortAndCutsNoCharacterInTwo) {
  EXPECT_EQ(excerpt("sideways"), "sideways");
  EXPECT_EQ(excerpt(std::string(1000, 'x')), std::string(64, 'x') + "...");
  EXPECT_EQ(excerpt(std::string(63, 'x') + "\xc3\xa4" + "y"), std::string(63, 'x') + "...");
}

}  // namespace
}  // namespace nvccd::dbus
