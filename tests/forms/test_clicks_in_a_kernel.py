"""Clicks as they arrive from a browser: they queue while the kernel is busy, and are then acted on one by one."""

import time
from collections.abc import Iterator

import pytest

from forms.kernel import Kernel, kernel

PAYMENT = """
import ledgerkit as lk

session = lk.connect("sandbox", writes=True)
recipient = session.whitelists.search(id=1)["addresses"].iloc[0][0]["address"]
form = session.transactions.payment_form()
form.wait()
form.entries["account"].write(1)
form.wait()
form.entries["recipient"].write(recipient)
form.entries["amount"].write("0.0123")
form.entries["unit"].write("BTC")
form.wait()
form.prepare_review()
form.wait()
before = len(session.requests.search())
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Kernel]:
    with kernel() as started:
        yield started


def made(own: Kernel) -> int:
    """Return how many requests there are since, after what runs behind the form is done."""
    return int(own.run("form.wait(); print(len(session.requests.search()) - before)"))


def test_three_queued_clicks_make_one_request(own: Kernel) -> None:
    own.run(PAYMENT)
    assert own.run("print(form.step, form.create.disabled)").split() == ["review", "True"]
    yes, create = own.run("print(form.agree.model_id, form.create.model_id)").split()
    own.queue("import time; time.sleep(0.5)")  # the kernel is busy, and what is clicked meanwhile waits
    own.set(yes, value=True)
    for _ in range(3):
        own.click(create)
    assert made(own) == 1
    assert own.run("print(form.step)").strip() == "sent"


def test_further_clicks_on_what_was_sent_make_none(own: Kernel) -> None:
    yes, create, review = own.run("print(form.agree.model_id, form.create.model_id, form.review.model_id)").split()
    own.set(yes, value=True)
    own.click(create)
    own.click(review)
    own.set(yes, value=True)
    own.click(create)
    assert made(own) == 1


def test_a_click_leaves_the_kernel_free_while_the_service_is_slow(own: Kernel) -> None:
    own.run("search = session.transactions.form(); search.wait()")
    run = own.run("print(search.search.model_id)").strip()
    own.run("session.sandbox.faults.latency(0.3)")
    try:
        began = time.monotonic()
        own.click(run)
        state = own.run("print(search.state)").strip()
        # 40 pages of 0.3 s each: the kernel answers long before they have come.
        assert state == "running"
        assert time.monotonic() - began < 5
        own.click(own.run("print(search.cancel.model_id)").strip())
        assert own.run("print(search.state, search.frame)").split() == ["stopped", "None"]
    finally:
        own.run("session.sandbox.faults.clear()")


def test_letters_that_enter_overtakes_are_no_other_id(own: Kernel) -> None:
    own.run("search = session.transactions.form(); search.wait(); field = search.fields['account']")
    own.run("heard = []; field.on_edit(lambda: heard.append(field.read()))")
    box = own.run("print(field.input.model_id)").strip()
    # A browser sends the first letter, then Enter, and the rest once the first was answered.
    own.set(box, value="1")
    own.send(box, {"method": "custom", "content": {"event": "submit"}})
    own.set(box, value="12")
    assert own.run("print(field.read(), heard[-1], len(field.chips.children))").split() == ["[12]", "[12]", "1"]
