"""What the workers of these tests compute; a module of its own, so that they load no pytest."""

import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    return number * number


def refuse_seven(number: int) -> int:
    if number == 7:
        from shanhai.errors import InvalidInput

        raise InvalidInput("7 is refused", message_zh="拒绝", pointer="/number")
    return number


def mark(folder: Path, number: int) -> tuple[int, int]:
    """Leave a file, slowly enough to be interrupted; the number and who computed it."""
    time.sleep(0.05)
    (folder / f"{number}.done").touch()
    return number, os.getpid()


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number
