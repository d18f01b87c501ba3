"""What a bug report shows of an error."""

import os
import pickle
import traceback


def shown(error: BaseException) -> str:
    """Return all that a bug report may show of an error, local variables of the kit's frames included."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if f"{os.sep}ledgerkit{os.sep}" in frame.filename]
    assert report.stack
    return "".join(report.format()) + repr(error) + str(error) + pickle.dumps(error).decode("latin-1")
