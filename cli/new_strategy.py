"""`harvester new-strategy`: a decision, a profile and a test that work at once, to be made one's own."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template

from cli.output import print_json
from market.errors import NotFoundError, UserError

TEMPLATES = Path(__file__).parent / "new_strategy_templates"

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")


def command(name: str, /, *, json: bool = False) -> None:
    """Start a strategy of your own: one file of decision, one profile, one test.

    The three work as they are: the test passes, and the profile trades on the day that `harvester demo`
    made. Make them yours from there; docs/tutorials/your-own-strategy.md shows how.

    Parameters
    ----------
    name
        What to call it: lower case, digits and underscores, e.g. opening_fade.
    json
        Print one JSON object on standard output and nothing else.
    """
    files = write_strategy(name, root=_checkout())
    if json:
        print_json({"name": name, "decision": files[0], "profile": files[1], "test": files[2]})
        return
    decision, profile, test = files
    print(f"decision  {decision}\nprofile   {profile}\ntest      {test}\n")
    print("Next:")
    print("  uv run harvester demo            # once: makes the catalog that the profile trades on")
    print(f"  uv run pytest {test}")
    print(f"  uv run harvester backtest {profile}")


def write_strategy(name: str, *, root: Path) -> tuple[Path, Path, Path]:
    """Write decision, profile and test of `name` below `root`; returns their paths relative to it.

    Raises `UserError` for a name that cannot be one and when any of the files exists; then none is written.
    """
    _require_name(name)
    templates = {
        Path("strategies", f"{name}.py"): "decision.py.txt",
        Path("configs", "profiles", f"{name}.toml"): "profile.toml.txt",
        Path("tests", "strategies", f"test_{name}.py"): "test.py.txt",
    }
    for path in (*templates, Path("strategies", name)):
        if (root / path).exists():
            raise UserError(f"{path} exists already. Choose another name, or edit what is there.")
    for path, template in templates.items():
        (root / path).write_text(_filled(template, name), encoding="utf-8")
    decision, profile, test = templates
    return decision, profile, test


def _require_name(name: str) -> None:
    if _NAME.fullmatch(name) and not keyword.iskeyword(name) and not name.startswith("nautilus_"):
        _require_no_package(name)
        return
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
    meant = f" Did you mean {words!r}?" if words != name and _NAME.fullmatch(words) else ""
    raise UserError(
        f"{name!r} cannot name a strategy: it becomes a Python module and needs 2 to 40 lower-case letters, "
        f"digits and underscores, a letter first, no keyword, not nautilus_ before it.{meant}"
    )


def _require_no_package(name: str) -> None:
    """Refuse what `import NAME` means already: a strategy called numpy is mistaken for the package."""
    if name in sys.stdlib_module_names:
        owner = "a module of Python itself"
    elif find_spec(name) is not None:
        owner = "an installed package, or one of Harvester"
    else:
        return
    raise UserError(
        f"{name!r} cannot name a strategy: it is the name of {owner}. "
        f"Choose another name, such as {f'my_{name}'!r}."
    )


def _filled(template: str, name: str) -> str:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return Template(text).substitute(name=name, title=name.replace("_", " ").capitalize())


def _checkout() -> Path:
    """Return the root of the working copy that runs this command."""
    import strategies

    root = Path(strategies.__path__[0]).parent
    if not (root / "tests" / "strategies").is_dir():
        raise NotFoundError(
            f"{root} is not a working copy of Harvester: it has no tests/strategies. "
            "Clone the project and run `uv run harvester new-strategy` in it."
        )
    return root
