#include "common/formats/node_mode_store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/base/atomic_file.h"
#include "common/base/regular_file.h"

namespace nvccd {
namespace {

constexpr mode_t file_mode = 0644;
constexpr std::size_t largest_file = 4096;

Result<std::optional<Mode>> load_file(const std::filesystem::path& file) {
  struct stat status{};
  if (::lstat(file.c_str(), &status) < 0 && errno == ENOENT) return std::optional<Mode>{};
  const auto text = read_regular_file(file, largest_file);
  if (!text) return std::unexpected(text.error());
  const auto line = text->substr(0, text->find('\n'));
  const auto mode = parse_enum<Mode>(line);
  if (!mode)
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_config,
              .cause = fmt::format("{} holds \"{}\", which is no mode", file.string(), line.substr(0, 40)),
              .advice = "set the node's mode again with nvccctl set-mode, or remove the file"});
  return mode;
}

Result<> save_file(const std::filesystem::path& file, std::optional<Mode> mode, Lasting lasting) {
  if (!mode) return remove_file(file, lasting);
  return write_file_atomically(file, std::string(to_string(*mode)) + "\n", file_mode, lasting);
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
  if (auto saved = save_file(lasting_file_, modes.lasting, Lasting::yes); !saved) return saved;
  return save_file(transient_file_, modes.transient, Lasting::no);
}

}  // namespace nvccd
