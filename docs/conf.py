"""How Sphinx makes the documentation site: `make site`, or the test of the site.

Warnings are errors there. Must never: load anything from another host (fonts, scripts, pictures);
what a reader of the repository sees (plain Markdown and SVG) and the site are the same files.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from surefill import __version__  # noqa: E402 - found by the line above

project = "Surefill"
author = "the Surefill authors"
version = release = __version__
html_title = f"Surefill {__version__}"
html_show_copyright = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "scripts.site_pictures",
]
source_suffix = {".md": "markdown"}
root_doc = "index"

myst_heading_anchors = 3
# Decision records and reports are files of the repository first: some begin at a second level.
suppress_warnings = ["myst.header"]

default_role = "code"  # docstrings say `name`, as Markdown does
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["surefill.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"
