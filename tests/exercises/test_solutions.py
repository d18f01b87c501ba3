"""Each tutorial can be solved with what it taught, by what a learner would type."""

import pytest

from exercises.notebooks import verdict_with

START_HERE = """
bitcoin = session.accounts.search(currency="bitcoin", status="ACTIVE")
answer = session.to_display(bitcoin)["balance_display"].sum()
"""
REGISTER = '''
admin = session.sandbox.environment(role="ADMIN", prefix="LEDGER_ENTERPRISE_ADMINISTRATOR_")

admin_key = folder / "administrator.pem"
admin_key.touch(mode=0o600)
admin_key.write_text(admin["LEDGER_ENTERPRISE_ADMINISTRATOR_API_PRIVATE_KEY"])

with env_file.open("a") as file:
    file.write(f"""
LEDGER_ENTERPRISE_ADMINISTRATOR_API_URL={admin["LEDGER_ENTERPRISE_ADMINISTRATOR_API_URL"]}
LEDGER_ENTERPRISE_ADMINISTRATOR_WORKSPACE={admin["LEDGER_ENTERPRISE_ADMINISTRATOR_WORKSPACE"]}
LEDGER_ENTERPRISE_ADMINISTRATOR_API_KEY_ID={admin["LEDGER_ENTERPRISE_ADMINISTRATOR_API_KEY_ID"]}
LEDGER_ENTERPRISE_ADMINISTRATOR_API_KEY_SECRET={admin["LEDGER_ENTERPRISE_ADMINISTRATOR_API_KEY_SECRET"]}
LEDGER_ENTERPRISE_ADMINISTRATOR_PRIVATE_KEY_FILE=administrator.pem
""")
answer = env_file
'''
OPERATOR = """
mine = session.transactions.send("BTC Treasury 1", whitelist["addresses_address"].iloc[1], "0.2 BTC")
mine.submit()
session.requests.approve(mine.request_id, intent=mine, confirm=f"approve {mine.request_id}")
session.sandbox.colleagues.approve(mine.request_id, count=2)
answer = mine.request_id
"""
ADMINISTRATOR = """
litecoin = session.accounts.search(currency="litecoin")
mine = session.accounts.create(
    "LTC Tutorial", "litecoin", "BITCOIN_LIKE", "Everyday", index=litecoin["index"].max() + 1
)
made = mine.submit()
session.requests.approve(mine.request_id, intent=mine, confirm=f"approve {mine.request_id} assumed")
session.sandbox.colleagues.approve(mine.request_id)
session.sandbox.advance(60)
answer = made["target_id"]
"""
# What clicks do: a browser is no part of this test.
FORMS = """
task.fields["account"].write([1])
task.fields["type"].write("SEND")
task.fields["status"].write(["CONFIRMED"])
task.run()
task.wait()
answer = task.frame
"""
ARCHIVE = """
answer = lk.query(
    "select sum(amount::decimal(38,1)) from transactions where type = 'SEND' and account_id = 45", folder.name
)
"""


@pytest.mark.parametrize(
    ("name", "solution"),
    [
        ("00_start_here.ipynb", START_HERE),
        ("01_register_an_api_user.ipynb", REGISTER),
        ("02_first_steps_as_an_operator.ipynb", OPERATOR),
        ("03_first_steps_as_an_administrator.ipynb", ADMINISTRATOR),
        ("08_forms.ipynb", FORMS),
        ("09_archive.ipynb", ARCHIVE),
    ],
)
def test_a_tutorial_is_solved_with_what_it_taught(name: str, solution: str) -> None:
    assert verdict_with(name, solution).startswith("Solved: ")
