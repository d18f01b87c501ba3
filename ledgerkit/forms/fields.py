"""Fields of forms: what is in them can be read, or they say why not; nothing that was typed is left out."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, date
from typing import Any, Final

import ipywidgets as widgets

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import instant
from ledgerkit.forms.base import close_all
from ledgerkit.showing import spelled, visible
from ledgerkit.states import words

# A list of thousands freezes the browser; what is typed narrows it down.
MOST_OFFERED: Final = 50
OTHER: Final = "other…"
ANY: Final = "any"
# The browser holds letters back until the kernel has answered the one before, and Enter overtakes them.
SECONDS_BEHIND_ENTER: Final = 0.5
# Of None ipywidgets makes no choice at all, which shows as an empty box.
NOTHING: Final = ""


class Field:
    """One field of a form.

    Attributes
    ----------
    name
        What the parameter is called in code.
    label
        What stands above it.
    widget
        What is shown of it.
    """

    def __init__(self, name: str, label: str, widget: widgets.Widget) -> None:
        self.name = name
        self.label = label
        self.widget = widget
        self._edited: list[Callable[[], None]] = []

    def read(self) -> Any | None:
        """Return what is in it, or None where it is empty.

        Raises
        ------
        InvalidRequest
            What is in it can't be read; it names the field.
        """
        raise NotImplementedError

    def write(self, value: Any) -> None:
        """Put a value into it; None empties it."""
        raise NotImplementedError

    def clear(self) -> None:
        """Empty it."""
        self.write(None)

    def on_edit(self, callback: Callable[[], None]) -> None:
        """Have a callback called whenever what is in it changes."""
        self._edited.append(callback)

    def mark(self, wrong: bool) -> None:
        """Show whether what is in it was refused."""
        (self.widget.add_class if wrong else self.widget.remove_class)("lk-wrong")

    def _changed(self, *_: Any) -> None:
        self.mark(False)
        for callback in self._edited:
            callback()

    def _single(self, value: Any) -> Any:
        """Return a value, or the one that a list holds; several would be written as no value that was meant."""
        if not isinstance(value, list | tuple | set | frozenset):
            return value
        if len(value) != 1:
            raise self._refused(value, "it takes one value")
        return next(iter(value))

    def _refused(self, value: Any, why: str) -> InvalidRequest:
        return InvalidRequest(f"{self.label}: {shorten(value)} was not taken: {why}.", field=self.name)


def tooltip(name: str, help: str) -> str:
    """Return what a field says on hover: the parameter's own name, and what the documentation says of it."""
    return f"{name}: {help}" if help else name


class TextField(Field):
    """A text, as it was typed, without blanks around it; also an amount or a number, which no widget may round.

    Parameters
    ----------
    help, placeholder
        What it says on hover, and while it is empty.
    wide
        Whether it takes the whole row, as for an address.
    """

    def __init__(self, name: str, label: str, help: str = "", placeholder: str = "", wide: bool = False) -> None:
        self.input = widgets.Text(description=label, placeholder=placeholder, tooltip=tooltip(name, help))
        super().__init__(name, label, _field(self.input))
        if wide:
            self.input.add_class("lk-wide")
        self.input.observe(self._changed, "value")

    def read(self) -> str | None:
        """Return the text, or None."""
        text: str = self.input.value.strip()
        return text or None

    def write(self, value: Any) -> None:
        """Put a text into it."""
        value = self._single(value)
        self.input.value = "" if value is None else str(value)


class FlagField(Field):
    """Yes, no, or neither.

    Parameters
    ----------
    default
        What neither is called: ``"any"`` in a search.
    """

    def __init__(self, name: str, label: str, help: str = "", default: str = ANY) -> None:
        self.input = widgets.Dropdown(
            description=label,
            options=[(default, NOTHING), ("yes", True), ("no", False)],
            tooltip=tooltip(name, help),
        )
        super().__init__(name, label, _field(self.input))
        self.input.observe(self._changed, "value")

    def read(self) -> bool | None:
        """Return True, False or None."""
        return None if self.input.value == NOTHING else bool(self.input.value)

    def write(self, value: Any) -> None:
        """Choose one of the three."""
        value = self._single(value)
        if value is not None and not isinstance(value, bool):
            raise self._refused(value, "it takes True or False")
        self.input.value = NOTHING if value is None else value


