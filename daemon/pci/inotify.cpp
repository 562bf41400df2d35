#include "daemon/pci/inotify.h"

#include <array>
#include <cerrno>

namespace nvccd {

std::expected<std::unique_ptr<Inotify>, int> Inotify::create(sd_event* event, Handler handler) {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return std::unexpected(errno);
  std::unique_ptr<Inotify> inotify(new Inotify(std::move(fd), std::move(handler)));
  auto& source = inotify->source_;
  int r = sd_event_add_io(event, out(source), inotify->fd_.get(), EPOLLIN, callback<&Inotify::on_event>,
                          inotify.get());
  if (r >= 0) r = sd_event_source_set_priority(source.get(), SD_EVENT_PRIORITY_IMPORTANT);
  if (r < 0) return std::unexpected(-r);
  return inotify;
}

std::expected<int, int> Inotify::add(const std::filesystem::path& path, std::uint32_t mask) {
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask);
  if (watch < 0) return std::unexpected(errno);
  return watch;
}

// One read at a time: the loop comes back for the rest before it does anything less important.
void Inotify::on_event() {
  alignas(inotify_event) std::array<char, 8192> buffer;
  const auto size = ::read(fd_.get(), buffer.data(), buffer.size());
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    handler_(*event);
  }
}

}  // namespace nvccd
