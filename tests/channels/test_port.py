"""How a hand-over can fail, in the words the relay decides by."""

from channels.port import NotNow


def test_a_provider_may_wish_when_to_be_asked_again() -> None:
    assert NotNow("busy", 30).retry_after_seconds == 30
    assert NotNow("busy").retry_after_seconds is None
    assert str(NotNow("busy", 30)) == "busy"
