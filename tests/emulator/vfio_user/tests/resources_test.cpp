// Interrupt descriptors and guest memory: what a client hands over, and that all of it is given back.
#include <sys/eventfd.h>

#include "common/base/fd.h"
#include "fixture.h"

namespace emulator::vfio_user::test {
namespace {

constexpr std::uint32_t intx = 0;
constexpr std::uint32_t msi = 1;
constexpr std::uint32_t none_trigger = 0x21;
constexpr std::uint32_t bool_trigger = 0x22;
constexpr std::uint32_t eventfd_trigger = 0x24;

std::vector<std::uint8_t> irq_set(std::uint32_t flags, std::uint32_t index, std::uint32_t start,
                                  std::uint32_t count) {
  return Pack().u32(20).u32(flags).u32(index).u32(start).u32(count).bytes();
}

std::uint64_t signals(int fd) {
  std::uint64_t count = 0;
  return ::read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

class Interrupt : public VfioUserTest {
 protected:
  nvccd::UniqueFd event{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
};

TEST_F(Interrupt, ReachesTheDescriptorGivenForIt) {
  auto client = start();
  ASSERT_FALSE(client->call(8, irq_set(eventfd_trigger, msi, 0, 1), {event.get()}).failed());
  ASSERT_FALSE(client->call(8, irq_set(none_trigger, msi, 0, 1)).failed());
  EXPECT_EQ(signals(event.get()), 1U);
  ASSERT_FALSE(client->call(8, Pack().raw(irq_set(bool_trigger, msi, 0, 1)).u8(0).bytes()).failed());
  EXPECT_EQ(signals(event.get()), 0U);
  ASSERT_FALSE(client->call(8, Pack().raw(irq_set(bool_trigger, msi, 0, 1)).u8(1).bytes()).failed());
  EXPECT_EQ(signals(event.get()), 1U);
}

TEST_F(Interrupt, CanBeTakenBack) {
  auto client = start();
  client->call(8, irq_set(eventfd_trigger, intx, 0, 1), {event.get()});
  client->call(8, irq_set(eventfd_trigger, msi, 0, 1), {event.get()});
  EXPECT_FALSE(client->call(8, irq_set(eventfd_trigger, intx, 0, 1)).failed()) << "no descriptor: de-assign";
  EXPECT_FALSE(client->call(8, irq_set(none_trigger, msi, 0, 0)).failed()) << "count 0: all off";
  client->call(8, irq_set(none_trigger, intx, 0, 1));
  client->call(8, irq_set(none_trigger, msi, 0, 1));
  EXPECT_EQ(signals(event.get()), 0U);
}

TEST_F(Interrupt, CanBeMaskedAndSwitchedOffEvenWhereThereIsNone) {
  auto client = start();
  EXPECT_FALSE(client->call(8, irq_set(0x09, intx, 0, 1)).failed());
  EXPECT_FALSE(client->call(8, irq_set(0x11, intx, 0, 1)).failed());
  for (std::uint32_t index = 0; index < 5; ++index) {
    EXPECT_FALSE(client->call(8, irq_set(none_trigger, index, 0, 0)).failed()) << "index " << index;
  }
}

TEST_F(Interrupt, IsRefusedWhereThereIsNone) {
  auto client = start();
  EXPECT_TRUE(client->call(8, irq_set(eventfd_trigger, 2, 0, 1), {event.get()}).failed()) << "MSI-X";
  EXPECT_TRUE(client->call(8, irq_set(eventfd_trigger, 3, 0, 1), {event.get()}).failed()) << "error";
  EXPECT_TRUE(client->call(8, irq_set(eventfd_trigger, 5, 0, 1), {event.get()}).failed());
  EXPECT_TRUE(client->call(8, irq_set(eventfd_trigger, msi, 1, 1), {event.get()}).failed());
  EXPECT_TRUE(client->call(8, irq_set(eventfd_trigger, msi, 0xFFFFFFFF, 2), {event.get()}).failed());
  EXPECT_TRUE(client->call(8, irq_set(none_trigger, msi, 1, 0xFFFFFFFF)).failed());
  EXPECT_TRUE(client->call(8, irq_set(eventfd_trigger, msi, 0, 1), {event.get(), event.get()}).failed());
  EXPECT_TRUE(client->call(8, irq_set(none_trigger, msi, 0, 1), {event.get()}).failed());
  EXPECT_TRUE(client->call(8, irq_set(0x3F, msi, 0, 1)).failed()) << "contradicting flags";
  EXPECT_TRUE(client->call(8, irq_set(0, msi, 0, 1)).failed());
  EXPECT_TRUE(client->call(8, irq_set(bool_trigger, msi, 0, 1)).failed()) << "its data is missing";
}

std::vector<std::uint8_t> dma_map(std::uint64_t address, std::uint64_t size) {
  return Pack().u32(32).u32(3).u64(0).u64(address).u64(size).bytes();
}
std::vector<std::uint8_t> dma_unmap(std::uint64_t address, std::uint64_t size, std::uint32_t flags = 0) {
  return Pack().u32(24).u32(flags).u64(address).u64(size).bytes();
}

class GuestMemory : public VfioUserTest {};

TEST_F(GuestMemory, IsAcceptedWithAndWithoutADescriptor) {
  auto client = start();
  const nvccd::UniqueFd memory(::eventfd(0, EFD_CLOEXEC));
  EXPECT_FALSE(client->call(2, dma_map(0, 0xA0000), {memory.get()}).failed());
  EXPECT_FALSE(client->call(2, dma_map(0x100000, 0x10000)).failed());
  EXPECT_FALSE(client->call(2, dma_map(~std::uint64_t{0} - 0xFFF, 0x1000)).failed());
  const Reply reply = client->call(3, dma_unmap(0, 0xA0000));
  ASSERT_FALSE(reply.failed());
  EXPECT_EQ(reply.payload, dma_unmap(0, 0xA0000)) << "the reply repeats the request";
}

TEST_F(GuestMemory, CannotBeGivenTwice) {
  auto client = start();
  client->call(2, dma_map(0x1000, 0x2000));
  for (const auto& [address, size] :
       {std::pair{0x1000, 0x2000}, {0x0, 0x1001}, {0x2FFF, 0x1}, {0x0, 0x10000}, {0x1800, 0x10}}) {
    EXPECT_EQ(
        client->call(2, dma_map(static_cast<std::uint64_t>(address), static_cast<std::uint64_t>(size))).error,
        static_cast<std::uint32_t>(EEXIST));
  }
  EXPECT_FALSE(client->call(2, dma_map(0, 0x1000)).failed());
  EXPECT_FALSE(client->call(2, dma_map(0x3000, 0x1000)).failed());
}

TEST_F(GuestMemory, IsTakenBackInWholeMappings) {
  auto client = start();
  client->call(2, dma_map(0x1000, 0x2000));
  client->call(2, dma_map(0x3000, 0x1000));
  EXPECT_TRUE(client->call(3, dma_unmap(0x1000, 0x1000)).failed());
  EXPECT_TRUE(client->call(3, dma_unmap(0x2000, 0x2000)).failed());
  EXPECT_EQ(socket->session()->dma().size(), 2U);
  EXPECT_FALSE(client->call(3, dma_unmap(0, 0x10000)).failed());
  EXPECT_EQ(socket->session()->dma().size(), 0U);
  EXPECT_FALSE(client->call(3, dma_unmap(0, 0x10000)).failed()) << "nothing there is fine";
}

TEST_F(GuestMemory, CanBeTakenBackAtOnce) {
  auto client = start();
  client->call(2, dma_map(0x1000, 0x2000));
  client->call(2, dma_map(0x8000, 0x1000));
  EXPECT_FALSE(client->call(3, dma_unmap(0, 0, 2)).failed());
  EXPECT_EQ(socket->session()->dma().size(), 0U);
}

TEST_F(GuestMemory, RefusesRangesThatAreNone) {
  auto client = start();
  EXPECT_TRUE(client->call(2, dma_map(0, 0)).failed());
  EXPECT_TRUE(client->call(2, dma_map(0x1000, ~std::uint64_t{0})).failed());
  EXPECT_TRUE(client->call(3, dma_unmap(0x1000, 0)).failed());
}

class Descriptors : public VfioUserTest {};

TEST_F(Descriptors, AreAllGivenBackInTheEnd) {
  const nvccd::UniqueFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  {
    auto client = start();
  }
  serve();
  const std::size_t before = open_descriptors();
  {
    auto client = start();
    const std::size_t connected = open_descriptors();
    for (int i = 0; i < 50; ++i) {
      client->call(8, irq_set(eventfd_trigger, msi, 0, 1), {event.get()});
      client->call(2, dma_map(0x1000, 0x1000), {event.get()});
      client->call(9, Pack().u64(0).u32(7).u32(4).bytes(), {event.get(), event.get()});
      client->call(2, dma_map(0x5000, 0x1000), std::vector<int>(17, event.get()));
    }
    EXPECT_EQ(open_descriptors(), connected + 1) << "the one interrupt, nothing else";
    client->call(8, irq_set(none_trigger, msi, 0, 0));
    EXPECT_EQ(open_descriptors(), connected);
    client->call(8, irq_set(eventfd_trigger, msi, 0, 1), {event.get()});
  }
  serve();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Descriptors, BelongToTheMessageTheyCameWith) {
  // Two messages in flight, the descriptor with the second: the first must not get it.
  const nvccd::UniqueFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  auto client = start();
  client->send(8, irq_set(eventfd_trigger, intx, 0, 1));
  client->send(8, irq_set(eventfd_trigger, msi, 0, 1), {event.get()});
  EXPECT_FALSE(client->receive()->failed());
  EXPECT_FALSE(client->receive()->failed());
  EXPECT_FALSE(socket->session()->interrupts().assigned(intx, 0));
  EXPECT_TRUE(socket->session()->interrupts().assigned(msi, 0));
}

TEST_F(Descriptors, TooManyAreRefused) {
  const nvccd::UniqueFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  auto client = start();
  EXPECT_TRUE(client->call(2, dma_map(0, 0x1000), std::vector<int>(17, event.get())).failed());
  const std::size_t before = open_descriptors();
  client->send(2, dma_map(0, 0x1000), std::vector<int>(253, event.get()));
  EXPECT_TRUE(client->closed_by_server());
  EXPECT_EQ(open_descriptors(), before - 1) << "all of them closed, and the connection";
}

}  // namespace
}  // namespace emulator::vfio_user::test
