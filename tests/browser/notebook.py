"""A notebook in JupyterLab, as a person with a mouse and a keyboard has it before them."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

playwright = pytest.importorskip("playwright.sync_api")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

# Tall enough for a form with its table, so that a screenshot shows all of it.
WINDOW = {"width": 1400, "height": 1800}
SECONDS = 30
# The prompt of a cell that has run; a star stands in that of one that runs.
_DONE = re.compile(r"\[\d+\]")


class Notebook:
    """One notebook, open in a tab of its own.

    Parameters
    ----------
    browser
        The browser that it is opened in.
    url
        Its address.
    """

    def __init__(self, browser: "Browser", url: str) -> None:
        self.context = browser.new_context(
            viewport=WINDOW,  # type: ignore[arg-type]  # playwright has a type of its own for it
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self._url = url

    def run_until(self, shown: str) -> None:
        """Run all cells, until something is shown."""
        # A kernel that is shown as idle before it is connected drops what it is asked to run: then open it anew.
        for _ in range(4):
            self.page.goto(self._url)
            self.page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_text("Run All Cells", exact=True).click()
            with suppress(playwright.TimeoutError):
                self.page.locator(shown).first.wait_for(timeout=15_000)
                return
        raise AssertionError(f"{shown} is not shown after four tries")

    def run(self, code: str) -> str:
        """Run a cell of its own, and return what it prints."""
        self.new_cell()
        self.page.keyboard.insert_text(code)
        return self.run_cell()

    def new_cell(self) -> None:
        """Insert a cell below the one that is active, and go into it."""
        self.page.get_by_role("toolbar").get_by_role("button", name="Insert a cell below").first.click()
        self.active.locator(".cm-content").click()

    def run_cell(self) -> str:
        """Run the cell that is active, and return what it shows."""
        self.page.keyboard.press("Control+Enter")
        self.active.locator(".jp-InputPrompt", has_text=_DONE).wait_for()
        return "\n".join(self.active.locator(".jp-OutputArea-output").all_inner_texts()).strip()

    @property
    def active(self) -> "Locator":
        """The cell that is active."""
        return self.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")

    def save(self) -> None:
        """Save it, as a person does."""
        self.page.get_by_role("button", name=re.compile("^Save ")).click()
        self.page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")

    def choose_theme(self, name: str) -> None:
        """Choose a theme from the menu."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()
        light = "false" if "Dark" in name else "true"
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")

    def close(self) -> None:
        """Close its tab."""
        self.context.close()


def settle(config: Path) -> None:
    """Have JupyterLab ask for no news, and save the state of widgets, which some people do."""
    for plugin, settings in (
        ("@jupyterlab/apputils-extension/notification", {"fetchNews": "false"}),
        ("@jupyter-widgets/jupyterlab-manager/plugin", {"saveState": True}),
    ):
        file = config / "lab" / "user-settings" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))


def contrasts(page: "Page") -> dict[str, float]:
    """Return the contrast of every text of the forms that is to be seen with what is behind it."""
    found: dict[str, float] = page.evaluate(_CONTRASTS)
    return found


# By the formula of WCAG 2; what is disabled is exempt there too.
_CONTRASTS = """() => {
  const parsed = (colour) => {
    const drawn = document.createElement("canvas").getContext("2d");
    drawn.fillStyle = colour;
    drawn.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = drawn.getImageData(0, 0, 1, 1).data;
    return { rgb: [red, green, blue], alpha: alpha / 255 };
  };
  const over = (top, below) => top.rgb.map((one, at) => one * top.alpha + below[at] * (1 - top.alpha));
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const layer = parsed(getComputedStyle(one).backgroundColor);
      if (layer.alpha > 0) layers.push(layer);
      if (layer.alpha === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [red, green, blue] = rgb.map((one) => one / 255).map((one) =>
      one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const found = {};
  for (const element of document.querySelectorAll(".lk-form, .lk-form *")) {
    const own = [...element.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE);
    const text = own.map((one) => one.textContent.trim()).join(" ").trim() || element.value || "";
    if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.disabled || element.closest("style")) continue;
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    const ground = behind(element);
    const colour = parsed(getComputedStyle(element).color);
    const ink = over({ rgb: colour.rgb, alpha: colour.alpha * opacity }, ground);
    const [brighter, darker] = [light(ink), light(ground)].sort((one, other) => other - one);
    const key = `${element.tagName.toLowerCase()}.${element.className}: ${String(text).slice(0, 40)}`;
    if (colour.alpha === 0) continue; // hidden on purpose: the field beside it shows it
    // The dot of a state repeats its word: as a drawing it needs less than a text.
    if (text === "●") continue;
    found[key] = Math.round(((brighter + 0.05) / (darker + 0.05)) * 100) / 100;
  }
  return found;
}"""
