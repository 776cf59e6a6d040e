// The page's side of FilesExplorer. Every name is written as text, never as markup; what the page
// does not have yet it asks its kernel for, by number.

const PATIENCE = 4000; // ms until the reader is told that the kernel doesn't answer

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

class Kernel {
  constructor(model, tell) {
    this.model = model;
    this.tell = tell;
    this.waiting = new Map();
    this.next = Math.floor(Math.random() * 2 ** 40); // another view's questions have other numbers
    this.heard = (message) => this.hear(message);
    model.on("msg:custom", this.heard);
  }

  ask(question, then) {
    const id = this.next++;
    const timer = setTimeout(() => this.tell(this.model.get("head").words.busy), PATIENCE);
    this.waiting.set(id, { then, timer });
    this.model.send({ ...question, id });
  }

  hear(message) {
    const asked = this.waiting.get(message.id);
    if (!asked) return; // another view of the same widget asked
    clearTimeout(asked.timer);
    this.waiting.delete(message.id);
    this.tell(message.said ?? "");
    asked.then(message);
  }

  end() {
    this.waiting.forEach(({ timer }) => clearTimeout(timer));
    this.model.off("msg:custom", this.heard);
  }
}

class Explorer {
  constructor(model, root) {
    this.head = model.get("head");
    this.words = this.head.words;
    this.state = { view: "layer", layer: this.head.layers.length - 1, find: "", sort: "size" };
    this.root = root;
    root.className = "dl-files";
    this.build();
    this.kernel = new Kernel(model, (words) => (this.status.textContent = words));
    this.show(model.get("first"));
  }

  // ---- the parts ---------------------------------------------------------------------------

  build() {
    const head = make("div", "dl-head");
    head.append(make("span", "dl-title", this.head.title), make("span", "dl-line", this.head.headline));
    this.layers = make("div", "dl-layers");
    this.layers.setAttribute("role", "listbox");
    this.layers.setAttribute("aria-label", this.words.layers);
    [...this.head.layers.keys()].reverse().forEach((n) => this.layers.append(this.layerItem(n)));
    this.layers.addEventListener("keydown", (event) => this.layerKey(event));
    this.tree = make("div", "dl-tree");
    this.tree.setAttribute("role", "tree");
    this.tree.setAttribute("aria-label", this.head.title);
    this.tree.addEventListener("keydown", (event) => this.treeKey(event));
    this.status = make("span", "dl-status");
    this.status.setAttribute("role", "status");
    this.panel = make("div", "dl-content");
    this.panel.hidden = true;
    const right = make("div", "dl-right");
    right.append(this.bar(), this.tree, this.panel);
    const body = make("div", "dl-body");
    body.append(this.layers, right);
    const foot = make("div", "dl-foot");
    foot.append(make("span", "dl-keys", this.words.keys), this.status);
    this.root.append(head, body, foot);
    this.root.addEventListener("keydown", (event) => this.anyKey(event));
    // the page's own shortcuts must not act on what is typed here
    for (const kind of ["keydown", "keypress", "keyup"]) {
      this.root.addEventListener(kind, (event) => event.stopPropagation());
    }
    this.root.dataset.lmSuppressShortcuts = "true";
    this.mark();
  }

  layerItem(position) {
    const layer = this.head.layers[position];
    const item = make("div", "dl-layer");
    item.setAttribute("role", "option");
    item.dataset.layer = position;
    item.title = layer.line;
    const gauge = make("div", "dl-gauge");
    const seen = make("div", "dl-seen");
    seen.style.width = `${100 * layer.share * (1 - layer.unseen)}%`;
    seen.style.background = layer.paint;
    const unseen = make("div", "dl-unseen");
    unseen.style.width = `${100 * layer.share * layer.unseen}%`;
    gauge.append(seen, unseen);
    const top = make("div", "dl-layer-top");
    top.append(make("code", "", layer.line), make("b", "", layer.size));
    item.append(top, gauge, make("div", "dl-layer-note", `${position} · ${layer.note}`));
    item.addEventListener("click", () => this.choose(position));
    return item;
  }

