"""What stops a command of this room: one clear line that says what to do."""


class CannotRun(Exception):
    """The command cannot go on; the message is one line for the person at the terminal. Exit code 2."""
