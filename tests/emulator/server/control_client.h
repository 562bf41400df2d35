// The other end of the control socket.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace emulator::server {

// Sends one request and returns the answer, both without the line's end. The error is a sentence.
std::expected<std::string, std::string> ask(const std::filesystem::path& socket, const std::string& request);

}  // namespace emulator::server
