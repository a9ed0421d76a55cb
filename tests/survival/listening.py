"""A socket on loopback that serves each connection on a thread of its own."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections while the `with` lasts, and shut all of them down at its end; gives the address with its port.

    What `serve` raises of a broken connection is nothing; the connection is closed after it.
    """
    open_ones: list[socket.socket] = []
    ended = threading.Event()

    def work(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            if ended.is_set():
                connection.close()
                return
            open_ones.append(connection)
            threading.Thread(target=work, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            with suppress(OSError):  # a new connection wakes `accept` on every platform
                socket.create_connection(listener.getsockname(), timeout=5).close()
            thread.join(30)
            for connection in open_ones:
                with suppress(OSError):  # `SSLSocket.shutdown` would change state that another thread is using
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
