/**
 * Wires the page: who is signed in decides between the front door and the rooms.
 */

/** @import { Account } from "./api.js" */
import { logout } from "./api.js";
import { Client } from "./client.js";
import { forgetAccount, loadAccount, onAccountChange, saveAccount, UnsentStore } from "./storage.js";
import { App } from "./view/app.js";
import { showEntry } from "./view/entry.js";

const root = /** @type {HTMLElement} */ (document.getElementById("root"));
const socketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/ws`;

/** @type {{ account: Account, client: Client, app: App } | undefined} */
let signedIn;

/** @param {Account} account */
function enter(account) {
  leave();
  const client = new Client(socketUrl, account.token, new UnsentStore(account.user.user), {
    happened: (event) => signedIn?.app.happened(event),
    connection: (state) => signedIn?.app.connection(state),
    signedOut: () => signedOut("You have been signed out."),
  });
  const app = new App(root, client, () => {
    signedOut(undefined);
    logout(account.token).catch(() => undefined);
  });
  signedIn = { account, client, app };
  client.start();
}

/** @param {string | undefined} notice */
function signedOut(notice) {
  forgetAccount();
  leave();
  history.replaceState(null, "", location.pathname);
  knock(notice);
}

function leave() {
  signedIn?.app.close();
  signedIn?.client.stop();
  signedIn = undefined;
}

/** @param {string} [notice] */
function knock(notice) {
  showEntry(root, notice, (account) => {
    saveAccount(account);
    enter(account);
  });
}

onAccountChange((account) => {
  if (account?.token === signedIn?.account.token) return;
  if (account) enter(account);
  else if (signedIn) signedOut("You have signed out in another tab.");
});

const account = loadAccount();
if (account) enter(account);
else knock();
