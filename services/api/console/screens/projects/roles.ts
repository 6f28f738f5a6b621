/** Who may write what hangs on projects and ledgers, as far as the console can tell. */

import { may } from "../../kit/session";

/** Either scope is needed to write anything of a project or a ledger; roles come beside it. */
export const mayWrite = (): boolean => may("projects") || may("write");
