#include "common/host/sysfs.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace nvccd {

Result<UniqueFd> open_file(const std::filesystem::path& file, int flags) {
  UniqueFd fd(::open(file.c_str(), flags | O_CLOEXEC));
  if (!fd) return std::unexpected(system_error(fmt::format("cannot open {}", file.string()), errno));
  return fd;
}

Result<std::string> read_attribute(const std::filesystem::path& file) {
  const auto fd = open_file(file, O_RDONLY);
  if (!fd) return std::unexpected(fd.error());
  return read_attribute(*fd, file);
}

Result<std::string> read_attribute(const UniqueFd& fd, const std::filesystem::path& file) {
  std::array<char, 4096> buffer;  // an attribute has at most a page
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return std::unexpected(system_error(fmt::format("cannot read {}", file.string()), errno));
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  return std::string(text);
}

Result<std::int64_t> read_number(const std::filesystem::path& file, int base) {
  const auto text = read_attribute(file);
  if (!text) return std::unexpected(text.error());
  std::string_view digits = *text;
  if (base == 16 && digits.starts_with("0x")) digits.remove_prefix(2);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return std::unexpected(
        Error{.kind = ErrorKind::system,
              .cause = fmt::format("{} holds \"{}\", which is no number", file.string(), *text)});
  return value;
}

Result<> write_attribute(const std::filesystem::path& file, std::string_view value) {
  const auto fd = open_file(file, O_WRONLY);
  if (!fd) return std::unexpected(fd.error());
  return write_attribute(*fd, file, value);
}

Result<> write_attribute(const UniqueFd& fd, const std::filesystem::path& file, std::string_view value) {
  if (::write(fd.get(), value.data(), value.size()) < 0)
    return std::unexpected(
        system_error(fmt::format("the kernel refused a write to {}", file.string()), errno));
  return {};
}

std::string link_name(const std::filesystem::path& link) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(link, error);
  return error ? std::string() : target.filename().string();
}

std::vector<PciAddress> iommu_group_members(const HostPaths& paths, const PciAddress& address) {
  std::vector<PciAddress> members;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(paths.device(address) / "iommu_group" / "devices", error))
    if (const auto member = PciAddress::parse(entry.path().filename().string())) members.push_back(*member);
  std::ranges::sort(members);
  return members;
}

}  // namespace nvccd
