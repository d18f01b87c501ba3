// Code with a button that copies it.

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function render({ model, el }) {
  const root = element("div", "lk-code-box mathjax_ignore tex2jax_ignore");
  const shown = element("pre", "lk-code");
  shown.tabIndex = 0;
  shown.setAttribute("aria-label", "Code");
  const copy = element("button", "lk-table-button", "Copy code");
  copy.type = "button";
  const said = element("span", "lk-table-status");
  said.setAttribute("role", "status");
  root.append(shown, copy, said);
  el.append(root);

  function select() {
    const range = document.createRange();
    range.selectNodeContents(shown);
    const selection = document.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    said.textContent = "Selected: copy it with the keyboard";
  }

  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(model.get("code"));
      said.textContent = "Copied";
    } catch {
      // A page that is not secure, or was not allowed to, has no clipboard.
      select();
    }
  });

  const draw = () => {
    shown.textContent = model.get("code");
    root.hidden = !model.get("code");
    said.textContent = "";
  };
  model.on("change:code", draw);
  draw();
  return () => {
    model.off("change:code", draw);
    root.remove();
  };
}

export default { render };
