"""One contestant in one fresh process: what it took, what it held, and what it found, as one line of JSON."""

import json
import sys
import time

from benchmarks import memory
from benchmarks.contestants import CONTESTANTS, found


def main() -> None:
    """Run the contestant that is named, against the server at an address."""
    name, url = sys.argv[1:]
    started = time.perf_counter()
    with CONTESTANTS[name](url) as read:
        first_use = time.perf_counter() - started
        before = memory.start()
        started, worked = time.perf_counter(), time.process_time()
        result = read()
        seconds, worked = time.perf_counter() - started, time.process_time() - worked
        peak = memory.peak()
        print(
            json.dumps(
                {
                    "seconds": seconds,
                    "processor_seconds": worked,
                    "first_use_seconds": first_use,
                    "peak_bytes": peak - before if peak is not None and before is not None else None,
                    "found": found(name, result),
                }
            )
        )


if __name__ == "__main__":
    main()
