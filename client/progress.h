// How a change that runs is shown.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client/job_follower.h"
#include "client/text.h"

namespace nvccd::client {

// A bar and a line a device that are redrawn in place, on standard error where that is a terminal. Otherwise
// a line on standard output whenever the job comes to another phase.
std::unique_ptr<Progress> make_progress(std::string title);

// ---- parts, pure ----

// "[#########-----------]"
std::string bar(double progress, std::size_t width);

// The bar and at most `lines - 1` devices, each line narrower than the page.
std::vector<std::string> progress_lines(const std::string& title, const JobView& job,
                                        const std::vector<DeviceView>& devices, std::chrono::seconds elapsed,
                                        const Page& page, std::size_t lines);

}  // namespace nvccd::client
