"""Clients of MySQL's protocol for the tests: mysql_clients.py PORT PASSWORD WHAT [ARGUMENT]. Says "fine" when all was as it should be."""
import os
import socket
import sys
import threading
import time

import pymysql
from pymysql.constants import CLIENT

PORT, PASSWORD, WHAT = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def connect(**options):
    return pymysql.connect(**{"host": "127.0.0.1", "port": PORT, "user": "app", "password": PASSWORD, "database": "crm", "autocommit": True, **options})


def ask(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def same(found, wanted):
    assert found == wanted, f"{found!r} where {wanted!r} was due"


def refused(run, code, word=""):
    try:
        found = run()
    except pymysql.MySQLError as error:
        assert error.args[0] == code and word in str(error.args[1]), f"{error.args} where {code} was due"
        return
    raise AssertionError(f"{found!r} where {code} was due")


def results(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found


def firewall():
    app = connect()
    refused(lambda: ask(app, "SELECT * FROM items WHERE v = '' OR '1' = '1'"), 1227, "rule tautology-or")
    refused(lambda: ask(app, "SELECT * FROM mysql.user"), 1142, "blocked-object")
    refused(lambda: ask(app, "CREATE USER mallory"), 1227, "not-granted")
    refused(lambda: ask(app, "SELECT 1; SELECT 2"), 1235, "CLIENT_MULTI_STATEMENTS")
    refused(lambda: ask(app, "SET NAMES gbk"), 1115, "utf8mb4")
    refused(lambda: ask(app, "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE items"), 1148, "localInfile")
    same(ask(app, "SELECT 7"), ((7,),))
    reader = connect(user="reader")
    same(len(ask(reader, "SELECT * FROM items WHERE id < 3")), 2)
    for sql in ("SELECT * FROM secret", "DELETE FROM items WHERE id = 1", "UPDATE items SET v = 'x' WHERE id = 1"):
        refused(lambda sql=sql: ask(reader, sql), 1142, "not-granted")
    refused(lambda: reader.select_db("elsewhere"), 1044)
    same(ask(reader, "SELECT 1"), ((1,),))

    # What sql_mode says of quotes is followed: here a backslash ends nothing.
    ask(app, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    refused(lambda: ask(app, "SELECT '\\' OR 1 = 1 -- '"), 1227, "rule")
    ask(app, "SET sql_mode = DEFAULT")
    same(ask(app, "SELECT '\\' OR 1 = 1 -- '"), (("' OR 1 = 1 -- ",),))


def state():
    app, others = connect(), [connect() for _ in range(6)]
    app.begin()
    ask(app, "INSERT INTO items (v) VALUES ('gone')")
    app.rollback()
    same(ask(app, "SELECT COUNT(*) FROM items WHERE v = 'gone'"), ((0,),))
    for sql in ("SET SESSION sql_mode = 'ANSI_QUOTES'", "SET time_zone = '+02:00'", "SET NAMES latin1 COLLATE latin1_bin", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"):
        ask(app, sql)
    for _ in range(3):
        for other in others:
            same(ask(other, "SELECT @@sql_mode LIKE '%ANSI%', @@time_zone, @@collation_connection, @@tx_isolation"), ((0, "SYSTEM", "utf8mb4_general_ci", "REPEATABLE-READ"),))
        same(ask(app, "SELECT @@sql_mode, @@time_zone, @@collation_connection, @@tx_isolation"), (("ANSI_QUOTES", "+02:00", "latin1_bin", "READ-COMMITTED"),))
        same(ask(app, 'SELECT "id" FROM "items" WHERE "id" = 1'), ((1,),))
    ask(app, "INSERT INTO items (v) VALUES ('mine')")
    mine = app.insert_id()
    for other in others:
        ask(other, "INSERT INTO items (v) VALUES ('theirs')")
    same(ask(app, "SELECT LAST_INSERT_ID()"), ((mine,),))
    ask(app, "SET @mine = 5")
    ask(app, "CREATE TEMPORARY TABLE passing (x INT)")
    same(ask(app, "SELECT @mine, (SELECT COUNT(*) FROM passing)"), ((5, 0),))
    for other in others:
        same(ask(other, "SELECT @mine"), ((None,),))
    app.close()
    for _ in range(8):
        for other in others:
            same(ask(other, "SELECT @mine, @@time_zone"), ((None, "SYSTEM"),))
            refused(lambda other=other: ask(other, "SELECT * FROM passing"), 1146)
    others[0].select_db("crm")
    same(ask(others[0], "USE crm"), ())
    refused(lambda: others[0].select_db("mysql"), 1044)

    # How rows are counted is as each client wants it, whichever connection it is lent.
    found, changed = connect(client_flag=CLIENT.FOUND_ROWS), others[1]
    for _ in range(4):
        with found.cursor() as cursor:
            same(cursor.execute("UPDATE items SET v = 'same' WHERE id = 2") in (0, 1), True)
            same(cursor.execute("UPDATE items SET v = 'same' WHERE id = 2"), 1)
        with changed.cursor() as cursor:
            same(cursor.execute("UPDATE items SET v = 'same' WHERE id = 2"), 0)


def several():
    app = connect(client_flag=CLIENT.MULTI_STATEMENTS)
    same(results(app, "SELECT 1; SELECT 2; INSERT INTO items (v) VALUES ('third'); SELECT 3"), [((1,),), ((2,),), (), ((3,),)])
    refused(lambda: results(app, "SELECT 1; DROP USER mallory"), 1227)
    same(ask(app, "SELECT 4"), ((4,),))
    same(results(app, "CALL twice()"), [((1,),), ((2,),), ()])
    refused(lambda: ask(connect(), "SELECT 1; SELECT 2"), 1235)


def big():
    app = connect(database="edward", max_allowed_packet=64 << 20)
    for length in (0xFFFFFF - 5, 0xFFFFFF - 4, 0xFFFFFF, 17 << 20, 34 << 20):
        same(len(ask(app, f"SELECT REPEAT('x', {length})")[0][0]), length)
        same(ask(app, "SELECT 5"), ((5,),))
    text = "y" * (15 << 20)
    same(ask(app, f"SELECT LENGTH('{text}')"), ((15 << 20,),))
    for _ in range(2):
        # What is too long is refused, and costs nothing else.
        refused(lambda: ask(app, f"SELECT LENGTH('{text}{text}')"), 1153)
        same(ask(app, "SELECT 6"), ((6,),))


def loads():
    app = connect(database="filled", local_infile=True)
    ask(app, "CREATE OR REPLACE TABLE loaded (line VARCHAR(200))")
    with app.cursor() as cursor:
        same(cursor.execute(f"LOAD DATA LOCAL INFILE '{sys.argv[4]}' INTO TABLE loaded"), 5000)
    same(ask(app, "SELECT COUNT(*) FROM loaded"), ((5000,),))


def kills():
    app, other = connect(), connect()
    ask(app, "SELECT 1")
    error = []

    def run():
        try:
            ask(app, "SELECT COUNT(*) FROM numbers a, numbers b, numbers c, numbers d WHERE a.n + b.n + c.n > d.n")
        except pymysql.MySQLError as e:
            error.append(e.args[0])

    waiting = threading.Thread(target=run)
    waiting.start()
    while waiting.is_alive():
        ask(other, f"KILL QUERY {app.thread_id()}")
        waiting.join(0.05)
    same(error, [1317])
    same(ask(app, "SELECT 2"), ((2,),))
    refused(lambda: ask(connect(user="reader"), f"KILL {app.thread_id()}"), 1095)
    refused(lambda: ask(other, "KILL QUERY 4294967290"), 1094)
    other.kill(app.thread_id())
    try:
        ask(app, "SELECT 3")
        raise AssertionError("a killed connection goes on")
    except pymysql.MySQLError:
        pass


def tags():
    wrong = []

    def interrupted(app, mark):
        try:
            rows = ask(app, f"SELECT '{mark}', COUNT(*) FROM numbers a, numbers b, numbers c WHERE a.n + b.n > c.n")
            wrong.append((mark, rows))
        except (pymysql.MySQLError, OSError):
            pass

    def run(i):
        for n in range(12):
            try:
                app = connect()
                mark = f"tag-{i}-{n}"
                if n % 4 == 3:
                    # It leaves in the middle, or is killed: its answer must reach nobody.
                    client, killer, thread = app._sock, connect(), threading.Thread(target=interrupted, args=(app, mark))
                    thread.start()
                    thread.join(0.02)
                    if n % 8 == 3 and thread.is_alive():
                        client.shutdown(socket.SHUT_RDWR)
                    while n % 8 != 3 and thread.is_alive():
                        ask(killer, f"KILL QUERY {app.thread_id()}")
                        thread.join(0.05)
                    thread.join()
                    killer.close()
                    continue
                rows = ask(app, f"SELECT '{mark}' FROM numbers WHERE n < {n % 3 * 60 + 1}")
                if len(rows) != n % 3 * 60 + 1 or any(row[0] != mark for row in rows):
                    wrong.append((mark, rows[:2]))
                app.close()
            except Exception as e:
                wrong.append((i, n, repr(e)))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(wrong, [])


def counts():
    """Adds one over and over until the file comes; says how often it was told so, and how often not."""
    told, failed = [0] * 8, [0] * 8

    def run(i):
        app = None
        while not os.path.exists(sys.argv[4]):
            try:
                app = app or connect()
                ask(app, "UPDATE hits SET n = n + 1 WHERE id = 1")
                told[i] += 1
            except pymysql.MySQLError as e:
                failed[i] += 1
                if e.args[0] not in (2003, 2013, 1053):
                    print("unexpected", e.args, flush=True)
                if app is not None and not app.open:
                    app = None
                time.sleep(0.01)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        print(f"told {sum(told)} failed {sum(failed)}", flush=True)
        time.sleep(0.1)
    print(f"told {sum(told)} failed {sum(failed)}", flush=True)
    count = ask(connect(), "SELECT n FROM hits WHERE id = 1")[0][0]
    assert sum(told) <= count <= sum(told) + sum(failed), (count, sum(told), sum(failed))


def sha2():
    """A listener that does not know its server yet greets as MySQL 8 does."""
    secure = {"ssl": {"check_hostname": False, "verify_mode": "none"}} if sys.argv[4] == "tls" else {}
    refused(lambda: connect(password="wrong", database="later", **secure), 1045) if secure else None
    same(ask(connect(database="later", **secure), "SELECT 1"), ((1,),))


globals()[WHAT]()
print("fine")
