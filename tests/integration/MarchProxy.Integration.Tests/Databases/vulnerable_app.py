"""A web app that puts what it is given into its SQL: four ways to be injected. DSN and port by argument."""
import sys, psycopg2
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse, parse_qs

DSN = sys.argv[1]

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlparse(self.path)
        q = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        one = q.get("q", "")
        sql = {
            "/item": "SELECT id, name FROM items WHERE id = %s" % one,
            "/search": "SELECT id, name FROM items WHERE name LIKE '%%%s%%' ORDER BY id" % one,
            "/login": "SELECT count(*) FROM users WHERE login = '%s' AND active = 1" % one,
            "/sorted": "SELECT id, name FROM items ORDER BY %s LIMIT 5" % (one or "id"),
        }.get(url.path)
        body, status = "", 200
        try:
            connection = psycopg2.connect(DSN)
            connection.autocommit = True
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    rows = cursor.fetchall() if cursor.description else []
                    body = "\n".join(" ".join(map(str, row)) for row in rows) or "nothing"
            finally:
                connection.close()
        except psycopg2.Error as e:
            status, body = 500, "error: %s" % e
        data = ("<html><body><h1>shop</h1><pre>%s</pre></body></html>" % body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
