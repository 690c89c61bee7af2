// Shows each picture for its time, takes the answer, and asks the server what comes next. The server knows all; this page
// keeps nothing that would be lost with it.

const CROSS_MS = 500, MASK_MS = 200, TOLD_MS = 900, MASK_CELLS = 24;
const SECTIONS = ["wait", "start", "trial", "pause", "trouble", "end", "closed"];
const $ = id => document.getElementById(id);

let state;
let answering = null; // takes "real" or "fake" while an answer is due

function show(name) {
  for (const section of SECTIONS) $(section).hidden = section !== name;
  $(`${name}-title`)?.focus();
}

const later = ms => new Promise(done => setTimeout(done, ms));
const frame = () => new Promise(done => requestAnimationFrame(done));
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

async function ask(path, body) {
  const request = body === undefined ? {} : {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
  };
  for (;;) {
    try {
      const response = await fetch(path, request);
      // 409: another page of this test has gone on; what it reached is where this one goes on too.
      if (response.status === 409) return null;
      if (response.ok) return path.startsWith("picture/") ? await response.blob() : await response.json();
      await trouble("The server refuses: it may have been started for another test. Load this page anew.");
    } catch {
      await trouble("It may have been ended. Start it again with the same command; nothing that you answered is lost.");
    }
  }
}

async function trouble(text) {
  const shown = SECTIONS.find(section => !$(section).hidden);
  $("trouble-text").textContent = text;
  show("trouble");
  $("again").focus();
  await new Promise(done => $("again").addEventListener("click", done, {once: true}));
  show(shown);
}

function place() {
  const share = state.total ? state.trial / state.total : 0;
  $("progress").value = share;
  $("where").textContent = state.finished ? `All ${state.total} pictures`
    : state.practice ? `Practice · picture ${state.within + 1} of ${state.block_size}`
    : `Block ${state.block} of ${state.blocks} · picture ${state.within + 1} of ${state.block_size}`;
}

function fit(width, height) {
  // Small pictures are enlarged by whole factors, so that every pixel stays a square.
  const room = $("stage").clientWidth;
  const factor = room / Math.max(width, height);
  const scale = factor >= 1 ? Math.floor(factor) : factor;
  for (const element of [$("picture"), $("mask")]) {
    element.style.width = `${width * scale}px`;
    element.style.height = `${height * scale}px`;
  }
  $("picture").className = scale > 1 ? "tiny" : "";
}

function drawMask() {
  const pen = $("mask").getContext("2d");
  for (let y = 0; y < MASK_CELLS; y++) for (let x = 0; x < MASK_CELLS; x++) {
    const [r, g, b] = Array.from({length: 3}, () => Math.floor(Math.random() * 256));
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fillRect(x, y, 1, 1);
  }
}

// The picture for state.seconds, or until `answered`. Resolves to the time at which it appeared; `hide` says how long it stood.
async function reveal(answered) {
  const picture = $("picture");
  $("cross").hidden = true;
  picture.hidden = false;
  const appeared = await frame();
  const hidden = (async () => {
    let now = appeared;
    // A page in the background gets no frames: what nobody can see is hidden at once.
    const watch = new AbortController();
    const away = new Promise(done => document.addEventListener("visibilitychange", done, {signal: watch.signal}));
    while (now - appeared < state.seconds * 1000 - 8 && !answered.yes) {
      now = await Promise.race([frame(), away.then(() => null), answered.promise.then(() => null)]) ?? Infinity;
    }
    watch.abort();
    picture.hidden = true;
    $("mask").hidden = false;
    // The cross before the next picture outlasts the mask, which wipes out what the eye would keep.
    later(MASK_MS).then(() => { $("mask").hidden = true; });
    return performance.now() - appeared;
  })();
  return {appeared, hidden};
}

function answerTo(answered, appeared) {
  return new Promise(done => {
    const limit = state.answer_within === null ? null
      : setTimeout(() => finish(null), Math.max(0, state.answer_within * 1000 - (performance.now() - appeared)));
    function finish(answer) {
      answering = null;
      clearTimeout(limit);
      const reaction = answer === null ? null : performance.now() - appeared;
      answered.yes = true;
      answered.resolve();
      done({answer, reaction});
    }
    answering = finish;
    for (const id of ["fake", "real"]) $(id).disabled = false;
  });
}