  bar() {
    const bar = make("div", "dl-bar");
    this.views = make("div", "dl-views");
    this.views.setAttribute("role", "group");
    for (const view of this.head.waste ? ["layer", "all", "waste"] : ["layer", "all"]) {
      const button = make("button", "", this.words[view]);
      button.type = "button";
      button.dataset.view = view;
      button.addEventListener("click", () => this.change({ view }));
      this.views.append(button);
    }
    this.filter = make("input", "dl-filter");
    this.filter.type = "search";
    this.filter.placeholder = this.words.filter;
    this.filter.setAttribute("aria-label", this.words.filter);
    this.filter.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.change({ find: this.filter.value.trim() }), 250);
    });
    this.filter.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      event.preventDefault();
      this.focus(this.rows()[0]);
    });
    this.order = make("select", "dl-order");
    for (const sort of ["size", "path"]) {
      const option = make("option", "", this.words[sort]);
      option.value = sort;
      this.order.append(option);
    }
    this.order.addEventListener("change", () => this.change({ sort: this.order.value }));
    bar.append(this.views, this.filter, this.order);
    return bar;
  }

  // ---- what is shown -----------------------------------------------------------------------

  choose(layer) {
    this.change({ layer, view: "layer" });
  }

  change(to) {
    Object.assign(this.state, to);
    this.mark();
    this.panel.hidden = true;
    const asked = (this.asked = (this.asked ?? 0) + 1);
    this.kernel.ask({ ...this.state, ask: "tree" }, (answer) => {
      if (asked !== this.asked) return; // something else was chosen meanwhile
      this.show(answer.rows ?? []);
    });
  }

  mark() {
    for (const item of this.layers.children) {
      const chosen = this.state.view === "layer" && Number(item.dataset.layer) === this.state.layer;
      item.setAttribute("aria-selected", String(chosen));
      item.tabIndex = Number(item.dataset.layer) === this.state.layer ? 0 : -1;
    }
    for (const button of this.views.children) {
      button.setAttribute("aria-pressed", String(button.dataset.view === this.state.view));
    }
    const story = this.state.view === "waste";
    this.filter.disabled = this.order.disabled = story;
  }

  show(rows) {
    this.tree.replaceChildren(...rows.map((row) => this.row({ depth: 0, ...row })));
    this.tree.scrollTop = 0;
    if (!rows.length) this.tree.append(make("div", "dl-empty", this.words.empty));
    const first = this.rows()[0];
    if (first) first.tabIndex = 0;
  }

  row(data) {
    if (data.left) return this.more(data);
    const row = make("div", data.story ? "dl-row dl-story" : "dl-row");
    row.data = data;
    row.style.setProperty("--depth", data.depth);
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", data.depth + 1);
    row.tabIndex = -1;
    if (data.folder) row.setAttribute("aria-expanded", String(Boolean(data.open)));
    const gauge = make("span", "dl-share");
    const share = make("span", data.gone ? "dl-unseen" : "dl-seen");
    share.style.width = `${100 * (data.share ?? 0)}%`;
    gauge.append(share);
    row.append(
      make("span", `dl-mark dl-mark-${{ "+": "a", "≠": "c", "=": "c", "-": "d" }[data.mark] ?? "n"}`, data.mark ?? ""),
      make("span", "dl-twist", data.folder ? "▸" : ""),
      make("span", data.folder ? "dl-name dl-folder" : "dl-name", data.label),
      make("span", "dl-note", data.note ?? ""),
      gauge,
      make("span", "dl-size", data.size),
    );
    if (data.mode) row.title = data.mode;
    row.addEventListener("click", () => {
      this.focus(row);
      this.act(row);
    });
    return row;
  }

  // the row at the end of a folder that has more in it than was sent
  more(data) {
    const row = make("div", "dl-row");
    row.data = data;
    row.style.setProperty("--depth", data.depth);
    row.setAttribute("role", "treeitem");
    row.tabIndex = -1;
    row.append(make("span", "dl-more", `${this.words.more} (${data.left})`));
    row.load = () => {
      const question = { ...this.state, ask: "open", key: data.key, start: data.start };
      this.kernel.ask(question, (answer) => {
        const rows = this.children(data, answer);
        row.replaceWith(...rows);
        this.focus(rows[0]);
      });
    };
    row.addEventListener("click", () => row.load());
    return row;
  }

  children({ key, start = 0, depth }, answer) {
    const sent = answer.rows ?? [];
    const rows = sent.map((data) => this.row({ ...data, depth }));
    if (answer.left) {
      rows.push(this.more({ key, start: start + sent.length, left: answer.left, depth }));
    }
    return rows;
  }

  // ---- what is done ------------------------------------------------------------------------

  act(row) {
    if (row.load) row.load();
    else if (row.data.folder) row.data.open ? this.fold(row) : this.unfold(row);
    else if (row.data.readable) this.read(row);
  }

  unfold(row) {
    if (row.data.open || !row.data.folder) return;
    row.data.open = true;
    row.setAttribute("aria-expanded", "true");
    const question = { ...this.state, ask: "open", key: row.data.key };
    this.kernel.ask(question, (answer) => {
      if (!row.isConnected || !row.data.open) return;
      row.after(...this.children({ key: row.data.key, depth: row.data.depth + 1 }, answer));
    });
  }

  fold(row) {
    row.data.open = false;
    row.setAttribute("aria-expanded", "false");
    while (row.nextElementSibling && (row.nextElementSibling.data?.depth ?? 0) > row.data.depth) {
      row.nextElementSibling.remove();
    }
  }

  read(row) {
    const { data } = row;
    const asked = (this.reading = (this.reading ?? 0) + 1);
    this.status.textContent = this.words.reading;
    this.kernel.ask({ ...this.state, ask: "read", key: data.key }, (answer) => {
      if (asked !== this.reading || !answer.lines) return;
      const head = make("div", "dl-content-head");
      const close = make("button", "", this.words.close);
      close.type = "button";
      close.addEventListener("click", () => this.close(row));
      const words = make("span");
      words.append(make("b", "", data.label), make("span", "dl-line", answer.headline));
      head.append(words, close);
      const text = make("pre");
      text.tabIndex = 0;
      for (const [number, line] of answer.lines) {
        const shown = make("div");
        shown.append(make("span", "dl-number", number), make("span", "", line));
        text.append(shown);
      }
      if (!answer.lines.length) text.append(make("div", "", this.words.content));
      this.panel.replaceChildren(head, text, ...answer.rest.map((rest) => make("div", "dl-rest", rest)));
      this.panel.hidden = false;
      this.opened = row;
      text.focus({ preventScroll: true });
    });
  }

  close(row) {
    this.panel.hidden = true;
    if (row?.isConnected) this.focus(row);
  }

  // ---- the keyboard ------------------------------------------------------------------------

  rows() {
    return [...this.tree.querySelectorAll('[role="treeitem"]')];
  }

  focus(row) {
    if (!row) return;
    for (const other of this.rows()) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  treeKey(event) {
    const rows = this.rows();
    const at = rows.indexOf(event.target.closest('[role="treeitem"]'));
    if (at < 0) return;
    const row = rows[at];
    const { depth } = row.data;
    const moves = {
      ArrowDown: () => this.focus(rows[at + 1]),
      ArrowUp: () => this.focus(rows[at - 1]),
      Home: () => this.focus(rows[0]),
      End: () => this.focus(rows.at(-1)),
      Enter: () => this.act(row),
      " ": () => this.act(row),
      ArrowRight: () => {
        if (row.data.folder && !row.data.open) this.unfold(row);
        else if (row.data.open) this.focus(rows[at + 1]);
      },
      ArrowLeft: () => {
        if (row.data.open) this.fold(row);
        else this.focus(rows.slice(0, at).findLast((one) => one.data.depth < depth));
      },
    };
    this.press(event, moves);
  }

  layerKey(event) {
    const items = [...this.layers.children];
    const at = items.findIndex((item) => Number(item.dataset.layer) === this.state.layer);
    const go = (item) => {
      if (!item) return;
      this.choose(Number(item.dataset.layer));
      item.focus();
    };
    this.press(event, {
      ArrowDown: () => go(items[at + 1]),
      ArrowUp: () => go(items[at - 1]),
      Home: () => go(items[0]),
      End: () => go(items.at(-1)),
      Enter: () => this.focus(this.rows()[0]),
      ArrowRight: () => this.focus(this.rows()[0]),
    });
  }

  anyKey(event) {
    if (event.target === this.filter) {
      this.press(event, { Escape: () => this.focus(this.rows()[0]) });
      return;
    }
    this.press(event, {
      "/": () => this.filter.focus(),
      l: () => this.layers.querySelector('[tabindex="0"]')?.focus(),
      L: () => this.layers.querySelector('[tabindex="0"]')?.focus(),
      Escape: () => !this.panel.hidden && this.close(this.opened),
    });
  }

  press(event, moves) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }
}

export default {
  render({ model, el }) {
    const explorer = new Explorer(model, el.appendChild(document.createElement("div")));
    return () => explorer.kernel.end();
  },
};
