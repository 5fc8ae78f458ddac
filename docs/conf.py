"""How Sphinx makes the site: `nox -s docs`. Nothing is loaded from the network, neither here nor by the pages."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from pathlib import Path

from docutils.nodes import Node, section
from docutils.statemachine import StringList
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

import lamella

project = "lamella"
author = "The lamella developers"
copyright = "The lamella developers; Apache-2.0"
version = release = lamella.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nitpicky = False
default_role = "code"  # `name` in docstrings
templates_path: list[str] = []

html_theme = "furo"
html_title = f"lamella {release}"
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

napoleon_custom_sections = ["Shapes", "Source"]
napoleon_use_rtype = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": True}

# Pages of the repository that are outside of this folder, by the page that shows them.
_MOVED = {"../CHANGELOG.md": "changes.md", "../SECURITY.md": "security.md", "../examples/README.md": "examples.md"}


def _inside(app: object, docname: str, source: list[str]) -> None:
    """Links that are right in the repository become links between pages."""
    for path, page in _MOVED.items():
        source[0] = source[0].replace(f"]({path}", f"]({page}")


def _included(app: object, relative: Path, parent: str, content: list[str]) -> None:
    """The same for what those pages include, whose links start from the repository's root or from examples/."""
    content[0] = re.sub(r"\]\(docs/([\w.-]+\.md)", r"](\1", content[0])
    content[0] = re.sub(r"\]\((?:\.\./)?SECURITY\.md", "](security.md", content[0])


def _bases(app: object, name: str, member: type, options: object, bases: list[type]) -> None:
    """What a class comes from, as far as its users can name it."""
    found = [base for base in member.__mro__[1:] if not base.__name__.startswith("_")]
    bases[:] = found[:1]


class Objects(SphinxDirective):
    """The functions of a module that are objects, such as activations, which autodoc does not take for functions."""

    required_arguments = 1

    def run(self) -> list[Node]:
        module = importlib.import_module(self.arguments[0])
        lines = []
        for name in module.__all__:
            member = getattr(module, name)
            if callable(member) and not inspect.isclass(member) and not inspect.isroutine(member):
                text = str(GoogleDocstring(inspect.getdoc(member) or "", self.config))
                lines += [f".. py:function:: {name}{inspect.signature(member)}", ""]
                lines += [*textwrap.indent(text, "   ").splitlines(), ""]
        node = section()
        node.document = self.state.document
        self.state.nested_parse(StringList(lines, source=module.__name__), self.content_offset, node)
        return node.children


def setup(app: object) -> dict[str, bool]:
    app.connect("source-read", _inside)  # type: ignore[attr-defined]
    app.connect("include-read", _included)  # type: ignore[attr-defined]
    app.connect("autodoc-process-bases", _bases)  # type: ignore[attr-defined]
    app.add_directive("objects", Objects)  # type: ignore[attr-defined]
    return {"parallel_read_safe": True}
