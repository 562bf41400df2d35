#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host_tree.h"

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Attributes : public testing::Test {
 protected:
  std::filesystem::path with(std::string_view text) {
    const auto file = std::filesystem::path(host.paths().sys) / "attribute";
    host.write(file, text);
    return file;
  }
  test::HostTree host;
};

TEST_F(Attributes, AreReadWithoutTheNewline) {
  EXPECT_EQ(read_attribute(with("0x10de\n")).value(), "0x10de");
  EXPECT_EQ(read_attribute(with("")).value(), "");
  EXPECT_EQ(read_attribute(with("two\nlines\n")).value(), "two\nlines");
}

TEST_F(Attributes, ThatCannotBeReadAreErrorsThatNameTheFile) {
  const auto missing = read_attribute("/no/such/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "cannot open /no/such/file: No such file or directory");
  EXPECT_FALSE(read_attribute(host.paths().sys));  // a directory
}

TEST_F(Attributes, AreNumbersOrErrorsThatShowWhatIsThere) {
  EXPECT_EQ(read_number(with("0x10de\n"), 16).value(), 0x10de);
  EXPECT_EQ(read_number(with("10de"), 16).value(), 0x10de);
  EXPECT_EQ(read_number(with("-1\n"), 10).value(), -1);
  for (const char* text : {"", "0x", "zebra", "12x", "1 2", " 1"}) {
    const auto number = read_number(with(text), 16);
    ASSERT_FALSE(number) << text;
    EXPECT_THAT(number.error().message(), HasSubstr("which is no number"));
  }
}

TEST_F(Attributes, AreWrittenAsTheyAreAndOnlyWhereTheyExist) {
  const auto file = with("");
  ASSERT_TRUE(write_attribute(file, "vfio-pci"));
  EXPECT_EQ(host.read(file), "vfio-pci");
  const auto missing = write_attribute("/no/such/file", "1");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("/no/such/file"));
}

TEST_F(Attributes, AWriteThatTheKernelRefusesIsAnErrorThatNamesTheFile) {
  const auto refused = write_attribute("/dev/full", "1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "the kernel refused a write to /dev/full: No space left on device");
}

TEST_F(Attributes, LinksAreNamedByTheirLastElement) {
  const auto link = std::filesystem::path(host.paths().sys) / "driver";
  EXPECT_EQ(link_name(link), "");
  host.link(link, "../../bus/pci/drivers/vfio-pci");
  EXPECT_EQ(link_name(link), "vfio-pci");
}

TEST_F(Attributes, MembersOfAGroupAreListedInOrder) {
  const PciAddress first{0, 1, 0, 0};
  const PciAddress second{0, 1, 0, 1};
  EXPECT_THAT(iommu_group_members(host.paths(), first), ElementsAre());
  host.group(3, {second, first});
  EXPECT_THAT(iommu_group_members(host.paths(), first), ElementsAre(first, second));
}

}  // namespace
}  // namespace nvccd
