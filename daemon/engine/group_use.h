// Who opened and closed the VFIO nodes, as far as inotify tells. A group's node is shared by its devices.
//
// inotify does not say who opens a node: while a worker of ours has a device of the node, openings and
// closings may be our own. Our own are balanced, so what is left over when the last worker is back was
// somebody else's.
#pragma once

#include <map>
#include <string>

namespace nvccd {

class GroupUse {
 public:
  enum class Verdict { nothing, opened, closed };

  void opened_while_ours(const std::string& node) { ++uses_[node].balance; }
  void closed_while_ours(const std::string& node) {
    --uses_[node].balance;
    uses_[node].let_go = true;
  }

  // Whether somebody opened the node, or closed it, since the work began. Meaningful only for a worker that
  // never had the device, as that worker has opened nothing itself.
  bool seen_open(const std::string& node) const { return find(node).balance > 0; }
  bool let_go(const std::string& node) const { return find(node).let_go; }

  // Called when no worker of ours has the node any more. Returns what others did meanwhile, and forgets it.
  Verdict settle(const std::string& node) {
    const int balance = find(node).balance;
    uses_.erase(node);
    if (balance == 0) return Verdict::nothing;
    return balance > 0 ? Verdict::opened : Verdict::closed;
  }
  void forget_all() { uses_.clear(); }

 private:
  struct Use {
    int balance = 0;  // openings minus closings
    bool let_go = false;
  };
  Use find(const std::string& node) const {
    const auto position = uses_.find(node);
    return position != uses_.end() ? position->second : Use{};
  }

  std::map<std::string, Use> uses_;  // by path
};

}  // namespace nvccd
