#!/usr/bin/python3
"""kubernetes_api.py CERTIFICATE KEY KUBECONFIG SOCKET: the API server of the tests with one node, node1, for a guest. Writes a
kubeconfig for the agent. On the socket it takes a line of JSON, labels for the node (null takes one away), and answers with all
labels of the node and what the events say."""
import json
import pathlib
import socketserver
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from api_server import ApiServer  # noqa: E402


def main():
    certificate, key, kubeconfig, socket = sys.argv[1:5]
    api = ApiServer(certificate, key)
    api.put("nodes", "node1")
    pathlib.Path(kubeconfig).write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{api.port}", "certificate-authority": certificate}}],
        "users": [{"name": "u", "user": {"token": api.token}}]}))

    class Control(socketserver.StreamRequestHandler):
        def handle(self):
            api.put("nodes", "node1", json.loads(self.rfile.readline()))
            self.wfile.write(json.dumps({"labels": api.labels(), "events": [message for _, message, _ in api.events()],
                                         "violations": [str(each) for each in api.violations]}).encode())

    with socketserver.UnixStreamServer(socket, Control) as server:
        print("listening", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
