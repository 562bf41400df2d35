#include "kubernetes/state/state_watch.h"

#include <utility>

namespace nvccd::kubernetes {

StateWatch::StateWatch(std::filesystem::path path, Handler changed)
    : path_(std::move(path)), changed_(std::move(changed)) {}

Result<std::unique_ptr<StateWatch>> StateWatch::create(sd_event* event, std::filesystem::path path,
                                                       Handler changed) {
  std::unique_ptr<StateWatch> self(new StateWatch(std::move(path), std::move(changed)));
  auto watch = PathWatch::create(event, self->path_, [self = self.get()](PathEvent) {
    self->state_ = read_state_file(self->path_);
    self->changed_();
  });
  if (!watch) return std::unexpected(watch.error());
  self->watch_ = *std::move(watch);
  // Only now, so that no change is missed in between.
  self->state_ = read_state_file(self->path_);
  return self;
}

}  // namespace nvccd::kubernetes
