/* The shelf: runbooks that were starred or opened lately. It lies in this browser alone (localStorage) and holds
   titles and addresses, never a readiness: that is read from the server at every look. */
"use strict";

window.portalShelf = (() => {
  const KEY = "portal.shelf";
  const MOST_RECENT = 8;
  const MOST_STARRED = 50;

  const isEntry = (entry) =>
    entry !== null && typeof entry === "object" && typeof entry.title === "string" &&
    typeof entry.address === "string" && /^\/runbooks\/[-\w]+\/$/.test(entry.address);

  function read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY)) || {};
      const list = (name) => (Array.isArray(kept[name]) ? kept[name].filter(isEntry) : []);
      return { starred: list("starred"), recent: list("recent") };
    } catch {
      return { starred: [], recent: [] }; // storage is shut, or somebody wrote nonsense into it
    }
  }

  function write(shelf) {
    try {
      localStorage.setItem(KEY, JSON.stringify(shelf));
    } catch {
      /* Storage is shut or full: nothing is remembered. */
    }
  }

  const without = (list, entry) => list.filter((other) => other.address !== entry.address);

  return {
    read,
    opened(entry) {
      const shelf = read();
      shelf.recent = [entry, ...without(shelf.recent, entry)].slice(0, MOST_RECENT);
      shelf.starred = shelf.starred.map((other) => (other.address === entry.address ? entry : other));
      write(shelf);
    },
    isStarred: (entry) => read().starred.some((other) => other.address === entry.address),
    toggle(entry) {
      const shelf = read();
      const rest = without(shelf.starred, entry);
      shelf.starred = rest.length < shelf.starred.length ? rest : [entry, ...rest].slice(0, MOST_STARRED);
      write(shelf);
    },
    clear() {
      try {
        localStorage.removeItem(KEY);
      } catch {
        /* Storage is shut: there is nothing to clear. */
      }
    },
  };
})();

/* A runbook's own page: it was opened just now, and it can be starred. */
for (const button of document.querySelectorAll("[data-star]")) {
  const shelf = window.portalShelf;
  const entry = { title: button.dataset.title, address: button.dataset.address };
  const show = () => {
    const starred = shelf.isStarred(entry);
    button.setAttribute("aria-pressed", String(starred));
    button.querySelector("[aria-hidden]").textContent = starred ? "★" : "☆";
  };
  shelf.opened(entry);
  show();
  button.hidden = false;
  button.addEventListener("click", () => {
    shelf.toggle(entry);
    show();
  });
}

/* The search page: what lies on the shelf. */
for (const section of document.querySelectorAll("[data-shelf]")) {
  const list = section.querySelector("[data-shelf-list]");
  const { starred, recent } = window.portalShelf.read();
  const isStarred = (entry) => starred.some((other) => other.address === entry.address);
  for (const entry of [...starred, ...recent.filter((each) => !isStarred(each))]) {
    const link = document.createElement("a");
    link.className = "title";
    link.href = entry.address;
    link.textContent = isStarred(entry) ? `★ ${entry.title}` : entry.title;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  section.hidden = list.childElementCount === 0;
  section.querySelector("[data-shelf-clear]").addEventListener("click", () => {
    window.portalShelf.clear();
    section.hidden = true;
  });
}
