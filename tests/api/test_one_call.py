"""Calls from several threads."""

import threading

from mnist_seq.api.one_call import one_call
from mnist_seq.terminal.display import console


def test_a_call_waits_for_another_and_the_terminal_speaks_afterwards() -> None:
    order, inside = [], threading.Event()

    def second() -> None:
        inside.wait()
        with one_call(progress=True):
            order.append(("second", console.quiet))

    thread = threading.Thread(target=second)
    thread.start()
    with one_call(progress=False):
        inside.set()
        thread.join(0.2)
        with one_call(progress=True):  # as a call that makes another
            order.append(("first", console.quiet))
    thread.join()
    assert order == [("first", True), ("second", False)]
    assert not console.quiet