class TimeField(Field):
    """A moment, as text, and a calendar beside it that writes a day into it.

    Parameters
    ----------
    day
        Whether it takes a day and no time of it.
    """

    def __init__(self, name: str, label: str, help: str = "", day: bool = False) -> None:
        self.day = day
        self.input = widgets.Text(
            description=label,
            placeholder="2026-01-31" if day else "2026-01-31 or 2026-01-31T14:00",
            tooltip=tooltip(name, help),
        )
        # Its label is for those who hear the form; those who see it have the one beside.
        self.calendar = widgets.DatePicker(description=f"{label}, calendar", tooltip=f"Choose a day for: {label}")
        self.calendar.add_class("lk-calendar")
        box = widgets.HBox([_field(self.input), self.calendar])
        box.add_class("lk-time")
        super().__init__(name, label, box)
        self.calendar.observe(self._chosen, "value")
        self.input.observe(self._typed, "value")

    def read(self) -> str | None:
        """Return the text, once it is known to be a day or a moment, or None."""
        text: str = self.input.value.strip()
        if not text:
            return None
        if self.day:
            if _day(text) is None:
                raise self._refused(text, "it takes a day, such as 2026-01-31")
            return text
        try:
            instant(self.name, text, UTC)
        except InvalidRequest:
            raise self._refused(text, "it takes a day or a moment, such as 2026-01-31 or 2026-01-31T14:00") from None
        return text

    def write(self, value: Any) -> None:
        """Put a text, a date or a datetime into it."""
        value = self._single(value)
        self.input.value = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)

    def _chosen(self, change: Any) -> None:
        if change.new is not None and _day(self.input.value) != change.new:
            self.input.value = change.new.isoformat()

    def _typed(self, *_: Any) -> None:
        # The text is the truth: a calendar that shows another day than the text would be a second one.
        self.calendar.value = _day(self.input.value)
        self._changed()


