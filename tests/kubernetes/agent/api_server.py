"""An API server of the tests: nodes, pods and events with versions, watches and patches as Kubernetes has them, over
HTTPS. What a test wants to go wrong it says with `fault`; what nobody may do is refused and remembered."""
import copy
import http.server
import json
import re
import ssl
import threading
import urllib.parse

LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$")

# What the manifests allow; manifests_test.py compares them with this. (verb, resource, namespace)
ALLOWED = {
    ("get", "nodes", None), ("list", "nodes", None), ("watch", "nodes", None), ("patch", "nodes", None),
    ("create", "events", "default"), ("patch", "events", "default"),
    ("list", "pods", "gpu-operator"), ("watch", "pods", "gpu-operator"),
}


class Refused(Exception):
    def __init__(self, code, message, headers=None):
        super().__init__(message)
        self.code, self.message, self.headers = code, message, headers or {}


class Disconnect(Exception):
    """The connection ends here."""


class Request:
    """What a client has asked for."""

    def __init__(self, method, target, headers, body):
        parsed = urllib.parse.urlsplit(target)
        self.method, self.path = method, parsed.path
        self.query = {key: values[-1] for key, values in urllib.parse.parse_qs(parsed.query).items()}
        self.headers, self.text = headers, body
        parts = parsed.path.strip("/").split("/")[2:]  # without api/v1
        self.namespace = parts[1] if parts[0] == "namespaces" else None
        if self.namespace is not None:
            parts = parts[2:]
        self.resource = parts[0]
        self.name = urllib.parse.unquote(parts[1]) if len(parts) > 1 else None
        self.watch = self.query.get("watch") == "true"
        self.form = self.accepted_form()
        self.answered = None  # kind of the object in the answer

    def accepted_form(self):
        """What an object is turned into: "PartialObjectMetadata" or "PartialObjectMetadataList"; "" leaves it as it is. As
        the real server does: the first clause of Accept that it knows, whether or not the answer can have that form."""
        for clause in self.headers.get("Accept", "*/*").split(","):
            media, *parameters = (part.strip() for part in clause.split(";"))
            parameters = dict(part.partition("=")[::2] for part in parameters)
            if media not in ("application/json", "application/*", "*/*"):
                continue
            form = parameters.get("as", "")
            if form == "" or (form in ("PartialObjectMetadata", "PartialObjectMetadataList") and
                              (parameters.get("g"), parameters.get("v")) == ("meta.k8s.io", "v1")):
                return form
        return ""

    @property
    def verb(self):
        if self.method == "GET":
            return "watch" if self.watch else "get" if self.name else "list"
        return {"POST": "create", "PATCH": "patch"}.get(self.method, self.method)

    @property
    def body(self):
        return json.loads(self.text)

    def __str__(self):
        return f"{self.verb} {self.resource}"


