"""One file per thing; adding a file that defines `THING` adds the thing."""

import functools
import importlib
import pkgutil

from isekai_gen.starter.render.thing import Thing


@functools.cache
def all_things() -> dict[str, Thing]:
    """Every thing by name, in alphabetical order."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    things = [importlib.import_module(f"{__name__}.{name}").THING for name in modules]
    by_name = {thing.name: thing for thing in things}
    if len(by_name) != len(things):
        raise ValueError("two things share a name")
    return dict(sorted(by_name.items()))
