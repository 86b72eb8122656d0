"""Serve the page: `python -m ui --server.port=8501`; everything it needs is imported before the first visitor comes."""

import sys
from importlib import import_module
from pathlib import Path

from streamlit.web.cli import main

from ui.navigation import PAGES, module_of

for path in PAGES:
    import_module(module_of(path))
sys.argv = ["streamlit", "run", str(Path(__file__).with_name("app.py")), *sys.argv[1:]]
sys.exit(main())
