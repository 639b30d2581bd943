"""Secrets and phone numbers go, what people need to follow a trail stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.redaction import redact

SHA = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "ab" * 32
BASE64 = "dGhpc0lzQVNlY3JldDEyMzQ1Njc4OTBhYmNkZWZnaGlqa2w="


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("from +15551234567 now", "from ***67 now"),
        ("call +49 (0)170 1234567, please", "call ***67, please"),
        ("+1 (555) 123-4567", "***67"),
        ("To=%2B15551234567&Body=s", "To=***67&Body=s"),
        ("00491701234567", "***67"),
        ("(555) 123-4567 or 555.123.4568", "***67 or ***68"),
        ("1-555-123-4567.", "***67."),
    ],
)
def test_phone_numbers_keep_their_last_two_digits(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: ***"),
        ("proxy-authorization: Basic dXNlcjpwYXNz\nnext", "proxy-authorization: ***\nnext"),
        ("Set-Cookie: sid=1; Path=/\r\nnext", "Set-Cookie: ***\r\nnext"),
        ("sent bearer abcdefgh1234 along", "sent bearer *** along"),
        ('{"token": "a\\"b", "n": 1}', '{"token": "***", "n": 1}'),
        ("{'authorization': 'Basic dXNlcg==', 'n': 1}", "{'authorization': '***', 'n': 1}"),
        ("GET /x?api_key=abc&n=1", "GET /x?api_key=***&n=1"),
        ("apiKey=abc turnToken: xyz", "apiKey=*** turnToken: ***"),
        ("AWS_SECRET_ACCESS_KEY=abc/def db-password=x, auth=y", "AWS_SECRET_ACCESS_KEY=*** db-password=***, auth=***"),
        ('token="cut off', "token=*** off"),
        (f"token {SHA[:0]}= {SHA}", "token = ***"),
        ("postgresql://reins:hunter2@db/reins", "postgresql://reins:***@db/reins"),
    ],
)
def test_values_with_a_secret_name_are_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "https://api.telegram.org/bot123456789:AAF-abcdefghijklmnopqrstuvwxyz123456/getMe",
            "https://api.telegram.org/bot***/getMe",
        ),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "***"),
        ("x ghs_abcdefghijklmnopqrstuvwxyz y", "x *** y"),
        ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrst", "***"),
        ("xoxb-1234567890-abcdefghijkl", "***"),
        ("https://hooks.slack.com/services/T00/B00/xyz done", "https://hooks.slack.com/services/*** done"),
        ("tk_abcdefghijklmnopqrstuvwxyz123", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "*** end"),
        ("AC0123456789abcdef0123456789abcdef/SM0123456789abcdef0123456789abcde0", "AC***cdef/SM***cde0"),
        ("0123456789abcdef0123456789abcdef", "***"),
        (f"bytes {DIGEST}", "bytes ***"),
        (f"digest {DIGEST}00", "digest ***"),
        (f"{SHA.upper()}", "***"),
        (f"key was {BASE64}.", "key was ***."),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nnext", "***\nnext"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "***"),
    ],
)
def test_secrets_are_known_by_their_shape(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"head is {SHA}, was {SHA[::-1]}",
        f"digest {DIGEST}, sha256:{DIGEST}",
        f'{{"policy_version":"{DIGEST}"}}',
        "run 01JD5X8ZQ3K7M9ABCDEFGHJKMN, key reins-01JD5X8ZQ3K7M9ABCDEFGHJKMN-final-attempt",
        "id 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "audit 1241·7F3C9K2M at 2026-11-22T14:02:00.123Z or +00:00, run 12345678901, from 192.168.100.200:8080",
        "author=alice, token_minutes=15, max_tokens=100, the secret is out",
        "src/components/Button2/VeryLongComponentName/OtherName3.tsx",
        "feature-ABC-123-some-long-description-of-a-branch",
        "tests/audit/test_everything.py::test_a_truncated_file_is_refused_with_its_name",
        "https://github.com/acme/widgets/actions/runs/12345678901/job/23456789012",
        "coverage +12.5 -3, lines 100-200, version 10.20.30",
    ],
)
def test_what_people_need_to_follow_a_trail_is_kept(text: str) -> None:
    assert redact(text) == text


@settings(deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(["token", "=", '"', "'", " ", "+1", "555-123-4567", SHA, BASE64, "***", ":", "bearer "])
    ).map("".join)
)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
