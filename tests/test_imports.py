"""Imports run one way: fixtures <- battery <- plugin, and the solver stands alone."""

from importlinter import cli


def test_imports_run_one_way(monkeypatch, request, capsys):
    monkeypatch.chdir(request.config.rootpath)
    assert cli.lint_imports(no_cache=True, verbose=False) == cli.EXIT_STATUS_SUCCESS, (
        capsys.readouterr().out
    )
