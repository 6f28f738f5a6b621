// Calls a security key for what the page asks, and sends what it signed with the page's form. The
// only script of the pages of a session; without it a code is shown in place of a security key.

/** The bytes of base64url. */
function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

/** Bytes as base64url. */
function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The options with bytes where WebAuthn has them; browsers of some years ago read no JSON. */
function options(told) {
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const read = { ...told, challenge: bytes(told.challenge) };
  if (told.user) read.user = { ...told.user, id: bytes(told.user.id) };
  if (told.excludeCredentials) read.excludeCredentials = known(told.excludeCredentials);
  if (told.allowCredentials) read.allowCredentials = known(told.allowCredentials);
  return read;
}

/** What a security key gave, as JSON. */
function shown(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

const form = document.querySelector("form[data-options]");
const told = form.querySelector("output");
let waiting = false;

/** Calls the security key, and sends the form with what it gave. */
async function call() {
  if (waiting) return;
  waiting = true;
  told.textContent = form.dataset.waiting;
  try {
    const publicKey = options(JSON.parse(form.dataset.options));
    const ways = navigator.credentials;
    const found = await (publicKey.user ? ways.create({ publicKey }) : ways.get({ publicKey }));
    form.elements.credential.value = shown(found);
    form.submit();
  } catch (error) {
    // Browsers say why in a language of their own; the name is the same in all.
    const why = error.name === "InvalidStateError" ? form.dataset.known : form.dataset.refused;
    told.textContent = `${why} (${error.name})`;
  }
  waiting = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name } = form.elements;
  // Browsers take spaces for a name, and tell of none in a language of their own.
  if (name) name.setCustomValidity(name.value.trim() ? "" : form.dataset.blank);
  if (form.reportValidity()) call();
});

if (!window.PublicKeyCredential) told.textContent = form.dataset.unable;
else if (form.dataset.now) call();
