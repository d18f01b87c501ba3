"""ledgerkit: read and drive a Ledger Enterprise workspace from JupyterLab."""

__version__ = "0.1.0.dev0"
