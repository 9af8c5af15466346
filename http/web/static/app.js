// What the pages can do beyond being read: a theme, a shortcut, copying,
// filtering, and staying fresh. Everything is readable without this file.
"use strict";
(() => {
  const one = (sel, root = document) => root.querySelector(sel);
  const all = (sel, root = document) => [...root.querySelectorAll(sel)];

  // ---- theme
  const root = document.documentElement;
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const toggle = one("#theme");
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* lasts for this page only */ }
  });

  // ---- keyboard: / goes to the search, Escape leaves it
  document.addEventListener("keydown", (e) => {
    const typing = e.target.closest("input, textarea, select, [contenteditable]");
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      one("#quick").select();
      one("#quick").focus();
    } else if (e.key === "Escape" && typing) {
      typing.blur();
    }
  });

  // ---- copying
  const copy = async (button, text) => {
    const was = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
    setTimeout(() => { button.textContent = was; }, 1500);
  };
  // A stack as one line a frame, the way people paste it into bugs.
  const stackText = (table) => all("tbody tr", table).map((tr) => {
    if (tr.classList.contains("fold")) return "    … " + tr.textContent.trim();
    const cell = (name) => one("." + name, tr);
    const source = one("[title]", cell("source"));
    const name = one(".name, .bare", cell("function")).textContent + (one("details.params > span, span.params", cell("function"))?.textContent ?? "");
    return [tr.cells[0].textContent.padStart(3), cell("module").textContent, name, source ? `[${source.title}]` : ""].join("  ").trimEnd();
  }).join("\n");

  // ---- everything that only works with JavaScript starts hidden
  const wire = (scope) => {
    for (const b of all("[data-copy]", scope)) {
      if (!navigator.clipboard) continue; // browsers offer it on https and localhost only
      b.hidden = false;
      b.addEventListener("click", () => copy(b, one(b.dataset.copy).textContent));
    }
    for (const b of all("[data-copy-stack]", scope)) {
      const table = one(b.dataset.copyStack + " table.stack");
      if (!navigator.clipboard || !table) continue;
      b.hidden = false;
      b.addEventListener("click", () => copy(b, stackText(table)));
    }
    for (const b of all("[data-open-all]", scope)) {
      b.hidden = false;
      b.addEventListener("click", () => {
        const threads = all("details.thread", one(b.dataset.openAll));
        const open = threads.some((d) => !d.open);
        for (const d of threads) d.open = open;
        b.textContent = open ? "Close all" : "Open all";
      });
    }
    for (const input of all("[data-filter]", scope)) {
      input.hidden = false;
      input.addEventListener("input", () => {
        const want = input.value.trim().toLowerCase();
        for (const tr of one(input.dataset.filter).rows) tr.hidden = !tr.textContent.toLowerCase().includes(want);
      });
    }
  };
  wire(document);

  // A link to a closed thread opens it.
  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();

  // ---- lists: fetch the page again and swap the regions that changed
  const swap = (next) => {
    for (const now of all("[data-region]")) {
      const fresh = one(`[data-region="${now.dataset.region}"]`, next);
      if (!fresh) return location.reload();
      if (fresh.dataset.reload !== now.dataset.reload) return location.reload();
      // Titles hold ages ("3 s ago"), which change without anything having happened.
      const bare = (el) => el.innerHTML.replace(/ title="[^"]*"/g, "").replace(/ hidden="[^"]*"/g, "");
      if (bare(fresh) === bare(now)) continue;
      const marked = getSelection();
      if (!marked.isCollapsed && now.contains(marked.anchorNode)) continue;
      const held = now.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      now.replaceChildren(...fresh.childNodes);
      wire(now);
      if (held) all("a", now).find((a) => a.getAttribute("href") === held)?.focus({ preventScroll: true });
    }
  };
  const poll = (every) => {
    let busy = false;
    const turn = async () => {
      if (busy || document.hidden) return;
      busy = true;
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
        if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } catch {
        // The server restarts or the network is gone; the next turn tries again.
      } finally {
        busy = false;
      }
    };
    setInterval(turn, every);
    document.addEventListener("visibilitychange", turn);
  };
  if (document.body.dataset.live) poll(one("[data-reload]") ? 1500 : 4000);

  // ---- actors: one JSON event a second
  const page = one("#actors-page");
  if (!page) return;
  const put = (el, text) => { if (el.textContent !== text) el.textContent = text; };
  const fill = (row, item) => {
    row.dataset.key = item.key;
    for (const name of ["state", "depth", "alarm"]) if (name in item) row.dataset[name] = item[name];
    for (const el of all("[data-f]", row)) put(el, item[el.dataset.f] ?? "");
    for (const a of all("[data-report]", row)) a.href = "/report/index/" + encodeURIComponent(item.id);
  };
  const show = (event) => {
    for (const list of all("[data-rows]", page)) {
      const items = event[list.dataset.rows] ?? [];
      const old = new Map([...list.children].map((row) => [row.dataset.key, row]));
      let at = list.firstElementChild;
      for (const item of items) {
        let row = old.get(item.key);
        if (row) old.delete(item.key);
        else row = document.getElementById(list.dataset.template).content.firstElementChild.cloneNode(true);
        fill(row, item);
        if (row === at) at = at.nextElementSibling;
        else list.insertBefore(row, at);
      }
      for (const row of old.values()) row.remove();
    }
    put(one("#at"), event.at);
    const error = one("#queue-error");
    error.hidden = !event.error;
    put(error, event.error);
    one("#no-actors").hidden = (event.actors ?? []).length > 0;
    one("#no-outbox").hidden = (event.outbox ?? []).length > 0;
    one("#parked").hidden = (event.parked ?? []).length === 0;
  };
  const live = one("#live");
  const say = (state, word) => { live.dataset.state = state; put(one(".word", live), word); };
  let source = null;
  const connect = () => {
    source = new EventSource(page.dataset.events);
    source.onmessage = (e) => { show(JSON.parse(e.data)); say("on", "live"); };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        // Refused, because all streams are taken: ask again later.
        say("off", "busy, as of");
        setTimeout(connect, 10_000);
      } else {
        say("lost", "reconnecting, as of");
      }
    };
  };
  connect();
  // A tab that nobody looks at gives its stream back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source.close();
      say("off", "paused, as of");
    } else if (source.readyState === EventSource.CLOSED) {
      connect();
    }
  });
})();
