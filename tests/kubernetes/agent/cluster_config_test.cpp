// Which API server is spoken to, and with which credentials.
#include "kubernetes/node-agent/cluster_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/support/temporary_directory.h"

namespace nvccd::agent {
namespace {

// A kubeconfig with these lines in its cluster and its user.
std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts:\n- name: other\n  context: {cluster: x, user: x}\n"
         "- name: here\n  context:\n    cluster: c\n    user: u\n"
         "clusters:\n- name: c\n  cluster:\n" +
         cluster + "users:\n- name: u\n  user:\n" + user;
}

constexpr auto plain_cluster = "    server: https://api.example:6443/\n    certificate-authority: ca.crt\n";

std::string refusal(const std::string& text) {
  const auto config = parse_kubeconfig(text, "/etc/nvccd");
  return config ? "" : config.error().message();
}

TEST(Kubeconfig, GivesServerAuthorityAndToken) {
  const auto config = parse_kubeconfig(kubeconfig(plain_cluster, "    token: abc\n"), "/etc/nvccd");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.url, "https://api.example:6443");
  EXPECT_EQ(config->endpoint.authority, Pem::in_file("/etc/nvccd/ca.crt"));
  EXPECT_EQ(config->token(), "abc");
}

TEST(Kubeconfig, MayHoldEverythingItself) {
  const auto config =
      parse_kubeconfig(kubeconfig("    server: https://api.example\n    certificate-authority-data: Y2E=\n",
                                  "    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n"),
                       "/");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.authority, Pem::of_text("ca"));
  EXPECT_EQ(config->endpoint.certificate, Pem::of_text("cert"));
  EXPECT_EQ(config->endpoint.key, Pem::of_text("key"));
  EXPECT_EQ(config->token(), "");
}

TEST(Kubeconfig, OfAKubeletWorks) {
  const auto config =
      parse_kubeconfig(kubeconfig(plain_cluster,
                                  "    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n"
                                  "    client-key: /var/lib/kubelet/pki/kubelet-client-current.pem\n"),
                       "/etc/kubernetes");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.certificate, Pem::in_file("/var/lib/kubelet/pki/kubelet-client-current.pem"));
}

TEST(Kubeconfig, WhatWouldWeakenTheConnectionIsRefused) {
  EXPECT_TRUE(refusal(kubeconfig("    server: http://api.example\n", "    token: abc\n")).contains("https"));
  EXPECT_TRUE(
      refusal(kubeconfig("    server: https://a\n    insecure-skip-tls-verify: true\n", "    token: a\n"))
          .contains("insecure-skip-tls-verify"));
  EXPECT_TRUE(
      refusal(kubeconfig("    server: https://a\n", "    token: a\n")).contains("no certificate-authority"))
      << "the system's authorities vouch for half the world";
}

TEST(Kubeconfig, WhatIsNotSupportedIsSaidAndNotLeftOut) {
  EXPECT_TRUE(refusal(kubeconfig("    server: https://a\n    proxy-url: http://p\n", "    token: a\n"))
                  .contains("proxy-url"));
  EXPECT_TRUE(refusal(kubeconfig(plain_cluster, "    exec: {command: aws}\n")).contains("exec"));
  EXPECT_TRUE(refusal(kubeconfig(plain_cluster, "    username: a\n    password: b\n")).contains("username"));
  EXPECT_TRUE(refusal(kubeconfig(plain_cluster, "    {}\n")).contains("neither a token"));
}

TEST(Kubeconfig, WhatIsMissingIsNamed) {
  EXPECT_TRUE(refusal("{}").contains("current-context"));
  EXPECT_TRUE(refusal("current-context: x").contains("context \"x\""));
  EXPECT_TRUE(refusal("current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]")
                  .contains("cluster \"c\""));
}

TEST(Kubeconfig, WhatIsEmptyIsNotSupportedEither) {
  for (const auto* user : {"    exec: {}\n", "    exec:\n", "    auth-provider: []\n", "    password: ~\n"})
    EXPECT_TRUE(
        refusal(kubeconfig(plain_cluster, user + std::string("    token: abc\n"))).contains("not supported"))
        << user;
  EXPECT_TRUE(refusal(kubeconfig(plain_cluster, "    token: null\n")).contains("neither a token"));
  EXPECT_EQ(refusal(kubeconfig(plain_cluster, "    token: 'null'\n")), "");
}

