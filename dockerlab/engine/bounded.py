"""Wait a bounded time for what the system itself may never end, such as a look-up of a name."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, job: Callable[[], Result]) -> Result:
    """Run ``job`` and give its result, or stop waiting for it.

    A job that is given up goes on in a thread that keeps no program from ending.

    Parameters
    ----------
    seconds : float
        How long to wait.
    job : callable
        What to run.

    Raises
    ------
    TimeoutError
        It took longer.
    Exception
        Whatever ``job`` raises.
    """
    answer: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answer.put((job(), None))
        except BaseException as error:  # it is raised again where it is waited for
            answer.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = answer.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # a job without error gave its result
