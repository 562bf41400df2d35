#include "kubernetes/node-agent/memory.h"

#include <algorithm>
#include <utility>

namespace nvccd::agent {
namespace {

Refusal refusal_of(const Change& change, const CallError& error) {
  return {
      .change = change, .message = error.message, .because_of_use = error.kind == CallError::Kind::in_use};
}

bool is_newer_change(const client::JobView& job, const Memory::Cancelled& cancelled) {
  return is_mode_job(job) && job.id > cancelled.newest_job;
}

}  // namespace

Memory on_wish(Memory memory, const Wish& wish) {
  if (wish == memory.wish) return memory;
  memory.wish = wish;
  memory.check.reset();
  memory.refusal.reset();
  memory.cancelled.reset();
  return memory;
}

Memory on_devices(Memory memory, std::span<const client::DeviceView> devices) {
  const auto known = std::exchange(memory.devices, {});
  const auto used = std::exchange(memory.used, {});
  for (const auto& device : devices) {
    memory.devices.insert(device.address);
    if (device.in_use) memory.used.insert(device.address);
  }
  const bool others = memory.devices != known;
  if (others) memory.check.reset();
  if (memory.refusal && (others || (memory.refusal->because_of_use && memory.used != used)))
    memory.refusal.reset();
  return memory;
}

Memory on_nvccd_present(Memory memory) {
  memory.nvccd_is_missing = false;
  return memory;
}

Memory on_nvccd_absent(Memory memory) {
  memory.check.reset();
  memory.refusal.reset();
  memory.job.reset();
  memory.cancelled_job.reset();
  return memory;
}

Memory on_nvccd_missing(Memory memory) {
  memory.nvccd_is_missing = true;
  return memory;
}

Memory on_operands_awaited_long(Memory memory) {
  memory.waited_long_enough = true;
  return memory;
}

Memory on_operands_not_awaited(Memory memory) {
  memory.waited_long_enough = false;
  return memory;
}

Memory on_cancel(Memory memory, std::uint64_t job) {
  memory.cancelled_job = job;
  return memory;
}

Memory on_check_answered(Memory memory, const Change& change, const CallResult& result) {
  if (result)
    memory.check = Check{.change = change, .affects = result->affects};
  else if (result.error().kind != CallError::Kind::passing)
    memory.refusal = refusal_of(change, result.error());
  return memory;
}

Memory on_change_answered(Memory memory, const Change& change, const CallResult& result) {
  if (result)
    memory.job = Memory::Job{.path = result->job, .change = change};
  else if (result.error().kind != CallError::Kind::passing)
    memory.refusal = refusal_of(change, result.error());
  return memory;
}

JobEnd end_of_job(const Memory& memory, const std::string& path, const client::JobView& job) {
  if (!memory.job || memory.job->path != path) return JobEnd::not_ours;
  if (job.state == JobState::done) return JobEnd::done;
  if (job.state == JobState::failed) return JobEnd::failed;
  return memory.cancelled_job == job.id ? JobEnd::cancelled_by_us : JobEnd::cancelled;
}

Memory on_job_ended(Memory memory, const std::string& path, const client::JobView& job,
                    std::span<const client::JobView> others) {
  if (memory.cancelled && is_newer_change(job, *memory.cancelled)) memory.cancelled.reset();
  const JobEnd end = end_of_job(memory, path, job);
  if (end == JobEnd::not_ours) return memory;
  const Change change = std::exchange(memory.job, std::nullopt)->change;
  if (end == JobEnd::failed)
    memory.refusal = refusal_of(change, {.kind = kind_of_error(job.error_name), .message = job.error});
  if (end == JobEnd::cancelled) {
    memory.cancelled =
        Memory::Cancelled{.refusal = {.change = change, .message = job.error}, .newest_job = job.id};
    for (const client::JobView& other : others)
      memory.cancelled->newest_job = std::max(memory.cancelled->newest_job, other.id);
  }
  return memory;
}

Memory on_jobs_read(Memory memory, std::span<const client::JobView> jobs) {
  const auto cancelled = std::exchange(memory.cancelled, std::nullopt);
  if (cancelled &&
      std::ranges::none_of(jobs, [&](const auto& job) { return is_newer_change(job, *cancelled); }))
    memory.refusal = cancelled->refusal;
  return memory;
}

Memory on_jobs_lost(Memory memory) {
  memory.cancelled.reset();
  return memory;
}

}  // namespace nvccd::agent
