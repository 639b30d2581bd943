"""`reins init` sets up a fresh machine, and never undoes what people did since."""

import os
import stat

from domain.people import Address, AddressKind
from policy.loading import PolicyStatus, load_policy
from store.people import PeopleDirectory
from tests.bot.cli.command_line import CommandLine


def test_a_fresh_machine_gets_everything_the_bot_needs(bare: CommandLine) -> None:
    said = bare.done("init")
    home = bare.paths()
    assert load_policy(home.policy_file.read_bytes()).status is PolicyStatus.LOADED
    assert (home.mutation_artifacts / "mutmut-cicd-stats.json").is_file()
    assert (home.triage_artifacts / "backlog-medium.json").is_file()
    owner = PeopleDirectory(home.people_file).find(Address(AddressKind.CONSOLE, str(os.getuid())))
    assert owner is not None
    assert (owner.id, owner.roles) == ("owner", ("owner",))
    assert PeopleDirectory(home.people_file).find(Address(AddressKind.WEB, "owner")) == owner
    assert str(home.audit_key_file) in said
    assert bare.run("doctor").code == 0


def test_nobody_else_can_read_the_state(bare: CommandLine) -> None:
    old = os.umask(0)
    try:
        bare.done("init")
    finally:
        os.umask(old)
    home = bare.paths()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    for path in (home.audit_key_file, home.people_file, home.database, home.policy_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_setting_up_is_the_first_thing_in_the_audit_log(reins: CommandLine) -> None:
    rows = reins.audit_rows()
    assert [(row["action"], row["outcome"]) for row in rows] == [("init", "intended"), ("init", "done")]
    assert rows[0]["actor"] == f"local:{os.getuid()}"
    assert rows[0]["correlation"] == rows[1]["correlation"]
    assert "OK" in reins.done("audit", "verify")


def test_a_second_init_is_refused_and_if_absent_leaves_all_as_it_is(reins: CommandLine) -> None:
    reins.paths().policy_file.unlink()  # somebody stopped all writing on purpose
    assert reins.run("init").code == 2
    assert reins.run("init", "--if-absent").out == ""
    assert not reins.paths().policy_file.exists()
    assert len(reins.audit_rows()) == 2


def test_an_interrupted_init_is_finished_without_replacing_what_is_there(reins: CommandLine) -> None:
    home = reins.paths()
    key = home.audit_key_file.read_bytes()
    home.policy_file.write_text("{}")
    home.people_file.unlink()
    assert "first person" in reins.done("init", "--if-absent")
    assert home.audit_key_file.read_bytes() == key
    assert home.policy_file.read_text() == "{}"


def test_what_the_settings_point_at_elsewhere_is_not_made(bare: CommandLine) -> None:
    elsewhere = bare.folder / "mine.json"
    bare.set("REINS_POLICY_FILE", str(elsewhere))
    bare.set("REINS_TRIAGE_ARTIFACTS", str(bare.folder / "triage"))
    bare.done("init")
    assert not elsewhere.exists()
    assert not (bare.folder / "triage").exists()
    assert not (bare.home / "control_plane_policy.json").exists()


def test_a_state_folder_that_is_a_file_is_named(bare: CommandLine) -> None:
    bare.home.write_text("in the way")
    ended = bare.run("init")
    assert ended.code == 2
    assert str(bare.home) in ended.err
    assert "REINS_HOME" in ended.err