class ApiServer:
    def __init__(self, certificate, key, token="secret-token"):
        self.lock = threading.Condition()
        self.token = token
        self.version = 100
        self.oldest = 0  # versions before it are forgotten
        self.objects = {"nodes": {}, "pods": {}, "events": {}}
        self.history = []  # (version, resource, type, object)
        self.requests = []
        self.violations = []
        self.faults = []
        self.on_step = None  # called with ("received" or "applied", request)
        self.bookmarks = 0
        self.connections = set()
        self.stopped = False
        handler = type("Handler", (Handler,), {"api": self})
        self.http = Server(("127.0.0.1", 0), handler)
        self.http.context = server_context(certificate, key)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        with self.lock:
            self.stopped = True
            self.lock.notify_all()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    # ---- what a test says ----

    def put(self, resource, name, labels=None, namespace=None, annotations=None):
        """Makes an object, or gives it these labels and annotations; one that is None goes."""
        with self.lock:
            known = self.objects[resource].get(name)
            thing = copy.deepcopy(known) or self.new_object(resource, name, namespace)
            merge(thing["metadata"], {"labels": labels or {}, "annotations": annotations or {}})
            self.store(resource, "MODIFIED" if known else "ADDED", thing)

    def remove(self, resource, name):
        with self.lock:
            self.store(resource, "DELETED", self.objects[resource].pop(name))

    def labels(self, name="node1"):
        with self.lock:
            return dict(self.objects["nodes"][name]["metadata"]["labels"])

    def events(self):
        """(reason, message, count), the oldest first."""
        with self.lock:
            return [(e["reason"], e["message"], e["count"]) for e in self.objects["events"].values()]

    def reasons(self):
        return [reason for reason, _, _ in self.events()]

    def fault(self, match, action, times=1):
        """The next `times` requests that `match` says (a text such as "watch nodes", or a function) get `action`: a
        function of the handler and the request, which answers, raises Refused or Disconnect, or just returns to let
        things go on."""
        if isinstance(match, str):
            text = match
            match = lambda request: str(request) == text
        with self.lock:
            self.faults.append([match, action, times])

    def forget_history(self, before=None):
        """Watches from a version before that one (now) are told 410."""
        with self.lock:
            self.oldest = self.version if before is None else before
            self.history = [entry for entry in self.history if entry[0] > self.oldest]

    def end_watches(self):
        """Ends those that there are; one that was asked for may be just about to begin."""
        with self.lock:
            self.lock.wait_for(lambda: self.connections, 60)
            for connection in list(self.connections):
                try:
                    connection.shutdown(2)
                except OSError:
                    pass

    def use_certificate(self, certificate, key):
        """From now on, and for those too who are connected."""
        self.http.context = server_context(certificate, key)
        self.http.end_connections()

    def bookmark(self):
        with self.lock:
            self.bookmarks += 1
            self.version += 1
            self.lock.notify_all()

    def wait(self, condition, what, limit=60):
        """Until it holds; the state of the server is what it may depend on."""
        with self.lock:
            if not self.lock.wait_for(condition, limit):
                requests = "\n".join(f"{r.method} {r.path} {r.query}" for r in self.requests[-15:])
                raise AssertionError(f"did not happen: {what}\nnode: {self.labels()}\nevents: {self.events()}\n"
                                     f"last requests:\n{requests}")

    def count(self, what):
        with self.lock:
            return sum(str(request) == what for request in self.requests)

    # ---- what it does ----

    def new_object(self, resource, name, namespace):
        metadata = {"name": name, "labels": {}, "annotations": {}, "uid": f"uid-{name}"}
        if namespace:
            metadata["namespace"] = namespace
        kind = {"nodes": "Node", "pods": "Pod", "events": "Event"}[resource]
        # As much as a real node has to say of itself.
        status = {"images": [{"names": [f"registry.example/image{i}@sha256:{'0' * 64}"]} for i in range(50)]}
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": {"nodeName": "node1"}, "status": status}

    def store(self, resource, change, thing):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        if change != "DELETED":
            self.objects[resource][thing["metadata"]["name"]] = thing
        self.history.append((self.version, resource, change, copy.deepcopy(thing)))
        self.lock.notify_all()

    def patch(self, request):
        things = self.objects[request.resource]
        if request.name not in things:
            raise Refused(404, f"{request.resource} \"{request.name}\" not found")
        if request.headers["Content-Type"] not in ("application/strategic-merge-patch+json",
                                                   "application/merge-patch+json"):
            raise Refused(415, "unsupported media type")
        thing = copy.deepcopy(things[request.name])
        patch = request.body
        expected = patch.get("metadata", {}).get("resourceVersion")
        if expected is not None and expected != thing["metadata"]["resourceVersion"]:
            raise Refused(409, "the object has been modified; please apply your changes to the latest version")
        before = copy.deepcopy(thing)
        merge(thing, patch)
        for key, value in thing["metadata"].get("labels", {}).items():
            if not LABEL_VALUE.match(value):
                raise Refused(422, f"metadata.labels: Invalid value: \"{value}\" of {key}")
        if thing != before:
            self.store(request.resource, "MODIFIED", thing)
        return thing

    def create(self, request):
        thing = request.body
        if thing["metadata"]["name"] in self.objects[request.resource]:
            raise Refused(409, "already exists")
        if request.resource == "events" and len(thing["message"]) > 1024:
            raise Refused(422, "message too long")
        self.store(request.resource, "ADDED", thing)
        return thing

    def selected(self, request, thing):
        for term in filter(None, request.query.get("fieldSelector", "").split(",")):
            path, _, value = term.partition("=")
            found = thing
            for part in path.split("."):
                found = found.get(part, {})
            if found != value:
                return False
        return request.namespace in (None, thing["metadata"].get("namespace"))


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def status(code, message):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code}


def represent(thing, request):
    """The object in the form that was asked for."""
    if request.form == "" or thing["kind"] == "Status":
        return thing
    is_list = "items" in thing
    if is_list != request.form.endswith("List"):
        raise Refused(406, f"you requested {request.form}, but the requested object is {'a' if is_list else 'not a'} list")
    if is_list:
        return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": thing["metadata"],
                "items": [partial(item) for item in thing["items"]]}
    return partial(thing)


