/* What a reader may do with a document: link to a heading, copy a command, wrap a wide one, tick a checklist.
   The page is complete without it. Nothing leaves the browser, nothing is recorded. */

"use strict";

(() => {
  const article = document.querySelector(".document[data-sha256]");
  const tools = document.getElementById("document-tools");
  if (!article || !tools) return;

  const tool = (name) => tools.content.querySelector(`.${name}`).cloneNode(true);

  // ---- Headings

  for (const heading of article.querySelectorAll(":is(h2, h3, h4, h5, h6)[id]")) {
    const anchor = tool("anchor");
    anchor.href = `#${encodeURIComponent(heading.id)}`;
    anchor.setAttribute("aria-label", `${anchor.getAttribute("aria-label")}: ${heading.textContent.trim()}`);
    heading.append(" ", anchor);
  }

  // ---- Code: the clipboard gets the lines as they stand in the source, without a last line break that would run them

  const copyBySelection = (text) => {
    const field = document.createElement("textarea");
    field.value = text;
    field.readOnly = true;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };

  // A page that is not served over HTTPS has no clipboard of its own.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  };

  for (const block of article.querySelectorAll(".code")) {
    const pre = block.querySelector("pre");
    const bar = tool("code-tools");
    const [status, wrap, button] = ["code-status", "code-wrap", "code-copy"].map((name) => bar.querySelector(`.${name}`));

    button.addEventListener("click", async () => {
      const done = await copy(pre.textContent.replace(/\n$/, ""));
      button.focus();
      status.textContent = done ? status.dataset.copied : status.dataset.refused;
      setTimeout(() => { status.textContent = ""; }, 4000);
    });

    const wrapped = () => block.classList.contains("is-wrapped");
    wrap.addEventListener("click", () => {
      block.classList.toggle("is-wrapped");
      wrap.setAttribute("aria-pressed", String(wrapped()));
    });
    new ResizeObserver(() => { wrap.hidden = !wrapped() && pre.scrollWidth <= pre.clientWidth; }).observe(pre);

    block.prepend(bar);
  }

  // ---- Tables: one that has nothing to scroll is no stop for the keyboard

  for (const box of article.querySelectorAll(".table")) {
    new ResizeObserver(() => { box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1; }).observe(box);
  }

  // ---- Checklists: for this tab only, so that nobody takes the ticks of an earlier incident for their own

  const key = `ticks:${article.dataset.sha256}`;
  const boxes = [...article.querySelectorAll(".task-list-item > input, .task-list-item > p > input")];

  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(key)) || {};
    } catch {
      return {};
    }
  };
  const keep = () => {
    const ticked = Object.fromEntries(boxes.map((box, number) => [number, box.checked]));
    try {
      sessionStorage.setItem(key, JSON.stringify(ticked));
    } catch {
      // A browser that keeps nothing: the ticks last until the page is left.
    }
  };

  const wordsOf = (box) => {
    const item = box.closest("li").cloneNode(true);
    item.querySelectorAll("ul, ol, pre").forEach((inner) => inner.remove());
    return item.textContent.trim();
  };

  const before = kept();
  boxes.forEach((box, number) => {
    box.checked = before[number] ?? box.defaultChecked;
    box.disabled = false;
    box.setAttribute("aria-label", wordsOf(box));
  });

  for (const list of article.querySelectorAll(".contains-task-list")) {
    if (list.parentElement.closest(".contains-task-list")) continue;
    const bar = tool("checklist-tools");
    const inList = boxes.filter((box) => list.contains(box));
    const count = () => {
      bar.querySelector(".checklist-count").textContent = `${inList.filter((box) => box.checked).length} / ${inList.length}.`;
    };
    list.addEventListener("change", () => { keep(); count(); });
    bar.querySelector(".checklist-reset").addEventListener("click", () => {
      inList.forEach((box) => { box.checked = box.defaultChecked; });
      keep();
      count();
    });
    count();
    list.before(bar);
  }

  // ---- Paper: what is folded would be lost there

  addEventListener("beforeprint", () => {
    article.querySelectorAll("details:not([open])").forEach((fold) => {
      fold.open = true;
      fold.dataset.folded = "";
    });
  });
  addEventListener("afterprint", () => {
    article.querySelectorAll("details[data-folded]").forEach((fold) => {
      fold.open = false;
      delete fold.dataset.folded;
    });
  });
})();
