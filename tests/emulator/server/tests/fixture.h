// A server with two GPUs and a switch, and what a guest does to them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "server_process.h"
#include "tests/emulator/vfio_user/tests/client.h"

namespace emulator::server::test {

using nlohmann::json;
using vfio_user::test::Client;

inline constexpr std::uint32_t config = 7;

inline void enable_memory(Client& client) {
  EXPECT_FALSE(client.write_number(config, 0x04, 2, 0x2).failed());
}

// As an operating system does it; memory is decoded again afterwards.
inline void function_level_reset(Client& client) {
  std::uint64_t at = client.read_number(config, 0x34, 1);
  while (at != 0 && client.read_number(config, at, 1) != 0x10)
    at = client.read_number(config, at + 1, 1);
  ASSERT_NE(at, 0U) << "no PCI Express capability";
  const std::uint64_t device_control = client.read_number(config, at + 8, 2);
  ASSERT_FALSE(client.write_number(config, at + 8, 2, device_control | 0x8000).failed());
  enable_memory(client);
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "nvccd-emulator-XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~ServerTest() override {
    server.reset();
    std::filesystem::remove_all(directory);
  }

  void start(std::vector<std::string> arguments = {"--gpu", "gh100", "gb100", "--nvswitch", "ls10"}) {
    server.emplace(directory, std::move(arguments));
  }
  // A client for which the device decodes memory accesses.
  std::unique_ptr<Client> connect(const std::string& device) {
    auto client = std::make_unique<Client>(server->socket(device));
    EXPECT_FALSE(client->negotiate().failed());
    enable_memory(*client);
    return client;
  }
  // An operation that must work.
  void order(const json& request) {
    const json answer = server->ask(request);
    EXPECT_TRUE(answer.at("ok").get<bool>()) << request << " gave " << answer;
  }
  // The events of one device, without those of clients.
  std::vector<std::string> hardware_events(const std::string& device) {
    std::vector<std::string> names;
    for (const json& event : server->events()) {
      const auto name = event.at("event").get<std::string>();
      if (event.at("device") == device && !name.starts_with("client-")) names.push_back(name);
    }
    return names;
  }

  std::filesystem::path directory;
  std::optional<ServerProcess> server;
};

}  // namespace emulator::server::test
