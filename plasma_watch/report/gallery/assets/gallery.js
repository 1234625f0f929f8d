// The gallery's one script. It is loaded from a file and loads nothing but files beside it: data as
// scripts (`plasma.groups`, `plasma.rows`, `plasma.more`), because a page opened from a folder may
// read no others. What a request says is only ever put into the page as text.
"use strict";

const plasma = (() => {
  const PAGE = 60;
  const SHORT = 40;
  const LOOK_SECONDS = 20;
  const body = document.body;
  const { page, slug, root, gallery } = body.dataset;
  const byId = (id) => document.getElementById(id);
  const said = {};

  // Building the page: elements with text in them, never markup.

  function make(tag, attributes = {}, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") made.className = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...inside.filter((each) => each !== "" && each != null));
    return made;
  }

  function count(many, one, several = `${one}s`) {
    return `${many.toLocaleString("en")} ${many === 1 ? one : several}`;
  }

  function link(path) {
    return root + path.split("/").map(encodeURIComponent).join("/");
  }

  function thumb(row) {
    return `${gallery}thumbs/${row.thumb.slice(0, 2)}/${row.thumb}.webp`;
  }

  function day(iso) {
    if (!iso) return "";
    const when = new Date(iso);
    const two = (number) => String(number).padStart(2, "0");
    return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
  }

  // Loading: each file once, and again when it is said to have changed.

  const loading = new Map();

  function load(file, stamp = "") {
    const source = gallery + file + (stamp ? `?${stamp}` : "");
    if (!loading.has(source)) {
      loading.set(source, new Promise((resolve, reject) => {
        const script = make("script", { src: source });
        script.addEventListener("load", () => { script.remove(); resolve(); });
        script.addEventListener("error", () => { script.remove(); reject(new Error(source)); });
        document.head.append(script);
      }));
    }
    return loading.get(source);
  }

  const file = (group, number, suffix) =>
    `data/${encodeURIComponent(group)}-${String(number).padStart(4, "0")}.${suffix}`;

  // What was loaded.

  let groups = [];
  let about = {};
  let titles = new Map();
  const rows = new Map();
  const mores = new Map();

  function takeGroups(told) {
    about = told.about;
    groups = Object.values(told.groups).map((group) => ({
      ...group,
      shelves: Object.entries(group.shelves).map(([number, shelf]) => ({ number: Number(number), ...shelf })),
    }));
    groups.sort((a, b) => byName(a.title, b.title));
    titles = new Map(groups.map((group) => [group.slug, group.title]));
    said.groups?.();
  }

  function takeRows(group, number, told) {
    for (const [id, row] of rows) {
      if (row.group === group && row.shelf === number) rows.delete(id);
    }
    for (const row of told) {
      row.group = group;
      row.shelf = number;
      row.words = (row.told.prompt ?? "").toLowerCase();
      row.day = day(row.made);
      rows.set(row.id, row);
    }
  }

  function takeMore(group, number, told) {
    for (const more of told) mores.set(more.id, more);
  }

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const byName = (a, b) => collator.compare(a, b);
  const total = (group, key) => group.shelves.reduce((sum, shelf) => sum + shelf[key], 0);

  // The state of the page is in its address, behind the #: it can be kept, sent, and gone back to.

  const FIELDS = ["q", "chapter", "lora", "seed", "from", "to", "sort", "approved"];

  function state() {
    return new URLSearchParams(location.hash.slice(1));
  }

  function address(changes) {
    const now = state();
    for (const [key, value] of Object.entries(changes)) {
      if (value) now.set(key, value);
      else now.delete(key);
    }
    return `#${now}`;
  }

  function go(changes) {
    const there = address(changes);
    if (there !== (location.hash || "#")) location.replace(there);
  }

  // Looking: what fits the filters, page by page of the book.

  const isIndex = page === "index";

  function wanted() {
    const now = state();
    const words = (now.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const seed = (now.get("seed") ?? "").trim();
    const asked = Object.fromEntries(FIELDS.map((key) => [key, now.get(key) ?? ""]));
    const fits = (row) =>
      words.every((word) => row.words.includes(word)) &&
      (!seed || row.told.seed === seed) &&
      (!asked.lora || row.lora === asked.lora) &&
      (!asked.from || row.day >= asked.from) &&
      (!asked.to || (row.day && row.day <= asked.to)) &&
      (!asked.approved || row.approved) &&
      (!asked.chapter || row.group === asked.chapter);
    const keys = FIELDS.filter((key) => asked[key] && key !== "sort" && (isIndex || key !== "chapter"));
    return { ...asked, fits, isAsked: keys.length > 0 };
  }

  function gathered(fits) {
    const found = new Map();
    for (const row of rows.values()) {
      if (!isIndex && row.group !== slug) continue;
      const sheaf = found.get(row.stem) ?? { stem: row.stem, versions: [], fitting: [] };
      sheaf.versions.push(row);
      if (fits(row)) sheaf.fitting.push(row);
      found.set(row.stem, sheaf);
    }
    const sheaves = [...found.values()].filter((sheaf) => sheaf.fitting.length);
    for (const sheaf of sheaves) {
      sheaf.versions.sort((a, b) => a.version - b.version);
      sheaf.fitting.sort((a, b) => a.version - b.version);
      sheaf.newest = sheaf.fitting.reduce((a, b) => (b.made > a.made ? b : a));
      sheaf.cover = sheaf.fitting.filter((row) => row.approved).at(-1) ?? sheaf.fitting.at(-1);
    }
    return sheaves;
  }

  function sorted(sheaves, sort) {
    const isBook = sheaves.every((sheaf) => sheaf.cover.page >= 0);
    const byPage = (a, b) =>
      a.cover.chapter - b.cover.chapter || a.cover.page - b.cover.page || byName(a.stem, b.stem);
    const byNewest = (a, b) => (a.newest.made < b.newest.made ? 1 : a.newest.made > b.newest.made ? -1 : byName(a.stem, b.stem));
    const isByPage = sort ? sort === "page" : isBook && !isIndex;
    return sheaves.sort(isByPage ? byPage : byNewest);
  }

  function nameOf(sheaf) {
    const row = sheaf.versions[0];
    const sheet = row.sheet ? ", sheet" : "";
    if (row.page >= 0) {
      const chapter = isIndex ? `Chapter ${row.chapter}, page ` : "Page ";
      return `${chapter}${row.page}${sheet}`;
    }
    const stem = row.sheet ? row.stem.replace(/_sheet$/, "") : row.stem;
    const inside = stem.startsWith("ch-") || !stem.includes("/") || isIndex ? stem : stem.slice(stem.indexOf("/") + 1);
    return inside + sheet;
  }

  function altOf(sheaf, row) {
    const prompt = (row.told.prompt ?? "").replace(/\s+/g, " ").trim();
    const short = prompt.length > 160 ? `${prompt.slice(0, 160)}…` : prompt;
    return `${nameOf(sheaf)}, version ${row.version}${short ? `: ${short}` : ""}`;
  }

  function image(row, source, alt, lazy = true) {
    const size = row.width && row.height ? { width: row.width, height: row.height } : {};
    return make("img", { src: source, alt, ...size, decoding: "async", loading: lazy ? "lazy" : "eager" });
  }

  function framed(row, alt) {
    const inside = row.thumb ? image(row, thumb(row), alt) : make("span", { class: "none" }, "This picture cannot be shown");
    return make("span", { class: "frame" }, inside);
  }

  function card(sheaf) {
    const many = sheaf.versions.length;
    const part = sheaf.fitting.length < many ? `${sheaf.fitting.length} of ${many} versions` : count(many, "version");
    const approved = sheaf.versions.some((row) => row.approved);
    return make("li", {},
      make("a", { class: "card", href: address({ open: sheaf.stem }) },
        framed(sheaf.cover, altOf(sheaf, sheaf.cover)),
        make("span", { class: "name" }, nameOf(sheaf)),
        make("span", { class: "meta" },
          make("span", {}, many > 1 || sheaf.fitting.length < many ? part : day(sheaf.newest.made)),
          approved ? make("span", { class: "approved" }, "✓ approved") : "",
          sheaf.cover.sandbox ? make("span", { class: "badge" }, "sandbox") : "")));
  }

  let shown = [];
  let drawn = "";

  function draw() {
    const asked = wanted();
    const isOverview = isIndex && !asked.isAsked;
    byId("groups").hidden = !isOverview;
    byId("grid").hidden = isOverview;
    if (isOverview) {
      byId("paging").hidden = true;
      byId("status").textContent = "";
      return;
    }
    shown = sorted(gathered(asked.fits), asked.sort);
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    const at = Math.min(Math.max(1, Number(state().get("p")) || 1), pages);
    const first = (at - 1) * PAGE;
    const part = shown.slice(first, first + PAGE);
    const mark = JSON.stringify([at, part.map((sheaf) => [sheaf.stem, sheaf.fitting.map((row) => row.seen)])]);
    if (mark !== drawn) byId("grid").replaceChildren(...part.map(card));
    else part.forEach((sheaf, n) => byId("grid").children[n].firstChild.setAttribute("href", address({ open: sheaf.stem })));
    drawn = mark;
    byId("paging").hidden = pages < 2;
    byId("where").textContent = `${first + 1} to ${first + part.length} of ${shown.length.toLocaleString("en")}`;
    byId("earlier").disabled = at === 1;
    byId("later").disabled = at === pages;
    tellStatus(asked);
  }

  function tellStatus(asked) {
    const pictures = shown.reduce((sum, sheaf) => sum + sheaf.fitting.length, 0);
    const there = isIndex ? groups : groups.filter((group) => group.slug === slug);
    const all = there.reduce((sum, group) => sum + total(group, "rows"), 0);
    const read = isIndex ? rows.size : [...rows.values()].filter((row) => row.group === slug).length;
    const still = read < all ? ` Reading: ${read.toLocaleString("en")} of ${all.toLocaleString("en")}.` : "";
    const none = shown.length || still ? "" : asked.isAsked ? "Nothing fits. " : "There is no picture yet. ";
    const found = shown.length && asked.isAsked ? `${count(pictures, "picture")} of ${count(shown.length, "page")}.` : "";
    byId("status").textContent = none + found + still;
  }

  function turn(by) {
    go({ p: String(Math.max(1, (Number(state().get("p")) || 1) + by)) });
    byId("grid").querySelector("a")?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  // The overview: chapters, other folders, LoRAs.

  function coverOf(group) {
    const covers = group.shelves.map((shelf) => shelf.cover).filter((cover) => cover.thumb);
    return covers.length ? covers.reduce((a, b) => (b.made > a.made ? b : a)) : {};
  }

  function tile(href, cover, name, alt, ...facts) {
    return make("li", {},
      make("a", { class: "card", href },
        cover.thumb ? framed(cover, alt) : cover.source ? make("span", { class: "frame" }, make("img", { src: cover.source, alt, loading: "lazy" })) : make("span", { class: "frame" }, make("span", { class: "none" }, alt)),
        make("span", { class: "name" }, name),
        make("span", { class: "meta" }, ...facts)));
  }

  function groupTile(group) {
    const approved = total(group, "approved");
    return tile(`${gallery}${encodeURIComponent(group.slug)}.html`, coverOf(group), group.title, "",
      make("span", {}, count(total(group, "rows"), "picture")),
      approved ? make("span", { class: "approved" }, `✓ ${approved} approved`) : "");
  }

  function loraTile(lora) {
    const cover = lora.cover ? { source: `${gallery}${lora.cover}` } : {};
    const now = lora.live ? make("span", { class: "badge" }, "trains now") : "";
    return tile(`${gallery}loras/${encodeURIComponent(lora.name)}.html`, cover, lora.name, `The LoRA ${lora.name}`,
      make("span", {}, lora.said), now);
  }

  function overview() {
    const isChapter = (group) => /^Chapter \d+$/.test(group.title);
    const parts = [
      ["Chapters", groups.filter(isChapter).map(groupTile)],
      ["Other pictures", groups.filter((group) => !isChapter(group)).map(groupTile)],
      ["LoRAs", (about.loras ?? []).map(loraTile)],
    ].filter(([, tiles]) => tiles.length);
    byId("groups").replaceChildren(...parts.flatMap(([name, tiles]) => [
      make("h2", { class: "part" }, name),
      make("ul", { class: "grid wide", role: "list", "aria-label": name }, ...tiles),
    ]));
    if (!parts.length) byId("groups").append(make("p", { class: "quiet" }, "There is no picture yet. What is made appears here."));
  }

  // One page of the book, every version side by side.

  const viewer = byId("viewer");
  let opened = "";

  function differences(row, before) {
    const names = about.names ?? {};
    const facts = [];
    for (const [key, name] of Object.entries(names)) {
      const [now, then] = [row, before].map((each) => (each?.told[key] ?? "").replace(/\.safetensors$/, ""));
      if (!before ? ["seed", "lora.name", "lora.strength", "steps", "cfg", "sampler", "prompt"].includes(key) && now : now !== then) {
        const old = before && then && then.length <= SHORT ? then : "";
        facts.push(make("dt", {}, name), make("dd", {},
          old ? make("del", {}, old) : "", old ? " " : "",
          now ? make("ins", {}, now) : make("span", {}, "none")));
      }
    }
    if (before && !facts.length) facts.push(make("dt", {}, "the same request"), make("dd", {}));
    if (row.note) facts.push(make("dt", {}, "note"), make("dd", {}, row.note));
    return make("dl", { class: "facts" }, ...facts);
  }

  function figure(sheaf, row, before) {
    const source = link(row.picture);
    const title = row.sheet ? `Sheet ${row.version}` : `Version ${row.version}`;
    const whole = row.width && row.height && !row.sheet ? `--whole: max(12rem, ${(76 * row.width / row.height).toFixed(1)}vh)` : null;
    return make("figure", { class: row.sheet ? "version sheet" : "version", style: whole, role: "listitem", "data-id": row.id },
      make("a", { href: source, target: "_blank", rel: "noopener" }, image(row, source, altOf(sheaf, row), sheaf.versions.length > 4)),
      make("figcaption", {},
        make("span", { class: "head" },
          make("strong", {}, title),
          make("span", { class: "quiet" }, day(row.made)),
          row.approved ? make("span", { class: "approved" }, `✓ approved ${day(row.approved)}`) : "",
          row.sandbox ? make("span", { class: "badge" }, "sandbox") : ""),
        differences(row, before),
        make("span", { class: "acts" },
          make("button", { type: "button", "aria-expanded": "false", "aria-controls": "manifest", "data-manifest": row.id, onclick: () => manifest(sheaf, row) }, "Manifest"),
          make("button", { type: "button", "data-copy": row.id, onclick: () => copyRequest(row) }, "Copy as request"))));
  }

  function show() {
    if (!viewer) return;
    const stem = state().get("open") ?? "";
    const versions = [...rows.values()].filter((row) => row.stem === stem).sort((a, b) => a.version - b.version);
    if (!versions.length) {
      if (viewer.open) viewer.close();
      return;
    }
    const mark = JSON.stringify(versions.map((row) => [row.id, row.seen]));
    if (opened === mark) return;
    opened = mark;
    fill({ stem, versions, fitting: versions });
    if (!viewer.open) viewer.showModal();
    viewer.scrollTop = 0;
    byId("versions").scrollLeft = byId("versions").scrollWidth;
  }

  function fill(sheaf) {
    const at = shown.findIndex((each) => each.stem === sheaf.stem);
    byId("viewer-title").textContent = nameOf(sheaf);
    byId("previous").disabled = at <= 0;
    byId("next").disabled = at < 0 || at === shown.length - 1;
    byId("versions").style.setProperty("--many", sheaf.versions.length);
    byId("versions").replaceChildren(...sheaf.versions.map((row, n) => figure(sheaf, row, sheaf.versions[n - 1])));
    byId("manifest").hidden = true;
  }

  function step(by) {
    const at = shown.findIndex((each) => each.stem === state().get("open"));
    const there = shown[at + by];
    if (at >= 0 && there) {
      go({ open: there.stem });
      byId("viewer-title").focus();
    }
  }

  // Manifests, read when somebody asks.

  async function more(row) {
    if (!mores.has(row.id) || mores.get(row.id).seen !== row.seen) {
      await load(file(row.group, row.shelf, "more.js"), row.seen.replace(/ /g, "-"));
    }
    return mores.get(row.id) ?? { request: "", facts: "", graph: "" };
  }

  async function manifest(sheaf, row) {
    const section = byId("manifest");
    const isShown = !section.hidden && section.dataset.id === row.id;
    for (const button of viewer.querySelectorAll("[data-manifest]")) {
      button.setAttribute("aria-expanded", String(!isShown && button.dataset.manifest === row.id));
    }
    section.hidden = isShown;
    if (isShown) return;
    section.dataset.id = row.id;
    const told = await more(row);
    const name = `${row.picture.replace(/\.png$/, "")}.toml`;
    const save = make("a", { download: name.slice(name.lastIndexOf("/") + 1), href: `data:application/toml;charset=utf-8,${encodeURIComponent(told.request)}` }, "Save as a file");
    section.replaceChildren(
      make("h3", { id: "manifest-title" }, `Manifest of ${row.sheet ? "sheet" : "version"} ${row.version}`),
      make("pre", { tabindex: "0", "aria-label": "The request" }, told.request),
      make("span", { class: "acts" },
        make("button", { type: "button", onclick: () => copyRequest(row) }, "Copy as request"),
        save,
        make("a", { href: link(name), target: "_blank", rel: "noopener" }, "The whole file")),
      make("details", {}, make("summary", {}, "What made it"), make("pre", { tabindex: "0" }, told.facts)),
      told.graph && told.graph !== "{}" ? make("details", {}, make("summary", {}, "Graph"), make("pre", { tabindex: "0" }, pretty(told.graph))) : "");
    section.scrollIntoView({ block: "nearest" });
  }

  function pretty(text) {
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
  }

  // Copying, with the old way where the new one is not allowed.

  async function copyRequest(row) {
    const told = await more(row);
    await copy(told.request);
  }

  async function copy(text) {
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const area = make("textarea", { readonly: true, "aria-hidden": "true" });
      area.value = text;
      (viewer?.open ? viewer : body).append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    tell(done ? "Copied. Put it into a file in inbox/ that ends in .toml" : "The browser does not allow copying; the text can be marked in the manifest");
  }

  let telling = 0;

  function tell(text) {
    const place = (viewer?.open ? viewer : body).querySelector(".said");
    place.textContent = text;
    clearTimeout(telling);
    telling = setTimeout(() => { place.textContent = ""; }, 4000);
  }

  // Starting, and what comes while the page is open.

  function places() {
    const failures = about.failures ?? 0;
    const current = (name) => (page === name ? "page" : null);
    byId("places").replaceChildren(
      make("a", { href: `${gallery}failures.html`, "aria-current": current("failures"), class: failures ? "failed" : "" },
        failures ? `${count(failures, "failure")} this week` : "No failures this week"));
  }

  function heading() {
    if (!byId("sum")) return;
    const there = isIndex ? groups : groups.filter((group) => group.slug === slug);
    const sum = (key) => there.reduce((all, group) => all + total(group, key), 0);
    byId("sum").textContent = [count(sum("rows"), "picture"), sum("approved") ? `${sum("approved")} approved` : ""].filter(Boolean).join(", ");
  }

  function options() {
    const chapter = byId("chapter"), lora = byId("lora");
    const now = state();
    chapter.replaceChildren(make("option", { value: "" }, "All"), ...groups.map((group) => make("option", { value: group.slug }, group.title)));
    chapter.value = isIndex ? now.get("chapter") ?? "" : slug;
    const names = new Set([...rows.values()].map((row) => row.lora).filter(Boolean));
    if (now.get("lora")) names.add(now.get("lora"));
    lora.replaceChildren(make("option", { value: "" }, "Any"), ...[...names].sort(byName).map((name) => make("option", { value: name }, name)));
    lora.value = now.get("lora") ?? "";
  }

  function fields() {
    const now = state();
    for (const key of ["q", "seed", "from", "to", "sort"]) {
      const field = byId(key);
      if (document.activeElement !== field) field.value = now.get(key) ?? "";
    }
    byId("approved").checked = now.get("approved") === "1";
    options();
  }

  function filtered() {
    const form = new FormData(byId("filters"));
    const asked = Object.fromEntries(FIELDS.map((key) => [key, form.get(key) ?? ""]));
    if (!isIndex && asked.chapter !== slug) {
      location.href = asked.chapter ? `${gallery}${encodeURIComponent(asked.chapter)}.html` : `${root}index.html`;
      return;
    }
    go({ ...asked, chapter: isIndex ? asked.chapter : "", p: "" });
  }

  async function readRows() {
    const there = isIndex ? groups : groups.filter((group) => group.slug === slug);
    const files = there.flatMap((group) => group.shelves.map((shelf) => [group.slug, shelf.number, shelf.stamp]));
    files.reverse();
    for (let at = 0; at < files.length; at += 8) {
      const part = files.slice(at, at + 8);
      await Promise.allSettled(part.map(([group, number, stamp]) => load(file(group, number, "js"), stamp)));
      refresh();
    }
    refresh();
  }

  function refresh() {
    options();
    draw();
    show();
  }

  let isReading = false;

  function moved() {
    fields();
    const needsRows = !isIndex || wanted().isAsked || state().get("open");
    if (needsRows && !isReading) {
      isReading = true;
      readRows();
    }
    draw();
    show();
  }

  function listen() {
    let typing = 0;
    const form = byId("filters");
    form.addEventListener("submit", (event) => { event.preventDefault(); filtered(); });
    form.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(filtered, 150); });
    form.addEventListener("reset", () => setTimeout(() => go(Object.fromEntries([...FIELDS, "p"].map((key) => [key, ""])))));
    addEventListener("hashchange", moved);
    byId("earlier").addEventListener("click", () => turn(-1));
    byId("later").addEventListener("click", () => turn(1));
    byId("previous").addEventListener("click", () => step(-1));
    byId("next").addEventListener("click", () => step(1));
    byId("close").addEventListener("click", () => viewer.close());
    viewer.addEventListener("close", () => { opened = ""; go({ open: "" }); });
    viewer.addEventListener("keydown", (event) => {
      const isPlain = !(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey);
      if (!isPlain || event.target.closest("pre, .versions:focus")) return;
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
    });
    if (matchMedia("(max-width: 48rem)").matches) byId("further").open = FIELDS.some((key) => key !== "q" && state().get(key));
  }

  // What this page shows of what was told: when it is another, pictures are put in where they
  // belong; a page of text is read anew, unless somebody reads it just now.

  function mark() {
    if (page === "failures") return about.failed;
    if (page === "lora") return (about.loras ?? []).find((lora) => lora.name === slug)?.stamp;
    const there = isIndex ? groups : groups.filter((group) => group.slug === slug);
    return JSON.stringify([there.map((group) => group.shelves.map((shelf) => shelf.stamp)), isIndex && about.loras]);
  }

  function watch() {
    let seen = mark();
    said.groups = () => {
      if (mark() === seen) return;
      if (!viewer) {
        if (!String(getSelection())) location.reload();
        return;
      }
      seen = mark();
      places();
      heading();
      if (isIndex) overview();
      if (isReading) readRows();
    };
    setInterval(() => {
      if (!document.hidden) look();
    }, LOOK_SECONDS * 1000);
  }

  function look() {
    return load("data/groups.js", String(Date.now())).catch(() => {});
  }

  async function start() {
    await load("data/groups.js", String(Date.now()));
    places();
    heading();
    if (viewer) {
      if (isIndex) overview();
      listen();
      moved();
    }
    for (const button of document.querySelectorAll("[data-copies]")) {
      button.addEventListener("click", () => copy(byId(button.dataset.copies).textContent));
    }
    watch();
  }

  addEventListener("DOMContentLoaded", start);
  return { groups: takeGroups, rows: takeRows, more: takeMore, look };
})();