async function trial() {
  place();
  show("trial");
  for (const id of ["fake", "real"]) $(id).disabled = true;
  $("picture").hidden = $("mask").hidden = true;
  $("cross").hidden = false;
  $("told").textContent = "";
  const waited = later(CROSS_MS);
  const blob = await ask(`picture/${state.trial}`);
  if (blob === null) return void (state = await ask("state"));
  const address = URL.createObjectURL(blob);
  const picture = $("picture");
  picture.src = address;
  await picture.decode();
  fit(picture.naturalWidth, picture.naturalHeight);
  drawMask();
  await waited;

  const answered = {yes: false};
  answered.promise = new Promise(done => { answered.resolve = done; });
  const {appeared, hidden} = await reveal(answered);
  const {answer, reaction} = await answerTo(answered, appeared);
  for (const id of ["fake", "real"]) $(id).disabled = true;
  const stood = await hidden;
  URL.revokeObjectURL(address);
  const next = await ask("answer", {trial: state.trial, answer, reaction_ms: reaction, shown_ms: stood});
  if (answer === null) await tell("Too late");
  else if (next?.truth) await tell(next.truth === answer ? `Right: it is ${next.truth}` : `Wrong: it is ${next.truth}`);
  state = next ?? await ask("state");
}

async function tell(text) {
  $("told").textContent = text;
  await later(TOLD_MS);
}

async function pressed(id) {
  $(id).focus();
  await new Promise(done => $(id).addEventListener("click", done, {once: true}));
}

async function pause() {
  place();
  const first = state.block === 1;
  $("pause-title").textContent = first ? "Now it counts" : `Block ${state.block - 1} of ${state.blocks} is done`;
  $("pause-text").textContent = first ? `From here on you are not told whether you were right. ${plural(state.blocks, "block")} of `
    + `${state.block_size} pictures follow.` : "Rest your eyes as long as you like.";
  show("pause");
  await pressed("go-on");
}

async function welcome() {
  place();
  if (state.trial > 0) {
    $("pause-title").textContent = "Welcome back";
    $("pause-text").textContent = `${state.trial} of ${plural(state.total, "picture")} are answered.`;
    show("pause");
    return await pressed("go-on");
  }
  $("where").textContent = plural(state.total, "picture");
  $("seconds").textContent = plural(state.seconds, "second");
  $("haste").textContent = state.answer_within === null ? "Take the time that you need."
    : `Answer within ${plural(state.answer_within, "second")}.`;
  $("practice").textContent = state.practice ? `The first ${state.block_size} pictures are for practice, and the truth is told.` : "";
  $("amount").textContent = `${plural(state.total, "picture")} in all`;
  show("start");
  await pressed("begin");
}

function row(name, value, note) {
  const line = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
  const small = document.createElement("small");
  head.scope = "row";
  head.textContent = name;
  small.textContent = note;
  head.append(small);
  cell.textContent = value;
  line.append(head, cell);
  return line;
}

async function end() {
  place();
  const verdict = state.verdict;
  $("conclusion").textContent = verdict.conclusion;
  $("numbers").replaceChildren(...verdict.sentences.map(words => row(...words)));
  $("blocks").replaceChildren(...verdict.blocks.map(block => {
    const item = document.createElement("li");
    item.textContent = `Block ${block.number}: ` + (block.left_out ? `left out, as ${block.left_out}` : "counts");
    item.className = block.left_out ? "out" : "";
    return item;
  }));
  if (verdict.late) $("blocks").append(Object.assign(document.createElement("li"),
    {textContent: `${plural(verdict.late, "picture")} without an answer in time: not counted`}));
  if (verdict.seen_twice) $("blocks").append(Object.assign(document.createElement("li"),
    {textContent: `${plural(verdict.seen_twice, "picture")} seen more than once: not counted`}));
  show("end");
  await new Promise(done => $("close").addEventListener("click", done, {once: true}));
  await ask("close", {});
  show("closed");
}

addEventListener("resize", () => {
  if ($("picture").naturalWidth) fit($("picture").naturalWidth, $("picture").naturalHeight);
});
for (const id of ["fake", "real"]) $(id).addEventListener("click", () => answering?.(id));
document.addEventListener("keydown", event => {
  const answer = {ArrowLeft: "fake", ArrowRight: "real"}[event.key];
  if (!answer || event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (!$("trial").hidden) event.preventDefault();
  answering?.(answer);
});

state = await ask("state");
if (!state.finished) await welcome();
while (!state.finished) {
  const block = state.block;
  await trial();
  if (!state.finished && state.block !== block) await pause();
}
await end();
