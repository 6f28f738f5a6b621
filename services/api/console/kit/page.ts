/** What the page that loads the console says of the service. */

const said = document.documentElement.dataset;

/** Where the API is; without a slash at the end. */
export const API = said.api ?? location.origin;
/** Where the tile service is; without a slash at the end. */
export const TILES = said.tiles ?? `${location.origin}/tiles`;
/** Path under which the console's screens are. */
export const CONSOLE = new URL(`${API}/console`).pathname;
/** Time zone of the bureau. */
export const ZONE = said.zone ?? "Asia/Shanghai";
/** Whether people can sign in here. */
export const SIGN_IN = said.signIn !== undefined;
/** Layers of background maps that the operator has named, by code. */
export const BASEMAPS = (said.basemaps ?? "").split(" ").filter(Boolean);
/** Whose they are, as it must stand on maps. */
export const BASEMAPS_CREDIT = said.basemapsCredit ?? "";
/** Whether the browser came with a session; without one nobody need be asked who it is. */
export const HAS_SESSION = said.session !== undefined;
