/* The search field as a combobox after the ARIA pattern (editable, with a list). Without this script it is a plain form.
   "/" and Ctrl-K lead to it; the arrows choose, Enter opens, Escape closes. */
"use strict";

(() => {
  const WAIT = 120; // milliseconds without a key before the server is asked
  let number = 0;

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /* What is offered before anything is typed. */
  function fromShelf(words) {
    const { starred, recent } = window.portalShelf.read();
    const isStarred = (entry) => starred.some((other) => other.address === entry.address);
    return [
      { label: words.starred, entries: starred.slice(0, 8) },
      { label: words.recent, entries: recent.filter((entry) => !isStarred(entry)) },
    ];
  }

  function fromAnswer(words, suggestions) {
    const of = (kind) => suggestions.filter((each) => each.kind === kind);
    return [
      { label: words.situations, entries: of("situation") },
      { label: words.runbooks, entries: of("runbook") },
    ];
  }

  function makeCombobox(input) {
    const words = input.dataset;
    const id = `combobox-${++number}`;
    const list = element("ul", { id, class: "combobox-list", role: "listbox", "aria-label": words.label, hidden: "" });
    const status = element("span", { class: "visually-hidden", role: "status" });
    input.after(list, status);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", "aria-haspopup": "listbox",
    })) input.setAttribute(name, value);

    let active = -1;
    let timer = 0;
    let asking = null;
    let shownFor = ""; // the words that the list answers: one that answers others is not chosen from
    const options = () => [...list.querySelectorAll('[role="option"]')];
    const isOpen = () => !list.hidden && shownFor === input.value.trim();

    function choose(index, { none = false } = {}) {
      const all = options();
      active = all.length && !none ? (index + all.length) % all.length : -1;
      all.forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
      if (active < 0) {
        input.removeAttribute("aria-activedescendant");
        return;
      }
      input.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    }

    function close() {
      clearTimeout(timer);
      asking?.abort();
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      choose(-1, { none: true });
    }

    function show(groups, { say }) {
      list.replaceChildren();
      let count = 0;
      for (const { label, entries } of groups) {
        if (!entries.length) continue;
        list.append(element("li", { role: "presentation" }, label));
        for (const entry of entries) {
          const option = element("li", { role: "option", id: `${id}-${count++}`, "aria-selected": "false" });
          option.append(element("span", {}, entry.title));
          if (entry.note) option.append(element("span", { class: entry.live_ready ? "quiet is-live" : "quiet" }, entry.note));
          option.dataset.address = entry.address;
          list.append(option);
        }
      }
      choose(-1, { none: true });
      shownFor = input.value.trim();
      list.hidden = count === 0;
      input.setAttribute("aria-expanded", String(count > 0));
      status.textContent = say ? (count ? words.some.replace("{number}", count) : words.none) : "";
    }

    async function ask() {
      const text = input.value.trim();
      clearTimeout(timer);
      asking?.abort();
      if (!text) {
        show(fromShelf(words), { say: false });
        return;
      }
      asking = new AbortController();
      const { signal } = asking;
      try {
        const answer = await fetch(`${words.suggestions}?${new URLSearchParams({ q: text })}`, {
          signal, headers: { Accept: "application/json" },
        });
        // Signed out meanwhile, or an error: the plain form still works and says why.
        const isJson = answer.ok && (answer.headers.get("Content-Type") || "").startsWith("application/json");
        const { suggestions } = isJson ? await answer.json() : { suggestions: [] };
        if (!signal.aborted && document.activeElement === input) show(fromAnswer(words, suggestions), { say: true });
      } catch {
        if (!signal.aborted) close();
      }
    }

    function open(option) {
      close();
      location.assign(option.dataset.address);
    }

    const keys = {
      ArrowDown: () => (isOpen() ? choose(active + 1) : ask().then(() => choose(0))),
      ArrowUp: () => (isOpen() ? choose(active < 0 ? -1 : active - 1) : ask().then(() => choose(-1))),
      Enter: () => (isOpen() && active >= 0 ? open(options()[active]) : false),
      // First the list, then the words; then the page has the keyboard again.
      Escape: () => (!list.hidden ? close() : input.value ? (input.value = "") : input.blur()),
    };
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || !(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (keys[event.key]() === false) {
        close(); // Enter without a choice: the form is sent
        return;
      }
      event.preventDefault();
    });
    input.addEventListener("input", () => {
      clearTimeout(timer);
      choose(-1, { none: true });
      if (!shownFor || !input.value.trim()) close(); // the shelf is no answer to words, nor an answer to none
      timer = setTimeout(ask, WAIT);
    });
    input.addEventListener("focus", () => {
      // A field that the page itself put the cursor into stays quiet until a key is pressed.
      const isQuiet = input.autofocus && !input.dataset.wasFocused;
      if (!input.value && !isQuiet) ask();
      input.dataset.wasFocused = "yes";
    });
    input.addEventListener("blur", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the cursor
    list.addEventListener("click", (event) => {
      const option = event.target.closest('[role="option"]');
      if (option) open(option);
    });
  }

  const inputs = [...document.querySelectorAll("input[data-suggestions]")];
  inputs.forEach(makeCombobox);

  /* "/" and Ctrl-K (Cmd-K): to the field that is seen, or to the search page where none is. */
  const isWriting = (target) =>
    target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
  document.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isWriting(event.target);
    const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (event.defaultPrevented || !(isSlash || isK)) return;
    event.preventDefault();
    const field = document.querySelector("main input[data-suggestions]") || inputs.find((input) => input.checkVisibility());
    if (!field) {
      location.assign(inputs[0]?.form.action ?? "/search/");
      return;
    }
    field.dataset.wasFocused = "yes";
    field.scrollIntoView({ block: "nearest" });
    field.focus();
    field.select();
  });
})();
