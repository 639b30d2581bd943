"""`reins migrate`: the schema, before a release starts."""

import stat

from tests.bot.cli.command_line import CommandLine


def test_a_release_can_migrate_before_anything_was_set_up(bare: CommandLine) -> None:
    assert "0001" in bare.done("migrate")
    assert stat.S_IMODE(bare.paths().database.stat().st_mode) == 0o600
    assert bare.done("migrate") == "the schema is up to date\n"
    assert "first person" in bare.done("init")


def test_a_database_of_a_newer_release_is_left_alone(reins: CommandLine) -> None:
    reins.sql("PRAGMA user_version = 9999")
    ended = reins.run("migrate")
    assert ended.code == 2
    assert "newer" in ended.err
