// What this process knows besides what it can read: what it has asked of nvccd, and what it was told came of
// it. A value; each function below says what is remembered after something has happened.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "kubernetes/node-agent/call_result.h"
#include "kubernetes/node-agent/decision.h"

namespace nvccd::agent {

struct Memory {
  // A job of ours that has not ended.
  struct Job {
    std::string path;
    Change change;
    bool operator==(const Job&) const = default;
  };
  // A job of ours that was cancelled, and not by us: a refusal, unless a newer job came in its place.
  struct Cancelled {
    Refusal refusal;
    std::uint64_t newest_job = 0;  // the newest one known when that job ended
    bool operator==(const Cancelled&) const = default;
  };

  Wish wish = {};
  std::optional<Check> check = {};                // of the wish
  std::optional<Refusal> refusal = {};            // of the wish
  std::set<std::string> devices = {}, used = {};  // addresses: check and refusal are about these
  std::optional<Job> job = {};
  std::optional<std::uint64_t> cancelled_job = {};  // by us
  std::optional<Cancelled> cancelled = {};
  bool waited_long_enough = false;  // for the operands
  bool nvccd_is_missing = false;    // for longer than a restart takes
  bool operator==(const Memory&) const = default;
};

// With another wish, the answers to the old one do not count any more.
Memory on_wish(Memory memory, const Wish& wish);
// With other devices, or once a device is free, nvccd may answer otherwise.
Memory on_devices(Memory memory, std::span<const client::DeviceView> devices);

Memory on_nvccd_present(Memory memory);
// When nvccd comes back it has forgotten what it was asked, and may answer otherwise.
Memory on_nvccd_absent(Memory memory);
Memory on_nvccd_missing(Memory memory);

Memory on_operands_awaited_long(Memory memory);
Memory on_operands_not_awaited(Memory memory);

// nvccd is about to be asked to cancel the job.
Memory on_cancel(Memory memory, std::uint64_t job);
// The answer to CheckMode.
Memory on_check_answered(Memory memory, const Change& change, const CallResult& result);
// The answer to SetMode or ClearMode.
Memory on_change_answered(Memory memory, const Change& change, const CallResult& result);

// What the end of a job means to this agent. `job` is the last that was heard of it.
enum class JobEnd { not_ours, done, failed, cancelled_by_us, cancelled };
JobEnd end_of_job(const Memory& memory, const std::string& path, const client::JobView& job);
// When a change was cancelled, or turned out to be impossible, nvccd goes back to the node mode it had
// before. To ask for it again would only end in the same way. `others`: the jobs that are known now.
Memory on_job_ended(Memory memory, const std::string& path, const client::JobView& job,
                    std::span<const client::JobView> others);
// All of nvccd's jobs were read anew after a job of ours had ended. nvccd also cancels a waiting change when
// it is asked for another one, and announces that other one only then.
Memory on_jobs_read(Memory memory, std::span<const client::JobView> jobs);
// nvccd is not there to tell of its jobs.
Memory on_jobs_lost(Memory memory);

}  // namespace nvccd::agent
