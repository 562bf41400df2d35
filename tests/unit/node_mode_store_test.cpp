// The files with the node mode: what was set is there again, and what cannot be read is not taken for
// nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "common/formats/node_mode_store.h"
#include "tests/support/temporary_directory.h"

namespace nvccd {
namespace {

class NodeModeFiles : public testing::Test {
 protected:
  NodeModeFiles() {
    for (const auto& path : {state(), run()})
      std::filesystem::create_directory(path);
  }
  std::filesystem::path state() const { return directory_.path() / "state"; }
  std::filesystem::path run() const { return directory_.path() / "run"; }
  void expect_refused(const std::string& why) const {
    const auto modes = store.load();
    ASSERT_FALSE(modes) << why;
    EXPECT_THAT(modes.error().message(), testing::HasSubstr(why));
  }

 private:
  test::TemporaryDirectory directory_;

 protected:
  const NodeModeStore store{state(), run()};
};

TEST_F(NodeModeFiles, WhatWasSavedIsThereAgain) {
  EXPECT_EQ(store.load().value(), NodeModes());
  for (const NodeModes& modes : {NodeModes{Mode::ppcie, {}}, NodeModes{Mode::on, Mode::devtools},
                                 NodeModes{{}, Mode::off}, NodeModes{}}) {
    ASSERT_TRUE(store.save(modes));
    EXPECT_EQ(store.load().value(), modes);
  }
}

TEST_F(NodeModeFiles, AMissingDirectoryHoldsNoMode) {
  std::filesystem::remove_all(state());
  std::filesystem::remove_all(run());
  EXPECT_EQ(store.load().value(), NodeModes());
}

TEST_F(NodeModeFiles, AFileThatHoldsNoModeIsAnError) {
  std::ofstream(state() / "node-mode") << "ppcei\n";
  expect_refused("state/node-mode holds \"ppcei\"");
}

TEST_F(NodeModeFiles, ADirectoryThatMayNotBeReadIsAnError) {
  ASSERT_TRUE(store.save({Mode::off, {}}));
  std::filesystem::permissions(state(), std::filesystem::perms::none);
  const auto self = ::geteuid();
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);  // root may read everything
  const auto modes = store.load();
  ASSERT_EQ(::seteuid(self), 0);
  ASSERT_FALSE(modes);
  EXPECT_THAT(modes.error().message(), testing::HasSubstr("state/node-mode: Permission denied"));
}

TEST_F(NodeModeFiles, AFileInPlaceOfTheDirectoryIsAnError) {
  std::filesystem::remove(run());
  std::ofstream(run()) << "";
  expect_refused("run/node-mode: Not a directory");
}

TEST_F(NodeModeFiles, AnythingButAFileIsAnErrorAndHoldsNobodyUp) {
  ASSERT_EQ(::mkfifo((state() / "node-mode").c_str(), 0600), 0);
  expect_refused("state/node-mode is no regular file");
  std::filesystem::remove(state() / "node-mode");
  std::filesystem::create_symlink("gone", state() / "node-mode");
  expect_refused("state/node-mode: No such file");
}

}  // namespace
}  // namespace nvccd
