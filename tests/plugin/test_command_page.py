"""docs/command.md and the command's help name the same subcommands and options."""

import re

import pytest

from pytest_irgate.command import parser_of_all


@pytest.fixture(scope="module")
def page(request):
    return (request.config.rootpath / "docs" / "command.md").read_text(encoding="utf-8")


def options_of(parser):
    return {name for action in parser._actions for name in action.option_strings}


def test_every_option_stands_on_the_page_and_none_that_does_not_exist(page):
    (subcommands,) = [
        action.choices for action in parser_of_all()._actions if action.dest == "subcommand"
    ]
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", page))
    there = set()
    for name, parser in subcommands.items():
        assert f"## {name}\n" in page
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        wanted = {long for long in options_of(parser) if long.startswith("--")} - {"--help"}
        assert {option for option in wanted if option not in section} == set()
        there |= options_of(parser)
    outside = {"--irgate", "--irgate-", "-m", "-n"}
    assert told - there - outside == set()


def test_every_option_has_help():
    (subcommands,) = [
        action.choices for action in parser_of_all()._actions if action.dest == "subcommand"
    ]
    for parser in subcommands.values():
        assert parser.description
        assert all(action.help for action in parser._actions)
