#include <gtest/gtest.h>

#include "client/text.h"

namespace nvccd::client {
namespace {

TEST(Text, IsElidedOnlyWhereItDoesNotFit) {
  EXPECT_EQ(elide("GH100 [H100]", 12), "GH100 [H100]");
  EXPECT_EQ(elide("GH100 [H100]", 11), "GH100 [H...");
  EXPECT_EQ(elide("GH100", 2), "..");
  EXPECT_EQ(elide("GH100", 0), "");
}

TEST(Text, IsNotCutInsideACharacter) {
  EXPECT_EQ(columns_of("größer"), 6U);
  EXPECT_EQ(elide("größer als", 6), "grö...");
}

TEST(Text, IsBrokenAtBlanks) {
  EXPECT_EQ(wrap("one two three four five six", 23, 2, 0), "one two three four five\n  six");
  EXPECT_EQ(wrap("one two three four five six", 26, 6, 6), "one two three four\n      five six");
  EXPECT_EQ(wrap("short", 80, 2, 0), "short");
  EXPECT_EQ(wrap("", 80, 2, 0), "");
}

TEST(Text, KeepsLongWordsWhole) {
  EXPECT_EQ(wrap("see /sys/bus/pci/devices/0000:65:00.0/driver_override now", 30, 2, 0),
            "see\n  /sys/bus/pci/devices/0000:65:00.0/driver_override\n  now");
}

TEST(Text, IsLeftAloneWhereThereIsNoWidthOrHardlyAny) {
  const std::string text(300, 'x');
  EXPECT_EQ(wrap(text + " " + text, any_width, 2, 0), text + " " + text);
  EXPECT_EQ(wrap("one two three", 10, 2, 0), "one two three");
}

TEST(Text, CannotSteerTheTerminal) {
  EXPECT_EQ(printable("a\033[2J\nb\x7f"), "a?[2J?b?");
  EXPECT_EQ(printable("größer"), "größer");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "2J\xc2\xa9\xc2"),
            "a?2J\xc2\xa9\xc2")
      << "a control sequence that begins with one character";
}

}  // namespace
}  // namespace nvccd::client