TEST(Kubeconfig, OfAKeyTwiceTheLastCountsAsForKubectl) {
  const auto config = parse_kubeconfig(kubeconfig(plain_cluster, "    token: one\n    token: two\n"), "/");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->token(), "two");
}

TEST(Kubeconfig, OfANameTwiceTheFirstEntryCounts) {
  const auto config = parse_kubeconfig(
      kubeconfig(plain_cluster, "    token: one\n- name: u\n  user:\n    token: two\n"), "/");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->token(), "one");
}

TEST(Kubeconfig, AnAliasIsWhatItStandsFor) {
  const auto config = parse_kubeconfig(
      "current-context: &name here\ncontexts: [{name: *name, context: {cluster: *name, user: *name}}]\n"
      "clusters: [{name: *name, cluster: {server: 'https://a', certificate-authority: ca}}]\nusers: [{name: "
      "*name, user: {token: "
      "*name}}]\n",
      "/");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->token(), "here");
}

TEST(Kubeconfig, Base64MayHaveSeveralLinesAndNothingElse) {
  const auto with_key = [](const std::string& key) {
    return kubeconfig(plain_cluster, "    token: abc\n    client-key-data: " + key + "\n");
  };
  const auto config = parse_kubeconfig(with_key("|\n      a2V5\n      IDE=\n"), "/");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.key, Pem::of_text("key 1"));
  EXPECT_EQ(parse_kubeconfig(with_key("+/8A"), "/")->endpoint.key,
            Pem::of_text(std::string("\xfb\xff\0", 3)));
  for (const auto* wrong : {"a2V", "a2V5=", "a2==a2V5", "a===", "====", "'?2V5'", "-----BEGIN"})
    EXPECT_TRUE(refusal(with_key(wrong)).contains("client-key-data is not base64")) << wrong;
}

TEST(Kubeconfig, NonsenseIsAnErrorThatQuotesNothing) {
  for (const char* text :
       {"", "7", "[]", "current-context: [", "a: b: secret-token: c", "\t- secret-token\n\t x",
        "contexts: {name: x}\ncurrent-context: x", "&a [*a, *a]\n: x",
        "current-context: x\ncontexts: [7, [], {name: [x]}, {context: x}]"}) {
    const std::string said = refusal(text);
    EXPECT_FALSE(said.empty()) << text;
    EXPECT_FALSE(said.contains("secret-token")) << said;
  }
}

class ServiceAccount : public ::testing::Test {
 protected:
  Result<ClusterConfig> read() {
    return in_cluster_config(directory.path(), [this](const char* name) {
      const auto place = environment.find(name);
      return place == environment.end() ? nullptr : place->second.c_str();
    });
  }
  void write_token(const std::string& token) { std::ofstream(directory.path() / "token") << token; }

  test::TemporaryDirectory directory;
  std::map<std::string, std::string, std::less<>> environment{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                                              {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(ServiceAccount, OfAPodIsUsed) {
  write_token("first\n");
  const auto config = read();
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.url, "https://10.0.0.1:443");
  EXPECT_EQ(config->endpoint.authority, Pem::in_file(directory.path() / "ca.crt"));
  EXPECT_EQ(config->token(), "first");
  write_token("second");
  EXPECT_EQ(config->token(), "second") << "tokens are replaced while the pod runs";
}

TEST_F(ServiceAccount, AnIpv6ServiceIsReached) {
  write_token("x");
  environment["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  EXPECT_EQ(read()->endpoint.url, "https://[fd00::1]:443");
}

TEST_F(ServiceAccount, OutsideOfAPodTheAdviceIsAKubeconfig) {
  write_token("x");
  environment.clear();
  EXPECT_TRUE(read().error().message().contains("--kubeconfig"));
}

TEST_F(ServiceAccount, ATokenWithALineInItIsNotSent) {
  write_token("one\r\nHost: two");
  EXPECT_FALSE(read());
}

}  // namespace
}  // namespace nvccd::agent
