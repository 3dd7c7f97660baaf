"""Keep the model libraries' progress bars and advice to programmers away from the user.

What they log is collected rather than thrown away: some of it is the only sign of a broken model.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_LOGGERS = ("diffusers", "transformers", "huggingface_hub", "accelerate")


class LibraryMessages(logging.Handler):
    """Collects the warnings that the libraries log.

    Attributes:
        messages: In the order they came.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.messages.append(record.getMessage())


@contextmanager
def quiet_libraries() -> Iterator[LibraryMessages]:
    """Within the block, the libraries print nothing; what they would have logged is yielded.

    Everything that matters to the user (missing weights, ignored options, truncated prompts) is
    checked by us and said as one line.
    """
    collector = LibraryMessages()
    with warnings.catch_warnings(), ExitStack() as stack:
        warnings.simplefilter("ignore")
        stack.enter_context(_quiet_root())
        for name in _LOGGERS:
            stack.enter_context(_redirected(logging.getLogger(name), collector))
        yield collector


@contextmanager
def _redirected(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@contextmanager
def _quiet_root() -> Iterator[None]:
    """Silence what open_clip logs to the root logger itself; other loggers still pass through."""

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    # Without any handler, open_clip's logging.warning() would install one for the whole program.
    placeholder = logging.NullHandler()
    logging.root.addHandler(placeholder)
    logging.root.addFilter(is_error)
    try:
        yield
    finally:
        logging.root.removeFilter(is_error)
        logging.root.removeHandler(placeholder)


def hide_progress_bars() -> None:
    """Turn off the loading bars of diffusers and transformers in this process."""
    import diffusers.utils.logging
    import transformers.utils.logging

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
