#include "engine/node_mode_store.h"

#include <fmt/format.h>

#include <fstream>

#include "base/atomic_file.h"

namespace nvccd {
namespace {

constexpr mode_t file_mode = 0644;

Result<std::optional<Mode>> load_file(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::optional<Mode>{};
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  const auto mode = parse_mode(line);
  if (!mode)
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_config,
              .cause = fmt::format("{} holds \"{}\", which is no mode", file.string(), line.substr(0, 40)),
              .advice = "set the node's mode again with nvccctl set-mode, or remove the file"});
  return mode;
}

Result<> save_file(const std::filesystem::path& file, std::optional<Mode> mode) {
  if (!mode) return remove_file(file, Lasting::yes);
  return write_file_atomically(file, std::string(to_string(*mode)) + "\n", file_mode);
}

}  // namespace

Result<NodeModes> NodeModeStore::load() const {
  const auto lasting = load_file(lasting_file_);
  if (!lasting) return std::unexpected(lasting.error());
  const auto transient = load_file(transient_file_);
  if (!transient) return std::unexpected(transient.error());
  return NodeModes{*lasting, *transient};
}

Result<> NodeModeStore::save(const NodeModes& modes) const {
  if (auto saved = save_file(lasting_file_, modes.lasting); !saved) return saved;
  return save_file(transient_file_, modes.transient);
}

}  // namespace nvccd
