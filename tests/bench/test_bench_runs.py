"""Each piece of the benchmark runs and shows what it should; how fast anything is plays no part here."""

import io
import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from tests.bench import approvals, start, status_growth, texting, throughput, verification
from tests.bench.__main__ import main, report
from tests.bench.bench import Bench, Cores, Effort, Target
from tests.bench.client import request_maker
from tests.bench.generators import OURS, WrongAnswersError, choose_generator, load_checked
from tests.bench.home import make_home
from tests.bench.machine import describe_machine
from tests.bench.profiling import profile
from tests.bench.servers import serving_bare
from tests.bench.table import Aim, Figure, render
from tests.bench.texts import text_maker
from tests.fakes.providers.twilio import INBOUND_PATH, PUBLIC_URL, TOKEN
from tests.fakes.providers.twilio_rules import sign

TINY = Effort(
    people=18,
    rounds=1,
    seconds=0.2,
    warm_up_seconds=0,
    clients=(2,),
    starts=1,
    settle_seconds=0,
    verified_rows=300,
    few_rows=1,
    many_rows=300,
    approvals=3,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Cores.available(), OURS, TINY)


def names_of_positive(figures: list[Figure]) -> list[str]:
    return [figure.name for figure in figures if figure.value > 0]


def test_throughput_compares_each_text_with_the_bare_handler_and_ends_with_memory(bench: Bench) -> None:
    with_wrk_where_installed = replace(bench, generator=choose_generator())
    assert names_of_positive(throughput.measure(with_wrk_where_installed)) == [
        "whoami, clients 2: speed",
        "whoami, clients 2: p50",
        "whoami, clients 2: p99",
        "status, clients 2: speed",
        "status, clients 2: p50",
        "status, clients 2: p99",
        "memory after load",
    ]


def test_signed_texts_are_taken_and_compared_with_a_bare_form_handler(bench: Bench) -> None:
    assert names_of_positive(texting.measure(bench)) == [
        "signed SMS, clients 16: speed",
        "signed SMS, clients 16: p50",
        "signed SMS, clients 16: p99",
    ]


def test_texts_that_were_posted_and_not_taken_are_no_figure(bench: Bench) -> None:
    home = make_home(bench.folder / "home", people=1)
    with pytest.raises(WrongAnswersError, match="1 texts were posted, and 0 of them have a reply"):
        texting.check_answered(home.paths.database, 1)


def test_each_text_has_an_id_and_a_signature_of_its_own() -> None:
    make = text_maker(Target(1, INBOUND_PATH, "whoami", numbers=("+41790000001", "+41790000002")))
    texts = [make().decode().split("\r\n\r\n") for _ in range(3)]
    forms = [dict(parse_qsl(body, keep_blank_values=True)) for _head, body in texts]
    assert [form["From"][-1] for form in forms] == ["1", "2", "1"]
    assert len({form["MessageSid"] for form in forms}) == 3
    for (head, body), form in zip(texts, forms, strict=True):
        assert f"X-Twilio-Signature: {sign(TOKEN, PUBLIC_URL + INBOUND_PATH, form)}" in head
        assert f"Content-Length: {len(body)}\r\n" in head


def test_a_start_and_idle_memory_are_measured_on_a_fresh_home(bench: Bench) -> None:
    assert names_of_positive(start.measure(bench)) == ["start to first answer", "memory idle"]


def test_generated_rows_verify_with_all_their_seals(bench: Bench) -> None:
    (figure,) = verification.measure(bench)
    assert figure.value > 0
    assert figure.detail.startswith("300 rows, 5 seals;")


def test_status_is_asked_of_a_short_and_a_long_log(bench: Bench) -> None:
    figures = status_growth.measure(bench)
    assert names_of_positive(figures) == ["status, long log: p50", "status, long log: p99"]
    assert "with 300 audit rows" in figures[0].detail


def test_approvals_go_through_while_senders_are_refused(bench: Bench) -> None:
    figures = approvals.measure(bench)
    assert names_of_positive(figures) == ["approval under flood: p50", "approval under flood: p99"]
    assert figures[0].detail.startswith("3 approvals, ")


def test_an_answer_with_another_status_is_no_figure(bench: Bench) -> None:
    with serving_bare(bench) as server, pytest.raises(WrongAnswersError, match="were not 404"):
        load_checked(bench, Target(server.port, "/cmd", "ping", expected_status=404), 1)


def test_our_own_client_never_repeats_an_id_and_lets_senders_take_turns() -> None:
    make = request_maker(Target(1, "/v1/messages", "whoami", ("one", "two")))
    requests = [make() for _ in range(3)]
    assert len(set(requests)) == 3
    assert [b"reins_session=one" in request for request in requests] == [True, False, True]


def test_a_profile_names_the_most_expensive_functions_of_a_message(tmp_path: Path) -> None:
    output = io.StringIO()
    profile(tmp_path / "home", "whoami", 40, output)
    assert "You are person-19 " in output.getvalue()
    # Of all functions this one is far ahead on any machine; which others are shown depends on their luck.
    assert "{method 'execute' of 'sqlite3.Connection' objects}" in output.getvalue()


def test_the_machine_is_described_with_what_a_durable_write_costs(tmp_path: Path) -> None:
    line = describe_machine(tmp_path, Cores.available())
    assert f"{os.cpu_count()} cores" in line
    assert "fsync of 256 B" in line


@pytest.mark.parametrize(("value", "verdict"), [(0.36, "ok"), (0.34, "below")])
def test_the_table_says_whether_an_aim_is_met(value: float, verdict: str) -> None:
    (heading, line) = render([Figure("speed", value, "of bare", Aim(0.35, at_least=True), "why")]).splitlines()
    assert heading.split() == ["figure", "measured", "aim", "behind", "it"]
    assert line.split() == ["speed", str(value), "of", "bare", ">=", "0.35", verdict, "why"]


def test_a_report_names_machine_and_generator_and_ends_with_how_busy_others_were(bench: Bench) -> None:
    output = io.StringIO()
    report(bench, ["verification"], output)
    lines = output.getvalue().splitlines()
    assert (lines[1], lines[2]) == ("load by our own asyncio client (wrk is not on PATH)", "measuring verification ...")
    assert [line.split()[:2] for line in lines[4:6]] == [["figure", "measured"], ["audit", "verify"]]
    assert lines[-1].startswith("other processes used ")


def test_nothing_is_left_in_the_folder_that_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--profile", "1", "--text", "menu", "--folder", str(tmp_path)])
    assert "1 messages 'menu'" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
