"""Ctrl-C ends the process soon, whatever it is doing.

Python answers a signal between two of its own steps; a thread of a pool that is joined, or a
request that waits for a server, would hold it up. Half a sample is never seen, so that leaving at
any moment is safe.
"""

import os
import signal
import sys
import time
from multiprocessing import active_children
from socket import socketpair
from threading import Thread
from typing import NoReturn

INTERRUPTED = 130
ADVICE = "stopped; the same command goes on from here"
# The orderly way out takes a few tenths of a second; two seconds are promised.
GRACE_S = 1.2


def leave_soon_after_interrupt(grace_s: float = GRACE_S) -> None:
    """Let this process end at most so long after an interrupt, for the rest of its life.

    Must be called in the main thread. The usual `KeyboardInterrupt` comes all the same; only what
    is still there after the grace is ended.

    Args:
        grace_s: Time for the orderly way, s.
    """
    reader, writer = socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        with writer:
            while received := reader.recv(1):
                if received[0] == signal.SIGINT:
                    time.sleep(grace_s)
                    leave()

    Thread(target=watch, daemon=True).start()


def leave() -> NoReturn:
    """End this process and its workers now, without the interpreter's own way out.

    Unloading torch alone can take longer than an impatient person waits.
    """
    for process in active_children():
        process.kill()
    sys.stderr.write(f"{ADVICE}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
