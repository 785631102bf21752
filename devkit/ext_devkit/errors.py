"""What goes wrong in the devkit and is the user's to mend."""


class DevkitError(Exception):
    """A failure that one line can explain: what was wrong and what to do. The CLI prints it without a traceback."""
