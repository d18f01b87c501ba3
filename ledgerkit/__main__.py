"""``python -m ledgerkit`` is the command ``ledgerkit``."""

from ledgerkit.cli import main

raise SystemExit(main())
