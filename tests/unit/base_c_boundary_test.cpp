// How C libraries call us, and what becomes of an exception on the way.
#include "common/base/c_boundary.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace nvccd {
namespace {

class Listener {
 public:
  int take(const char* what, int number) {
    heard += std::string(what) + std::to_string(number);
    return number;
  }
  void note() { heard += "!"; }
  void fail() { throw std::logic_error("a promise was broken"); }

  std::string heard;
};

void keep(std::string& kept, const char* what) {
  kept = what;
}

using ObjectLast = int (*)(const char*, int, void*);
using ObjectInside = long (*)(const char*, void*, int, void**);

TEST(Callback, GetsItsObjectAndAsManyArgumentsAsItTakes) {
  Listener listener;
  const ObjectLast last = callback<&Listener::take>;
  const ObjectInside inside = callback<&Listener::take>;
  const ObjectLast without = callback<&Listener::note>;
  EXPECT_EQ(last("a", 7, &listener), 7);
  EXPECT_EQ(inside("b", &listener, 8, nullptr), 8);
  EXPECT_EQ(without("c", 9, &listener), 0);
  EXPECT_EQ(listener.heard, "a7b8!");
}

TEST(Callback, OfAFunctionGetsWhateverItsObjectIs) {
  std::string kept;
  const ObjectLast function = callback<keep>;
  EXPECT_EQ(function("kept", 1, &kept), 0);
  EXPECT_EQ(kept, "kept");
}

TEST(CallbackDeathTest, AnExceptionEndsTheProcessAndSaysWhy) {
  Listener listener;
  const ObjectLast failing = callback<&Listener::fail>;
  EXPECT_DEATH(failing("", 0, &listener), "a promise was broken");
}

int make(int** made, bool well) {
  *made = well ? new int(5) : nullptr;
  return well ? 0 : -1;
}

TEST(OutPointer, GivesTheOwnerWhatWasMade) {
  std::unique_ptr<int> owner;
  EXPECT_EQ(make(out(owner), true), 0);
  EXPECT_EQ(*owner, 5);
  EXPECT_EQ(make(out(owner), false), -1);
  EXPECT_FALSE(owner) << "what was there before does not stand for what was not made";
}

}  // namespace
}  // namespace nvccd