def partial(thing):
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": thing["metadata"]}


def merge(target, patch):
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.connections, self.lock = set(), threading.Lock()

    def end_connections(self):
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(2)
                except OSError:
                    pass

    def finish_request(self, request, client_address):
        # Here, on the connection's own thread: a client that does not finish the handshake holds up nobody.
        try:
            secure = self.context.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return
        with self.lock:
            self.connections.add(secure)
        try:
            super().finish_request(secure, client_address)
        finally:
            with self.lock:
                self.connections.discard(secure)
            secure.close()

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do(self):
        api = self.api
        length = int(self.headers.get("Content-Length", 0))
        request = Request(self.command, self.path, self.headers, self.rfile.read(length).decode())
        try:
            with api.lock:
                api.requests.append(request)
                api.lock.notify_all()
            self.step("received", request)
            self.authorise(request)
            self.inject_fault(request)
            if request.watch:
                self.watch(request)
            else:
                # What was to be written has been, also when it cannot be shown as was asked.
                self.answer(200, represent(self.act(request), request), request)
        except Refused as refused:
            self.answer(refused.code, status(refused.code, refused.message), headers=refused.headers)
        except (Disconnect, OSError):
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do

    def step(self, when, request):
        if self.api.on_step:
            self.api.on_step(when, request)

    def authorise(self, request):
        if self.headers.get("Authorization") != f"Bearer {self.api.token}":
            raise Refused(401, "Unauthorized")
        if (request.verb, request.resource, request.namespace) not in ALLOWED:
            with self.api.lock:
                self.api.violations.append(str(request))
            raise Refused(403, f"{request.resource} is forbidden: cannot {request.verb}")

    def inject_fault(self, request):
        action = None
        with self.api.lock:
            for fault in self.api.faults:
                if fault[2] > 0 and fault[0](request):
                    fault[2] -= 1
                    action = fault[1]
                    break
        if action:
            action(self, request)

    def act(self, request):
        api = self.api
        with api.lock:
            if request.verb == "create":
                result = api.create(request)
            elif request.verb == "patch":
                result = api.patch(request)
            elif request.name:
                if request.name not in api.objects[request.resource]:
                    raise Refused(404, "not found")
                result = api.objects[request.resource][request.name]
            else:
                items = [thing for thing in api.objects[request.resource].values() if api.selected(request, thing)]
                result = {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": str(api.version)},
                          "items": items}
            result = copy.deepcopy(result)
        self.step("applied", request)
        return result

    def answer(self, code, thing, request=None, headers=None):
        if request:
            request.answered = thing["kind"]
        body = json.dumps(thing).encode()
        self.send_response(code)
        for key, value in {"Content-Type": "application/json", "Content-Length": str(len(body)),
                           **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    # ---- watches ----

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def send_data(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def send_event(self, kind, thing, request):
        shown = represent(thing, request)
        request.answered = shown["kind"]
        self.send_data(json.dumps({"type": kind, "object": shown}).encode() + b"\n")

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def watch(self, request):
        api = self.api
        version = int(request.query["resourceVersion"])
        self.begin_stream()
        if version < api.oldest:
            self.send_event("ERROR", status(410, f"too old resource version: {version}"), request)
            self.end_stream()
            return
        if request.form == "PartialObjectMetadataList":
            self.end_stream()  # no event can be shown as a list
            return
        with api.lock:
            api.connections.add(self.connection)
            api.lock.notify_all()
        try:
            self.follow(request, version)
        finally:
            api.connections.discard(self.connection)

    def follow(self, request, version):
        api = self.api
        bookmarks = api.bookmarks
        while True:
            with api.lock:
                api.lock.wait_for(lambda: api.stopped or api.bookmarks > bookmarks or
                                  (api.history and api.history[-1][0] > version))
                if api.stopped:
                    raise Disconnect
                news = [entry for entry in api.history if entry[0] > version]
                version = max([version] + [entry[0] for entry in news])
                bookmark = bookmarks < api.bookmarks
                if bookmark:
                    bookmarks, version = api.bookmarks, api.version
            for _, resource, kind, thing in news:
                if resource == request.resource and api.selected(request, thing):
                    self.send_event(kind, thing, request)
            if bookmark:
                self.send_event("BOOKMARK", {"kind": "Node", "apiVersion": "v1", "metadata": {
                    "resourceVersion": str(version), "creationTimestamp": None}}, request)
