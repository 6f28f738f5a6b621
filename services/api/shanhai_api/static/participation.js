// Sends a comment on a notice or a complaint: asks for a challenge, does the work it wants, posts
// both; and asks what became of them. The only script of these pages; without it they are sent by a
// program or told to the office.

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

// Whoever is signed in shows with it that this page, and no other, sends what is sent.
const signedIn = document.querySelector("input[name=csrf]");
const OWN_PAGE = signedIn ? { "X-CSRF-Token": signedIn.value } : {};

/** Posts a document; what was answered, or an error that tells why not. */
async function post(address, body) {
  const headers = { "Content-Type": "application/json", ...OWN_PAGE };
  return answered(await fetch(address, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answered(answer) {
  const told = await answer.json();
  if (answer.ok) return told;
  const faults = (told.errors ?? []).map((fault) => fault.detail);
  throw new Error([told.detail, ...faults.filter((one) => !told.detail.includes(one))].join(" "));
}

/** Posts what somebody says together with the work that is asked for. */
async function postWithWork(form, body, given) {
  for (const name of ["name", "contact", "address"]) if (given.get(name)) body[name] = given.get(name);
  const challenge = await answered(await fetch(form.dataset.challenge));
  if (challenge.bits > 32) throw new Error(`${challenge.bits} bits`);
  body.work = { challenge: challenge.challenge, solution: await solve(challenge.challenge, challenge.bits) };
  return post(form.action, body);
}

const SENDERS = {
  async comment(form, given, tell) {
    const body = { text: given.get("text"), anonymous: given.get("anonymous") === "on" };
    if (place) body.place = place;
    tell(`${form.dataset.kept} ${(await postWithWork(form, body, given)).receipt}`);
  },
  async complaint(form, given, tell) {
    const coordinates = [Number(given.get("lon")), Number(given.get("lat"))];
    const body = { kind: given.get("kind"), text: given.get("text"), seen_on: given.get("seen_on") };
    body.place = { type: "Point", coordinates };
    const { receipt } = await postWithWork(form, body, given);
    const kept = `${form.dataset.kept} ${receipt}`;
    tell(kept);
    for (const photo of given.getAll("photos").filter((file) => file.size)) {
      const headers = { "Content-Type": photo.type || "application/octet-stream", Receipt: receipt, ...OWN_PAGE };
      try {
        await answered(await fetch(form.dataset.photos, { method: "POST", headers, body: photo }));
      } catch (error) {
        // The complaint is kept whatever becomes of a photo, and its receipt is told only once.
        tell(`${kept} · ${photo.name}: ${error.message}`);
        break;
      }
    }
  },
  async receipt(form, given, tell) {
    const found = await post(form.action, { receipt: given.get("receipt").trim() });
    tell([form.dataset[found.state], found.reason, found.reply].filter(Boolean).join(" · "));
  },
};

for (const form of document.querySelectorAll("form[data-sends]")) {
  const told = form.querySelector("output");
  const tell = (text) => { told.textContent = text; };
  form.querySelector("button.here")?.addEventListener("click", () => {
    const found = ({ coords }) => {
      form.elements.lon.value = coords.longitude.toFixed(6);
      form.elements.lat.value = coords.latitude.toFixed(6);
    };
    navigator.geolocation.getCurrentPosition(found, (error) => tell(error.message));
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    tell(form.dataset.working);
    try {
      await SENDERS[form.dataset.sends](form, new FormData(form), tell);
      form.reset();
    } catch (error) {
      tell(error.message);
    } finally {
      button.disabled = false;
    }
  });
}
