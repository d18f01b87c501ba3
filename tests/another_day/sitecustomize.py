"""Moves the clock of every Python that starts with this folder on its path: `make days`.

The sandbox's workspace ends at the hour of the clock, and follows weeks and months: a test that counts what happens
to be there today fails on another day. Kernels and servers that a test starts inherit the path, and so the day.
"""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(UTC) + timedelta(hours=float(os.environ["HOURS_AHEAD"])), tick=True).start()
