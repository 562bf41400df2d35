#include "curl_faults.h"

#include <curl/curl.h>
#include <dlfcn.h>

#include <cstdarg>
#include <stdexcept>

#undef curl_easy_setopt
#undef curl_multi_setopt

namespace {

nvccd::test::CurlFaults* faults = nullptr;

bool set_up_fails() {
  return faults != nullptr && faults->fails(false);
}

template <typename Function>
Function* real(Function*, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

namespace nvccd::test {

CurlFaults::CurlFaults(unsigned failing_call, bool while_running)
    : failing_call_(failing_call), while_running_(while_running) {
  if (faults != nullptr) throw std::logic_error("libcurl has its fault already");
  faults = this;
}

CurlFaults::~CurlFaults() {
  faults = nullptr;
}

}  // namespace nvccd::test

// Each argument of the options is as wide as a pointer, wherever this runs.
static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));

#pragma GCC diagnostic ignored "-Wvarargs"  // libcurl's own, too, take an enum before their dots

extern "C" {

CURLcode curl_global_init(long flags) {
  return set_up_fails() ? CURLE_OUT_OF_MEMORY : real(curl_global_init, "curl_global_init")(flags);
}
CURL* curl_easy_init() {
  return set_up_fails() ? nullptr : real(curl_easy_init, "curl_easy_init")();
}
CURLcode curl_easy_setopt(CURL* handle, CURLoption option, ...) {
  va_list arguments;
  va_start(arguments, option);
  void* const value = va_arg(arguments, void*);
  va_end(arguments);
  return set_up_fails() ? CURLE_OUT_OF_MEMORY
                        : real(curl_easy_setopt, "curl_easy_setopt")(handle, option, value);
}
CURLM* curl_multi_init() {
  return set_up_fails() ? nullptr : real(curl_multi_init, "curl_multi_init")();
}
CURLMcode curl_multi_setopt(CURLM* multi, CURLMoption option, ...) {
  va_list arguments;
  va_start(arguments, option);
  void* const value = va_arg(arguments, void*);
  va_end(arguments);
  return set_up_fails() ? CURLM_OUT_OF_MEMORY
                        : real(curl_multi_setopt, "curl_multi_setopt")(multi, option, value);
}
CURLMcode curl_multi_add_handle(CURLM* multi, CURL* handle) {
  return set_up_fails() ? CURLM_OUT_OF_MEMORY
                        : real(curl_multi_add_handle, "curl_multi_add_handle")(multi, handle);
}
curl_slist* curl_slist_append(curl_slist* list, const char* text) {
  return set_up_fails() ? nullptr : real(curl_slist_append, "curl_slist_append")(list, text);
}
CURLU* curl_url() {
  return set_up_fails() ? nullptr : real(curl_url, "curl_url")();
}
CURLUcode curl_url_set(CURLU* url, CURLUPart part, const char* text, unsigned flags) {
  return set_up_fails() ? CURLUE_OUT_OF_MEMORY : real(curl_url_set, "curl_url_set")(url, part, text, flags);
}
CURLMcode curl_multi_socket_action(CURLM* multi, curl_socket_t socket, int events, int* running) {
  return faults != nullptr && faults->fails(true)
             ? CURLM_OUT_OF_MEMORY
             : real(curl_multi_socket_action, "curl_multi_socket_action")(multi, socket, events, running);
}

}  // extern "C"
