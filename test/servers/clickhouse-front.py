"""ClickHouse's engine of today behind what a test needs of its HTTP interface: an INSERT whose rows are the body of a request, or a
statement that is the body. Takes a port and a folder for data."""

import gzip
import os
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from chdb import session

port, folder = int(sys.argv[1]), sys.argv[2]
engine = session.Session(os.path.join(folder, "data"))
# The engine takes one statement at a time.
turn = Lock()


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        insert = parse_qs(urlsplit(self.path).query).get("query")
        try:
            with turn:
                found = self.inserted(insert[0], body) if insert else engine.query(body.decode()).bytes()
        except RuntimeError as error:
            self.answer(500, str(error).encode())
        else:
            self.answer(200, found)

    def inserted(self, query, body):
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        into, _, name = query.rpartition(" FORMAT ")
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(body)
            file.flush()
            engine.query(f"{into} FROM INFILE '{file.name}' FORMAT {name}")
        return b""

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Front).serve_forever()
