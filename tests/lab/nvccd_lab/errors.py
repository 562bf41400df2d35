"""What may go wrong in the lab itself, and a command that failed in the guest."""


class LabError(Exception):
    """The lab could not do what was asked; the message says what to do about it."""


class CommandFailed(LabError):
    """A command in the guest ended with a status other than 0."""

    def __init__(self, command, result):
        self.result = result
        output = (result.stdout + result.stderr).strip()
        super().__init__(f"{command}: exit status {result.status}" + (f"\n{output}" if output else ""))
