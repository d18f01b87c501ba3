"""What ledgerkit costs, as ratios against baselines that run beside it: ``python -m benchmarks``."""
