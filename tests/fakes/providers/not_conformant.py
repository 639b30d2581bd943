"""The failure of a test in which something was sent that the published description of a provider does not know."""


class NotConformant(AssertionError):  # noqa: N818 - it fails a test as an assertion does
    """Something that the provider would not send, or would not understand: names the operation and the place in it."""
