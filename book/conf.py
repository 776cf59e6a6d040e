"""Sphinx's settings for the book; ``python3 lab.py book`` builds it."""

project = "dockerlab"
author = "the dockerlab authors"
copyright = author  # noqa: A001 - the name Sphinx reads
language = "en"
html_title = "dockerlab: an executable Docker textbook"

extensions = ["myst_nb"]
exclude_patterns = ["README.md"]

# the outputs are the notebooks' own, from a real engine; nothing runs here
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/svg+xml", 1), ("html", "text/html", 2)]
myst_enable_extensions = ["attrs_inline"]
myst_links_external_new_tab = True
# a heading of the second rank may follow a title at once, and a cell may be no heading at all
suppress_warnings = ["myst.header"]

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_persistent": [],  # the search stands in the sidebar
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "logo": {"text": "dockerlab"},
}
