// test-kubelet DIRECTORY: a kubelet to try a device plugin with. Runs until it is interrupted.
#include <csignal>
#include <cstdio>

#include "test_kubelet.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: test-kubelet DIRECTORY\n", stderr);
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  nvccd::test::TestKubelet kubelet(argv[1]);
  kubelet.start();
  int signal = 0;
  sigwait(&signals, &signal);
  kubelet.stop();
  for (const auto& name : kubelet.resource_names()) {
    const auto resource = kubelet.resource(name);
    std::printf("%s: %d registrations, %zu lists, the last with %zu devices\n", name.c_str(),
                resource.registrations, resource.history.size(),
                resource.devices ? resource.devices->size() : 0);
  }
}
