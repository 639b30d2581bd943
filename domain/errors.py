"""The kind of bad news a person is shown word for word."""


class UserError(Exception):
    """Something the person can mend: the message names the field, what is wrong and what to do.

    Anything that is not a `UserError` or a `Decision` is a fault of ours: it is caught once per message, logged
    with an id, and the person is told that id.
    """

    def __init__(self, message: str, code: str = "bad_input") -> None:
        """Keep the sentence for the person and a stable code for programs."""
        super().__init__(message)
        self.code = code
