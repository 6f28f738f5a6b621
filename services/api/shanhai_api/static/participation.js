// Sends a comment on a notice: asks for a challenge, does the work it wants, posts both.
// The only script of these pages; without it comments are sent by a program or told to the office.

const K = (() => {
  // The first 32 bits of the fractions of the cube roots of the first 64 primes (FIPS 180-4).
  const found = [];
  for (let n = 2; found.length < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (prime) found.push(((Math.cbrt(n) % 1) * 2 ** 32) | 0);
  }
  return Int32Array.from(found);
})();
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const W = new Int32Array(64);

/** Goes on with a state over a block of 16 words. */
function compress(h, words, at) {
  let [a, b, c, d, e, f, g, z] = h;
  for (let i = 0; i < 64; i += 1) {
    if (i < 16) W[i] = words[at + i];
    else {
      const p = W[i - 15];
      const q = W[i - 2];
      const s0 = ((p >>> 7) | (p << 25)) ^ ((p >>> 18) | (p << 14)) ^ (p >>> 3);
      const s1 = ((q >>> 17) | (q << 15)) ^ ((q >>> 19) | (q << 13)) ^ (q >>> 10);
      W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
    }
    const r1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const r0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t1 = (z + r1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const t2 = (r0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    z = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
}

/** The words of ASCII text, padded as if `before` bytes had come before it. */
function padded(text, before) {
  const words = new Int32Array((((text.length + 8) >> 6) + 1) * 16);
  for (let i = 0; i < text.length; i += 1) words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
  words[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
  words[words.length - 1] = (before + text.length) * 8;
  return words;
}

/** What gives the first 32 bits of the SHA-256 of ASCII texts that begin alike. */
function digester(beginning) {
  const whole = beginning.length - (beginning.length % 64);
  const state = Int32Array.from(START);
  const words = padded(beginning.slice(0, whole), 0);
  for (let at = 0; at < whole / 4; at += 16) compress(state, words, at);
  const rest = beginning.slice(whole);
  const h = new Int32Array(8);
  return (end) => {
    const last = padded(rest + end, whole);
    h.set(state);
    for (let at = 0; at < last.length; at += 16) compress(h, last, at);
    return h[0] >>> 0;
  };
}

/** A text with which the digest begins with enough zero bits; the page stays alive meanwhile. */
async function solve(challenge, bits) {
  const digest = digester(`${challenge}:`);
  for (let number = 0; ; number += 1) {
    if (Math.clz32(digest(String(number))) >= bits) return String(number);
    if (number % 20000 === 19999) await new Promise((go) => setTimeout(go));
  }
}

const form = document.querySelector("form.comment");
const told = form.querySelector("output");
const map = document.querySelector("svg[data-scale]");
let place = null;

map?.addEventListener("click", (event) => {
  const box = map.getBoundingClientRect();
  const { lon, lat, scale } = map.dataset;
  const view = map.viewBox.baseVal;
  const x = ((event.clientX - box.left) / box.width) * view.width;
  const y = ((event.clientY - box.top) / box.height) * view.height;
  const at = [Number(lon) + (x - view.width / 2) / scale, Number(lat) - (y - view.height / 2) / scale];
  place = { type: "Point", coordinates: at.map((side) => Number(side.toFixed(6))) };
  const mark = map.querySelector(".chosen");
  mark.setAttribute("cx", x);
  mark.setAttribute("cy", y);
  mark.removeAttribute("display");
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  told.textContent = form.dataset.working;
  try {
    const given = new FormData(form);
    const body = { text: given.get("text"), anonymous: given.get("anonymous") === "on" };
    if (place) body.place = place;
    for (const name of ["name", "contact"]) if (given.get(name)) body[name] = given.get(name);
    const challenge = await (await fetch(form.dataset.challenge)).json();
    if (!challenge.challenge) throw new Error(challenge.detail);
    if (challenge.bits > 32) throw new Error(`${challenge.bits} bits`);
    body.work = { challenge: challenge.challenge, solution: await solve(challenge.challenge, challenge.bits) };
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(form.action, { method: "POST", headers, body: JSON.stringify(body) });
    const kept = await answer.json();
    if (!answer.ok) throw new Error(kept.detail);
    told.textContent = `${form.dataset.kept} ${kept.receipt}`;
    form.reset();
  } catch (error) {
    told.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});