class PickField(Field):
    """One or several of what is offered by name; an id or a name that is not offered may be typed.

    What is picked stands below as a button that removes it. Where what was typed is refused and one name alone holds
    it, a button takes that name.

    Parameters
    ----------
    many
        Whether it takes several.
    integer
        Whether values are ids; otherwise they are texts.
    """

    def __init__(
        self,
        name: str,
        label: str,
        many: bool = False,
        *,
        help: str = "",
        integer: bool = True,
        placeholder: str = "",
    ) -> None:
        self.many = many
        self.integer = integer
        self.input = widgets.Combobox(
            description=label, placeholder=placeholder, tooltip=tooltip(name, help), ensure_option=False
        )
        self.chips = widgets.HBox()
        self.chips.add_class("lk-chips")
        self.suggest = widgets.Button(tooltip="Take this in the place of what was typed")
        self.suggest.add_class("lk-suggest")
        self.suggest.layout.display = "none"
        self._suggested = ""
        self._picked: list[Any] = []
        self._due: asyncio.TimerHandle | None = None
        self._quiet = False
        self._offered: dict[str, Any] = {}
        self._values: dict[str, list[Any]] = {}
        box = widgets.VBox([_field(self.input), self.suggest, self.chips])
        box.add_class("lk-pick")
        super().__init__(name, label, box)
        self.input.observe(self._typed, "value")
        self.input.on_msg(self._entered)
        self.suggest.on_click(self._take_suggested)

    def offer(self, options: Mapping[str, Any]) -> None:
        """Offer values by their labels, for type-ahead."""
        self._offered = dict(options)
        self._values = {}
        for label, value in self._offered.items():
            for said in {label.casefold(), str(value).casefold()}:
                self._values.setdefault(said, []).append(value)
        self._narrow()
        self._suggest("")  # it was one of those that were offered before
        self._show()
        if self.input.value.strip():
            self._typed()  # before it was known what it names

    def read(self) -> Any | None:
        """Return what was picked and what is left in the box: a value, or a list where it takes several; or None."""
        picked = list(self._picked)
        for text in self._texts():
            value = self._meant(text)
            if value not in picked:
                picked.append(value)
        if not self.many and len(picked) > 1:
            raise self._refused(self.input.value.strip(), "it takes one, and another was picked: remove one of them")
        if not picked:
            return None
        return picked if self.many else picked[0]

    def write(self, value: Any) -> None:
        """Pick a value, or several."""
        several = isinstance(value, Iterable) and not isinstance(value, str)
        values = list(value) if several else [] if value is None else [value]
        if len(values) > 1 and not self.many:
            raise self._refused(values, "it takes one value")
        self._picked = list(dict.fromkeys(self._value(one) for one in values))
        before, self.input.value = self.input.value, ""
        self._show()
        if not before:  # otherwise emptying the box said so
            self._changed()

    def _value(self, value: Any) -> Any:
        if not self.integer:
            return str(value)
        try:
            return int(str(value))
        except ValueError:
            return self._meant(str(value))

    def _texts(self) -> list[str]:
        text = self.input.value.strip()
        if self.integer and self.many and re.fullmatch(r"[0-9]+([\s,;]+[0-9]+)+[\s,;]*", text):
            return re.findall("[0-9]+", text)  # ids, as they are pasted
        return [text] if text else []

    def _meant(self, text: str) -> Any:
        """Return the value that a text names."""
        found = list(dict.fromkeys(self._values.get(text.casefold(), ())))
        if self.integer and text.isascii() and text.isdecimal():
            return int(text)
        if len(found) == 1:
            return found[0]
        if not found and len(found := self._shown_as(text)) == 1:
            return found[0]
        alike = self._alike(text)
        if not alike and not self.integer:
            return text  # lists lag behind the service
        if not alike:
            way = "type an id, or pick a name" if self._offered else "names are not known here; type an id"
            raise self._refused(text, f"nothing that is offered has that in its name; {way}")
        if len(alike) == 1:
            self._suggest(alike[0])
            raise self._refused(text, f"did you mean {alike[0]}? Pick it, or empty the box")
        shown = ", ".join(alike[:5]) + (", …" if len(alike) > 5 else "")
        raise self._refused(text, f"it may mean {len(alike)}: {shown}; pick one, or empty the box")

    def _shown_as(self, text: str) -> list[Any]:
        """Return what a text names as tables and cards write it: a name, and its value beside it."""
        wanted = text.casefold()
        # Both have to say the same one: a name beside the id of another names neither.
        return [
            value
            for label, value in self._offered.items()
            if str(value).casefold() in wanted and wanted in _written(label, value)
        ]

    def _suggest(self, label: str) -> None:
        """Offer to take the one label that holds what was typed; none where it is empty."""
        self._suggested = label
        self.suggest.description = f"Use {label}" if label else ""
        self.suggest.layout.display = None if label else "none"

    def _take_suggested(self, _: Any) -> None:
        label = self._suggested
        if label not in self._offered:
            return  # a click of before
        if self._due is not None:  # Enter has nothing more to take
            self._due.cancel()
            self._due = None
        value = self._offered[label]
        self._picked = list(dict.fromkeys([*self._picked, value])) if self.many else [value]
        self._show()
        self.input.value = ""  # which says that it was edited
        self.input.focus()  # the button that was pressed goes

    def _alike(self, text: str) -> list[str]:
        """Return the labels that have a text in them, those that begin with it first."""
        wanted = text.casefold()
        found = [label for label in self._offered if wanted in label.casefold()]
        return sorted(found, key=lambda label: not label.casefold().startswith(wanted))

    def _typed(self, *_: Any) -> None:
        text = self.input.value
        self._suggest("")
        if self._due is not None:  # the letters that Enter overtook
            self._due.cancel()
            self._narrow()
            self._changed()
            self._take_entered()
            return
        # Picked from the list, or typed whole: unless it may yet become another.
        if text in self._offered and self._alike(text)[1:2] in ([], [text]):
            self._take()
            return
        self._narrow()
        if not self._quiet:
            self._changed()

    def _entered(self, _: Any, content: Any, __: Any) -> None:
        if content.get("event") != "submit" or not self.input.value.strip():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script: nothing is held back
            self._take_entered()
            return
        if self._due is not None:
            self._due.cancel()
        self._due = loop.call_later(SECONDS_BEHIND_ENTER, self._take_entered)

    def _take_entered(self) -> None:
        """Take what was in the box at Enter; who listens is told only where that changes what is read."""
        self._due = None
        if self.input.comm is None:  # closed meanwhile
            return
        before: Any = self.input  # nothing that is read is it
        with contextlib.suppress(InvalidRequest):
            before = self.read()
        self._quiet = True
        try:
            self._take()
        except InvalidRequest:
            self.mark(True)  # what is wrong with it is said when it is read
            return
        finally:
            self._quiet = False
        if self.read() != before:
            self._changed()

    def _take(self) -> None:
        """Turn what is in the box into what is picked."""
        values = [self._meant(text) for text in self._texts()]
        self._picked = list(dict.fromkeys([*self._picked, *values])) if self.many else values[-1:]
        self.input.value = ""
        self._show()

    def _narrow(self) -> None:
        offered = tuple(self._alike(self.input.value.strip())[:MOST_OFFERED])
        if self.input.options != offered:
            self.input.options = offered

    def _show(self) -> None:
        """Show what is picked."""
        names = {value: label for label, value in self._offered.items()}
        before = self.chips.children
        self.chips.children = [self._chip(value, names.get(value, visible(str(value)))) for value in self._picked]
        for chip in before:
            close_all(chip)

    def _chip(self, value: Any, label: str) -> widgets.Button:
        chip = widgets.Button(description=f"{label} ×", tooltip=f"Remove {label}")
        chip.add_class("lk-chip")
        chip.on_click(lambda _: self._drop(value))
        return chip

    def _drop(self, value: Any) -> None:
        self._picked = [one for one in self._picked if one != value]
        self._show()
        self._changed()


