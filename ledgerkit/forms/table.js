// A page of a table as the kernel sends it. All text is set as text, never as HTML; what is sorted, searched and turned
// to is written to traits, and the kernel sends the page that belongs to them.

const PAGE_SIZES = [20, 50, 100];
const PAUSE = 250; // milliseconds without a key before a search

let labels = 0;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, className, act) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function labelled(text, input) {
  input.id = `lk-table-${(labels += 1)}`;
  const label = element("label", "lk-table-label", text);
  label.htmlFor = input.id;
  return label;
}

// What a selection is copied as: whole values, tabs between cells, one line for each row. The rest of the page, and a
// selection inside of one cell that is shown whole, is copied as ever.
function copied(root, selection) {
  if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const cells = [...root.querySelectorAll("td[data-copy]")].filter((cell) => range.intersectsNode(cell));
  if (!cells.length) return null;
  if (cells.length === 1 && cells[0].dataset.copy === cells[0].textContent) return null;
  const lines = new Map();
  for (const cell of cells) {
    const row = cell.parentElement;
    lines.set(row, [...(lines.get(row) ?? []), cell.dataset.copy]);
  }
  return [...lines.values()].map((line) => line.join("\t")).join("\n");
}

function render({ model, el }) {
  const root = element("div", "lk-table mathjax_ignore tex2jax_ignore");

  const search = element("input", "lk-table-search");
  search.type = "search";
  search.maxLength = 200;
  const everything = element("input");
  everything.type = "checkbox";
  const size = element("select");
  for (const one of PAGE_SIZES) {
    const option = element("option", "", String(one));
    option.value = String(one);
    size.append(option);
  }
  const searchGroup = element("span", "lk-table-group");
  searchGroup.append(labelled("Search in these rows", search), search);
  const columnsGroup = element("span", "lk-table-group");
  columnsGroup.append(everything, labelled("All columns", everything));
  const sizeGroup = element("span", "lk-table-group");
  sizeGroup.append(labelled("Rows on a page", size), size);
  const tools = element("div", "lk-table-tools");
  tools.append(searchGroup, columnsGroup, sizeGroup);

  const scroller = element("div", "lk-table-scroller");
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "region");
  scroller.setAttribute("aria-label", "Rows");
  const empty = element("p", "lk-table-empty");
  const status = element("span", "lk-table-status");
  status.setAttribute("role", "status");
  const turn = (by) => () => set({ page: Math.max(0, model.get("page") + by) });
  const previous = button("Show previous rows", "lk-table-button", turn(-1));
  const next = button("Show next rows", "lk-table-button", turn(1));
  const foot = element("div", "lk-table-tools");
  foot.append(previous, next, status);
  root.append(tools, scroller, empty, foot);
  el.append(root);

  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  function sortBy(name) {
    if (model.get("sort_column") !== name) set({ sort_column: name, ascending: true });
    else if (model.get("ascending")) set({ ascending: false });
    else set({ sort_column: "", ascending: true });
  }

  function heading(column) {
    const cell = element("th", `lk-${column.kind}`);
    cell.scope = "col";
    const sorted = model.get("sort_column") === column.name;
    cell.setAttribute("aria-sort", !sorted ? "none" : model.get("ascending") ? "ascending" : "descending");
    const made = button(column.title, "lk-table-sort", () => sortBy(column.name));
    made.title = column.tooltip;
    made.dataset.name = column.name;
    cell.append(made);
    return cell;
  }

  function data(column, cell) {
    const made = element("td", `lk-${column.kind}`);
    made.dataset.copy = cell.copy;
    if (cell.title) made.title = cell.title;
    if (cell.link) {
      const { kind, id } = cell.link;
      made.append(button(cell.text, "lk-link", () => model.send({ open: { kind, id } })));
    } else if (cell.state) {
      made.append(element("span", `lk-pill lk-${cell.state}`, cell.text));
    } else {
      made.textContent = cell.text;
    }
    return made;
  }

  function draw() {
    const columns = model.get("columns");
    const rows = model.get("rows");
    // What has the focus is made anew: it gets the focus back.
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.name : undefined;
    const table = element("table");
    const head = element("tr");
    head.append(...columns.map(heading));
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      // Columns and rows may come one after the other.
      line.append(...row.slice(0, columns.length).map((cell, at) => data(columns[at], cell)));
      body.append(line);
    }
    table.append(top, body);
    scroller.replaceChildren(table);
    if (focused !== undefined) {
      [...table.querySelectorAll("button")].find((one) => one.dataset.name === focused)?.focus();
    }
    const total = model.get("total");
    const any = total > 0;
    scroller.hidden = !any;
    tools.hidden = foot.hidden = !any;
    empty.hidden = any || !model.get("empty");
    empty.textContent = model.get("empty");
    status.textContent = model.get("status");
    previous.disabled = model.get("page") <= 0;
    next.disabled = (model.get("page") + 1) * model.get("page_size") >= model.get("matching");
    if (document.activeElement !== search) search.value = model.get("query");
    everything.checked = model.get("all_columns");
    size.value = String(model.get("page_size"));
  }

  let timer = 0;
  const find = () => {
    clearTimeout(timer);
    if (search.value !== model.get("query")) set({ query: search.value });
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE);
  });
  search.addEventListener("change", find);
  everything.addEventListener("change", () => set({ all_columns: everything.checked }));
  size.addEventListener("change", () => set({ page_size: Number(size.value) }));
  root.addEventListener("copy", (event) => {
    const text = copied(root, document.getSelection());
    if (text === null) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    event.stopPropagation();
  });

  // Several traits change at once: they are drawn once.
  let waiting = false;
  const changed = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      draw();
    });
  };
  const watched = "columns rows query sort_column ascending page page_size all_columns total matching status empty";
  const events = watched.split(" ").map((name) => `change:${name}`).join(" ");
  model.on(events, changed);
  draw();
  return () => {
    clearTimeout(timer);
    model.off(events, changed);
    root.remove();
  };
}

export default { render };
