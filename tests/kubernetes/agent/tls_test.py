"""Which API servers the agent trusts."""
import shutil
import unittest

from agent_fixture import AgentTest, Authority, encoded


class Tls(AgentTest):
    def use_server(self, certificate, key):
        self.api.stop()
        self.api = self.start_api(certificate, key)
        self.write_kubeconfig()
        self.api.put("nodes", "node1")

    def expect_refusal(self, *texts):
        self.start_nvccd()
        self.start_agent()
        self.expect(lambda: "trying again" in self.agent_log(), "the agent says so")
        log = self.agent_log()
        self.assertTrue(any(text in log for text in texts), log)
        self.assertEqual(self.api.requests, [], "something was sent to a server that is not trusted")

    def test_a_server_of_another_authority_is_not_trusted(self):
        self.use_server(*Authority(self.directory, "stranger").issue("server"))
        self.expect_refusal("certificate problem", "certificate verify", "unable to get local issuer")

    def test_a_certificate_for_another_host_is_not_trusted(self):
        self.use_server(*self.authority.issue("elsewhere", "DNS:elsewhere.example"))
        self.expect_refusal("does not match", "no alternative certificate subject name")

    def test_an_expired_certificate_is_not_trusted(self):
        self.use_server(*self.authority.issue("expired", days="-1"))
        self.expect_refusal("expired")

    def test_a_certificate_for_the_name_that_the_kubeconfig_gives_is_trusted(self):
        self.use_server(*self.authority.issue("named", "DNS:api.cluster.example"))
        self.write_kubeconfig(cluster={"tls-server-name": "api.cluster.example"})
        self.start_nvccd()
        self.start_agent()
        self.expect_labels(ready="true")

    def test_an_authority_that_is_replaced_is_read_again(self):
        authority = self.directory / "ca.crt"
        shutil.copy(self.authority.certificate, authority)
        self.write_kubeconfig(cluster={"certificate-authority": str(authority)})
        self.start_nvccd(node_mode="on")
        self.add_node(mode="on")
        self.start_agent()
        self.expect_labels(mode_state="on", ready="true")
        rotated = Authority(self.directory, "rotated")
        shutil.copy(rotated.certificate, authority)
        self.api.use_certificate(*rotated.issue("rotated-server"))
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off", ready="false")

    def test_authority_and_token_may_stand_in_the_kubeconfig_itself(self):
        self.api.put("nodes", "node1")
        self.write_kubeconfig(cluster={"certificate-authority": None,
                                       "certificate-authority-data": encoded(self.authority.certificate)},
                              user={"token": self.api.token})
        self.start_nvccd()
        self.start_agent()
        self.expect_labels(ready="true")


if __name__ == "__main__":
    unittest.main(verbosity=2)