class ChoiceField(Field):
    """One of a closed list, or several.

    Parameters
    ----------
    choices
        The values, as the API writes them, or labels and values.
    free
        Whether a value that the list lacks may be typed.
    many
        Whether it takes several.
    default
        What an empty one is called.
    """

    def __init__(
        self,
        name: str,
        label: str,
        choices: Iterable[str] | Mapping[str, Any],
        free: bool = False,
        many: bool = False,
        *,
        help: str = "",
        default: str = ANY,
    ) -> None:
        options = dict(choices) if isinstance(choices, Mapping) else {sentence(one): one for one in choices}
        self._pick = PickField(name, label, True, help=help, integer=False, placeholder=default) if many else None
        self._free = free
        self._known = set(options.values())
        self.input = widgets.Dropdown(
            description=label,
            options=[(default, NOTHING), *options.items(), *([(OTHER, OTHER)] if free else [])],
            tooltip=tooltip(name, help),
        )
        self.other = widgets.Text(description=f"{label}, other", tooltip=tooltip(name, help))
        self.other.layout.display = "none"
        if self._pick is not None:
            close_all(self.input)
            close_all(self.other)
            self._pick.offer(options)
            super().__init__(name, label, self._pick.widget)
            self._pick.on_edit(self._changed)
            return
        box = widgets.VBox([_field(self.input), _field(self.other)])
        box.add_class("lk-pick")
        super().__init__(name, label, box)
        self.input.observe(self._chosen, "value")
        self.other.observe(self._changed, "value")

    def read(self) -> Any | None:
        """Return the value, a list where it takes several, or None."""
        if self._pick is not None:
            picked = self._pick.read()
            unknown = [one for one in picked or () if one not in self._known]
            if unknown and not self._free:
                raise self._refused(unknown[0], "it is none of those that are offered")
            return picked
        if self.input.value != OTHER:
            return None if self.input.value == NOTHING else self.input.value
        text = self.other.value.strip()
        if not text:
            raise self._refused(OTHER, "type the value, or choose one")
        return text

    def write(self, value: Any) -> None:
        """Choose a value; where it takes one alone, a list of one is taken too."""
        if self._pick is not None:
            self._pick.write(value)
            return
        value = self._single(value)
        if not isinstance(value, Hashable):
            raise self._refused(value, "it is none of those that are offered")
        if value is None or value in self._known:
            self.input.value = NOTHING if value is None else value
            self.other.value = ""
            return
        if not self._free:
            raise self._refused(value, "it is none of those that are offered")
        self.other.value = str(value)
        self.input.value = OTHER

    def _chosen(self, *_: Any) -> None:
        self.other.layout.display = None if self.input.value == OTHER else "none"
        self._changed()


def sentence(value: str) -> str:
    """Return a value of the API as it is shown: its own words, in sentence case; "ERC721" as it is."""
    if not value.isupper() or not value.replace("_", "").isalpha():
        return value
    return words(value)


def unique_labels(names: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return values by their names, each made unique by its id where the name alone is not, or looks like an id."""
    pairs = [(spelled(name), value) for name, value in names]
    said: dict[str, int] = {}
    for name, _ in pairs:
        said[name.casefold()] = said.get(name.casefold(), 0) + 1
    # Names of people may end as these labels do: such a one carries its own id too, and no two are alike.
    return {
        f"{name} ({value})"
        if said[name.casefold()] > 1 or name.endswith(")") or name.isdecimal() or not name
        else name: value
        for name, value in pairs
    }


def _field(widget: widgets.Widget) -> widgets.Widget:
    widget.add_class("lk-field")
    return widget


def _written(label: str, value: Any) -> set[str]:
    """Return how tables and cards write a name and its value beside each other."""
    names = {label, label.removesuffix(f" ({value})")}
    # Tables leave out what stands beside letters of other alphabets.
    names |= {name.rpartition(" [")[0] for name in names if name.endswith("]")}
    return {
        f"{name}{between}".casefold() for name in names for between in (f" · {value}", f" ({value})", f" {value}")
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
