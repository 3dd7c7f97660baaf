from importlib.metadata import PackageNotFoundError

from isekai_gen import tool_version


def test_the_version_is_that_of_the_installed_package_or_said_to_be_none(monkeypatch):
    monkeypatch.setattr(tool_version, "version", {"isekai-gen": "1.2.3"}.__getitem__)
    assert tool_version.tool_version() == "1.2.3"

    def none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(tool_version, "version", none)
    assert tool_version.tool_version() == "not installed as a package"
